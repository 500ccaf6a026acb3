//! Our gzip, read by Java, Node, Go, Python and the `gzip` of the system: one member that says what was compressed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use sha2::{Digest, Sha256};
use spillway::encode::{GzipLevel, gzip};
use spillway_tests::readers::venv_python;

use super::shipped_text;

/// Nothing, a byte, real rows of several units, rows that repeat themselves for ever, and what cannot be compressed.
fn texts() -> Vec<Vec<u8>> {
    let mut noise = vec![0; 2_500_000];
    StdRng::seed_from_u64(11).fill_bytes(&mut noise);
    let rows = shipped_text("github_webhooks.jsonl.gz").into_bytes();
    assert!(rows.len() > 2 * 1_048_576, "they are of several units");
    vec![Vec::new(), vec![b'{'], rows, b"{\"same\":true}\n".repeat(300_000), noise]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The readers, each with what starts it and what installs it.
fn readers() -> Vec<(&'static str, Command, &'static str)> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("readers/gzip");
    let python = venv_python().unwrap();
    let beside = |name| python.parent().unwrap().join(name);
    let with = |program: PathBuf, args: &[&str], script: &str| {
        let mut command = Command::new(program);
        command.args(args).arg(scripts.join(script));
        command
    };
    let mut go = with(beside("go"), &["run"], "gunzip.go");
    let cache = python.parent().unwrap().join("go-cache");
    go.env("GOCACHE", &cache).env("GOPATH", cache.join("path")).env("GO111MODULE", "off");
    go.env("GOTOOLCHAIN", "local").env("GOTELEMETRY", "off").env("GOENV", "off");
    vec![
        ("Java", with("java".into(), &[], "Gunzip.java"), "apt-get install -y openjdk-17-jdk-headless"),
        ("Node", with("node".into(), &[], "gunzip.js"), "apt-get install -y nodejs"),
        ("Go", go, "tests/run venv"),
        ("Python", with(python.clone(), &["-B"], "gunzip.py"), "tests/run venv"),
    ]
}

#[test]
fn every_common_reader_takes_our_gzip() {
    let (folder, mut files, mut expected) = (tempfile::tempdir().unwrap(), Vec::new(), String::new());
    for (at, text) in texts().into_iter().enumerate() {
        for level in [GzipLevel::Fast, GzipLevel::Compact] {
            let file = folder.path().join(format!("{at}-{level:?}.gz"));
            fs::write(&file, gzip(&text, level)).unwrap();
            files.push(file);
            expected.push_str(&format!("{}\n", hex(&Sha256::digest(&text))));
        }
    }
    for (reader, mut command, install) in readers() {
        let output = command.args(&files).output();
        let output = output.unwrap_or_else(|error| panic!("{reader} does not start: {error}; {install}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{reader}: {errors}; is it whole? {install}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{reader} reads something else");
    }
    assert!(Command::new("gzip").arg("--test").args(&files).status().unwrap().success());
}
