//! One real run of more than a gigabyte of input: chunks that were planned too large split at the real limit, files
//! are filled up to it and never over it, and no row is lost.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;

const INPUT_BYTES: u64 = 1_050_000_000;
/// FORMATS, The size limit.
const FILE_LIMIT_BYTES: u64 = 100_000_000;
/// 2025-06-11T00:00:00Z.
const DAY: u64 = 1_749_600_000;

fn spillway(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spillway"));
    command.arg("--home").arg(home).args(args).env_remove("RUST_LOG").env_remove("SPILLWAY_HOME");
    command
}

/// Writes events of one event and day until `INPUT_BYTES` are there; how many, and the sum of their ids.
fn write_lines(out: &mut impl Write) -> (u64, u64) {
    let mut draw = StdRng::seed_from_u64(2);
    let (mut bytes, mut rows, mut sum) = (0, 0, 0);
    while bytes < INPUT_BYTES {
        // It compresses far better than planning expects, so that plain files outgrow their chunks.
        let noise = format!("{:016x}", draw.random::<u64>()).repeat(100);
        let (user, ts) = (rows % 1_009, DAY + rows % 80_000);
        let line = format!(
            "{{\"type\":\"event\",\"identity\":\"u{user}\",\"ts\":{ts},\"evtName\":\"Large\",\"evtData\":{{\"id\":{rows},\
             \"noise\":\"{noise}\"}}}}\n"
        );
        out.write_all(line.as_bytes()).unwrap();
        bytes += line.len() as u64;
        sum += rows;
        rows += 1;
    }
    (rows, sum)
}

/// The records of a stored JSON file: how many, and the sum of their ids.
fn count(file: &Path) -> (u64, u64) {
    let mut lines = BufReader::with_capacity(1 << 20, File::open(file).unwrap());
    let (mut line, mut rows, mut sum) = (String::new(), 0, 0);
    loop {
        line.clear();
        if lines.read_line(&mut line).unwrap() == 0 {
            return (rows, sum);
        }
        if line.starts_with('{') {
            let id = line.split_once("\"id\":").unwrap().1.split([',', '}']).next().unwrap();
            sum += id.parse::<u64>().unwrap();
            rows += 1;
        }
    }
}

#[test]
fn more_than_a_gigabyte_is_cut_and_whole() {
    let home = tempfile::TempDir::new().unwrap();
    let home = home.path();
    let mut ingest = spillway(home, &["ingest", "--account", "1", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = BufWriter::with_capacity(1 << 20, ingest.stdin.take().unwrap());
    let wrote = write_lines(&mut input);
    input.flush().unwrap();
    drop(input);
    assert!(ingest.wait().unwrap().success());

    let args = "export --account 1 --bucket large --create-bucket --data all-events --format json --from 2025-06-11 \
                --to 2025-06-11 --packaging plain --json";
    let export = spillway(home, &args.split_whitespace().collect::<Vec<_>>()).output().unwrap();
    assert!(export.status.success(), "{export:?}");
    let run: Value = serde_json::from_slice(&export.stdout).unwrap();
    assert_eq!(run["status"], "DONE");
    let files = run["files"].as_array().unwrap();
    let mut read = (0, 0);
    for file in files {
        let path = home.join("buckets/large").join(file["name"].as_str().unwrap());
        let bytes = path.metadata().unwrap().len();
        assert_eq!(file["bytes"], bytes);
        assert!(bytes <= FILE_LIMIT_BYTES, "{file}");
        let (rows, sum) = count(&path);
        assert_eq!(file["rows"], rows);
        read = (read.0 + rows, read.1 + sum);
    }
    assert_eq!(read, wrote, "rows and the sum of their ids");
    let bytes = files.iter().map(|file| file["bytes"].as_u64().unwrap());
    assert!(bytes.clone().sum::<u64>() > INPUT_BYTES, "plain files hold the input and more");
    let full = bytes.filter(|bytes| *bytes > FILE_LIMIT_BYTES / 1_000 * 999).count();
    assert!(full > 4, "only {full} of {} files were filled up: nothing was split", files.len());
    assert!(spillway(home, &["verify", "--bucket", "large"]).output().unwrap().status.success());
}
