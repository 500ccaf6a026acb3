//! `spillway ingest`.

use std::{fs, io::Write};

use super::support::{Home, event, events, profiles};

const JUNE: u64 = super::support::JUNE;

#[test]
fn plain_gzip_and_standard_input() {
    let home = Home::new();
    fs::write(home.path("a.jsonl"), event("A", JUNE, 1)).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(event("A", JUNE, 2).as_bytes()).unwrap();
    fs::write(home.path("b.jsonl.gz"), gzip.finish().unwrap()).unwrap();
    let (a, b) = (home.path("a.jsonl"), home.path("b.jsonl.gz"));
    let files = [a.to_str().unwrap(), b.to_str().unwrap()];
    let done =
        home.feed(&["ingest", "--account", "1", "--json", files[0], files[1], "-"], &event("A", JUNE, 3));
    let report = done.ok().json();
    assert_eq!((&report["lines"], &report["events"], &report["badLines"]), (&3.into(), &3.into(), &0.into()));
    home.export("json", &[]).ok();
    assert_eq!(home.ids("files"), [1, 2, 3]);
}

#[test]
fn bad_lines_are_told_by_number_and_the_good_ones_are_in() {
    let home = Home::new();
    let text = format!("{}nonsense\n\n{}{{\"type\":\"event\"}}\n", event("A", JUNE, 1), event("A", JUNE, 2));
    let done = home.feed(&["ingest", "--account", "1", "-"], &text).fails(&["2 bad lines were left out"]);
    let lines: Vec<_> = done.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", done.err);
    assert!(
        lines[0].starts_with("standard input, line 2: ") && lines[1].starts_with("standard input, line 5: ")
    );
    home.export("json", &[]).ok();
    assert_eq!(home.ids("files"), [1, 2]);
}

/// Whatever stands in a line is told short and cannot command a terminal; of many bad lines the first are named.
#[test]
fn hostile_bad_lines_are_told_short_and_the_first_only() {
    let home = Home::new();
    let long = "x".repeat(1_000_000);
    let mut text = format!(
        "{{\"type\":\"{long}\",\"identity\":\"u\"}}\n{{\"type\":\"\\u001b[2J\\u0007\",\"identity\":\"u\"}}\n"
    );
    text += &event("A", JUNE, 1);
    text += &"nonsense\n".repeat(2_000);
    text +=
        &"{\"type\":\"event\",\"identity\":\"u\",\"ts\":1,\"evtName\":\"E\",\"evtData\":{\"a\":\\u0041}}\n"
            .repeat(500);
    let done = home.feed(&["ingest", "--account", "1", "-"], &text);
    let done = done.fails(&["2,502 bad lines were left out; the first 100 are named above"]);
    assert_eq!(done.err.lines().count(), 100);
    assert!(done.err.lines().all(|line| line.len() < 300), "{}", done.err);
    assert!(done.err.contains("line 2: its `type` is `\\u{1b}[2J\\u{7}`"), "{}", done.err);
    let again = home.feed(&["ingest", "--account", "1", "--json", "-"], "nonsense\n").fails(&[]).json();
    assert_eq!((&again["badLines"], &again["namedBadLines"]), (&1.into(), &1.into()));
}

/// Hidden files in the account's folder of the lake.
fn hidden(home: &Home) -> usize {
    let Ok(entries) = fs::read_dir(home.path("home/lake/account=1")) else { return 0 };
    entries.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with('.')).count()
}

/// Feeds so many lines that it writes its first files while it still reads; each day is a file. Its input stays open.
fn under_way(home: &Home) -> (std::process::Child, std::process::ChildStdin) {
    let mut process = home.command(&["ingest", "--account", "1", "-"]);
    let mut process = process.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    let mut at = 0;
    let noise = "0123456789abcdef".repeat(4_000);
    while hidden(home) == 0 {
        assert!(process.try_wait().unwrap().is_none());
        at += 1;
        let ts = JUNE + at % 1_000 * 86_400;
        let line = format!(
            "{{\"type\":\"event\",\"identity\":\"u{at}\",\"ts\":{ts},\"evtName\":\"E\",\"evtData\":{{\"n\":\"{noise}\"}}}}\n"
        );
        input.write_all(line.as_bytes()).unwrap();
    }
    (process, input)
}

/// Interrupted, an ingest takes nothing in and says so; repeated, it doubles nothing.
#[test]
fn an_interrupted_ingest_takes_nothing_in() {
    for signal in ["-INT", "-TERM"] {
        let home = Home::new();
        // It waits for more of its standard input, or reads it.
        let (child, input) = under_way(&home);
        let sent = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let ended = child.wait_with_output().unwrap();
        drop(input);
        let err = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{err}");
        assert!(err.ends_with("error: interrupted; nothing was taken in; run it again\n"), "{err}");
        home.feed(&["ingest", "--account", "1", "-"], &event("E", JUNE, 1)).ok();
        let files = super::support::tree(&home.path("home/lake"));
        assert_eq!(files.len(), 1, "{:?}", files.keys());
    }
}

/// What a killed ingest was writing is deleted by the next one, but never while another one is at work.
#[test]
fn what_a_killed_ingest_left_is_deleted() {
    let home = Home::new();
    let (mut killed, _input) = under_way(&home);
    killed.kill().unwrap();
    killed.wait().unwrap();
    fs::write(home.path("home/lake/account=1/.ingest-other.tmp"), "left too").unwrap();
    let left = hidden(&home);
    assert!(left > 0);
    // Somebody at work: the folder is locked beside others.
    let folder = fs::File::open(home.path("home/lake/account=1")).unwrap();
    folder.lock_shared().unwrap();
    home.feed(&["ingest", "--account", "1", "-"], &event("A", JUNE, 1)).ok();
    assert_eq!(hidden(&home), left, "they may be of the other process");
    drop(folder);
    home.feed(&["ingest", "--account", "1", "-"], &event("A", JUNE, 2)).ok();
    assert_eq!(hidden(&home), 0);
}

#[test]
fn a_missing_file_is_told_before_anything_is_taken_in() {
    let home = Home::new();
    fs::write(home.path("a.jsonl"), events(3)).unwrap();
    let a = home.path("a.jsonl");
    let args = ["ingest", "--account", "1", a.to_str().unwrap(), "/nonexistent/b.jsonl"];
    home.run(&args).error(&["/nonexistent/b.jsonl", "cannot be read"]);
    let folder = home.path("");
    home.run(&["ingest", "--account", "1", a.to_str().unwrap(), folder.to_str().unwrap()])
        .error(&["is a folder"]);
    assert!(super::support::tree(&home.path("home/lake")).is_empty());
    let torn = home.path("torn.gz");
    fs::write(&torn, [0x1f, 0x8b]).unwrap();
    let done =
        home.run(&["ingest", "--account", "1", torn.to_str().unwrap()]).error(&["torn.gz` cannot be read: "]);
    assert!(!done.err.contains("line"), "{}", done.err);
}

#[test]
fn a_time_zone_and_shards_stay() {
    let home = Home::new();
    let first = ["ingest", "--account", "1", "--time-zone", "Asia/Kolkata", "--shards", "3", "-"];
    home.feed(&first, &events(10)).ok();
    home.feed(&first, &events(10)).ok();
    let zone = ["ingest", "--account", "1", "--time-zone", "UTC", "-"];
    home.feed(&zone, &events(1)).error(&["Asia/Kolkata", "UTC", "cannot change"]);
    let shards = ["ingest", "--account", "1", "--shards", "4", "-"];
    home.feed(&shards, &events(1)).error(&["3 shards", "cannot change"]);
    home.feed(&["ingest", "--account", "1", "--shards", "25", "-"], "").fails(&["25"]);
    home.feed(&["ingest", "--account", "1", "--time-zone", "Mars/Base", "-"], "").fails(&["Mars/Base"]);
    home.export("csv", &["--time-zone", "UTC"]).error(&["Asia/Kolkata"]);
    home.export("csv", &["--time-zone", "asia/KOLKATA"]).ok();
}

#[test]
fn profiles_are_counted() {
    let home = Home::new();
    let text = profiles(5) + &profiles(2);
    let report = home.feed(&["ingest", "--account", "1", "--json", "-"], &text).ok().json();
    assert_eq!((&report["profiles"], &report["olderProfiles"]), (&5.into(), &2.into()));
}
