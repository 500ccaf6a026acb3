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

#[test]
fn a_missing_file_is_told_before_anything_is_taken_in() {
    let home = Home::new();
    fs::write(home.path("a.jsonl"), events(3)).unwrap();
    let a = home.path("a.jsonl");
    let args = ["ingest", "--account", "1", a.to_str().unwrap(), "/nonexistent/b.jsonl"];
    home.run(&args).error(&["/nonexistent/b.jsonl", "cannot be read"]);
    assert!(super::support::tree(&home.path("home/lake")).is_empty());
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
}

#[test]
fn profiles_are_counted() {
    let home = Home::new();
    let text = profiles(5) + &profiles(2);
    let report = home.feed(&["ingest", "--account", "1", "--json", "-"], &text).ok().json();
    assert_eq!((&report["profiles"], &report["olderProfiles"]), (&5.into(), &2.into()));
}
