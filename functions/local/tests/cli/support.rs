//! A home folder, the binary run in it, data to take in, and what lies in a bucket.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// The first second of 2025-06-01, UTC.
pub(crate) const JUNE: u64 = 1_748_736_000;

pub(crate) struct Home(TempDir);

/// What became of a process.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn of(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let done = Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        let both = format!("{}{}", done.out, done.err);
        for bad in ["panicked", "stack backtrace", "\u{1b}"] {
            assert!(!both.contains(bad), "{bad:?} in {both}");
        }
        done
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self
    }

    /// Exit 1 or 2, and says each of `words`.
    #[track_caller]
    pub(crate) fn fails(self, words: &[&str]) -> Self {
        assert!(matches!(self.code, Some(1 | 2)), "{self:?}");
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "no {word:?} in {self:?}");
        }
        self
    }

    /// Exit 1 and one sentence on standard error.
    #[track_caller]
    pub(crate) fn error(self, words: &[&str]) -> Self {
        let done = self.fails(words);
        assert!(done.err.starts_with("error: "), "{done:?}");
        assert_eq!(done.err.trim_end().lines().count(), 1, "{done:?}");
        done
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A home with `lines` in account 1.
    pub(crate) fn with(lines: &str) -> Self {
        let home = Self::new();
        home.feed(&["ingest", "--account", "1", "-"], lines).ok();
        home
    }

    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.0.path().join(part)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spillway"));
        command.arg("--home").arg(self.path("home")).args(args);
        for name in ["SPILLWAY_HOME", "RUST_LOG", "RUST_BACKTRACE"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Done {
        Done::of(self.command(args).output().unwrap())
    }

    pub(crate) fn run_logged(&self, args: &[&str]) -> Done {
        Done::of(self.command(args).env("RUST_LOG", "trace").output().unwrap())
    }

    /// Runs with `text` on standard input.
    pub(crate) fn feed(&self, args: &[&str], text: &str) -> Done {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = text.to_owned();
        // A process that ends early closes its end.
        let writing = std::thread::spawn(move || drop(input.write_all(text.as_bytes())));
        let done = Done::of(child.wait_with_output().unwrap());
        writing.join().unwrap();
        done
    }

    /// Exports account 1's June into the bucket `files`, in addition to which come `more` flags.
    pub(crate) fn export(&self, format: &str, more: &[&str]) -> Done {
        self.run(&export_args("files", format, more))
    }

    pub(crate) fn bucket(&self, name: &str) -> PathBuf {
        self.path("home/buckets").join(name)
    }

    /// The objects of a bucket by name, manifests too.
    pub(crate) fn objects(&self, bucket: &str) -> BTreeMap<String, Vec<u8>> {
        tree(&self.bucket(bucket))
    }

    /// The ids in a bucket's JSON files (gzip or plain, with a header line), sorted.
    pub(crate) fn ids(&self, bucket: &str) -> Vec<u64> {
        let mut ids = Vec::new();
        for (name, bytes) in self.objects(bucket) {
            if name.ends_with(".json.gz") {
                ids.extend(
                    records(&gunzip(&bytes)).iter().map(|row| row["eventProps"]["id"].as_u64().unwrap()),
                );
            }
        }
        ids.sort_unstable();
        ids
    }
}

pub(crate) fn export_args<'a>(bucket: &'a str, format: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args =
        vec!["export", "--account", "1", "--bucket", bucket, "--create-bucket", "--format", format];
    if !more.contains(&"--data") {
        args.extend(["--data", "all-events"]);
    }
    if !more.contains(&"--from") && !more.contains(&"all-profiles") {
        args.extend(["--from", "2025-06-01", "--to", "2025-06-30"]);
    }
    args.extend(more);
    args
}

/// Every file below a folder, by its path in it.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

pub(crate) fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

/// The records of a JSON file; its header line is left out.
pub(crate) fn records(text: &str) -> Vec<Value> {
    let rows = text.lines().filter(|line| line.starts_with('{'));
    rows.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Standard base64 of a CRC32C, as Google writes it.
pub(crate) fn crc32c(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(crc32c::crc32c(bytes).to_be_bytes())
}

/// One event line: `id` is unique.
pub(crate) fn event(name: &str, ts: u64, id: u64) -> String {
    let name = serde_json::to_string(name).unwrap();
    format!(
        "{{\"type\":\"event\",\"identity\":\"u{}\",\"email\":\"u{}@example.org\",\"ts\":{ts},\"evtName\":{name},\"evtData\":{{\"id\":{id},\"n\":1.5,\"s\":\"x, \\\"y\\\"\"}}}}\n",
        id % 997,
        id % 997
    )
}

/// `count` events `Charged` and `Viewed` over 20 days of June.
pub(crate) fn events(count: u64) -> String {
    let mut text = String::new();
    for id in 0..count {
        let name = if id % 3 == 0 { "Charged" } else { "Viewed" };
        text.push_str(&event(name, JUNE + (id % 20) * 86_400 + id % 80_000, id));
    }
    text
}

/// `count` profiles.
pub(crate) fn profiles(count: u64) -> String {
    let mut text = String::new();
    for id in 0..count {
        text.push_str(&format!(
            "{{\"type\":\"profile\",\"identity\":\"u{id}\",\"profileData\":{{\"Name\":\"N{id}\",\"Email\":\"u{id}@example.org\"}}}}\n"
        ));
    }
    text
}
