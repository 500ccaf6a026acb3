//! `spillway export`: its flags.

use std::{collections::BTreeMap, fs};

use super::support::{Home, event, events, export_args, gunzip, profiles, records, tree};

const FORMATS: [(&str, &str, &str); 4] = [
    ("json", ".json.gz", ".json"),
    ("csv", ".csv.gz", ".csv"),
    ("xml", ".xml.gz", ".xml"),
    ("parquet", ".parquet.gzip", ".parquet"),
];

fn data(home: &Home, extension: &str) -> Vec<(String, Vec<u8>)> {
    home.objects("files").into_iter().filter(|(name, _)| name.ends_with(extension)).collect()
}

#[test]
fn every_format_and_packaging() {
    let home = Home::with(&events(20));
    for (format, packed, plain) in FORMATS {
        let done = home.export(format, &["--json"]).ok().json();
        assert_eq!((&done["status"], &done["rows"]), (&"DONE".into(), &20.into()));
        assert_eq!(data(&home, packed).len(), done["files"].as_array().unwrap().len());
        home.export(format, &["--packaging", "plain"]).ok();
        assert_eq!(data(&home, plain).len(), data(&home, packed).len(), "{format}");
    }
    assert!(data(&home, ".parquet").iter().all(|(_, bytes)| bytes.starts_with(b"PAR1")));
    assert!(data(&home, ".csv").iter().all(|(_, bytes)| bytes.starts_with(b"ts,eventName,")));
    assert!(data(&home, ".xml").iter().all(|(_, bytes)| bytes.starts_with(b"<?xml")));
    let out = home.run(&["verify", "--bucket", "files"]).ok().out;
    assert_eq!(out.matches(", ok").count(), 8, "{out}");
}

#[test]
fn profiles_of_each_format() {
    let home = Home::with(&profiles(12));
    for (format, ..) in FORMATS {
        let more = ["--data", "all-profiles", "--identity-priority", "email,phone", "--json"];
        let done = home.export(format, &more).ok().json();
        assert_eq!((&done["status"], &done["rows"]), (&"DONE".into(), &12.into()));
        let name = done["files"][0]["name"].as_str().unwrap().to_owned();
        assert!(name.starts_with("1-") && name.ends_with(".gz") | name.ends_with(".gzip"), "{name}");
        if format == "json" {
            let rows = records(&gunzip(&home.objects("files")[&name]));
            assert!(rows.iter().all(|row| row["identity"].as_str().unwrap().ends_with("@example.org")));
        }
    }
    home.run(&["verify", "--bucket", "files"]).ok();
}

#[test]
fn selected_events_days_and_the_first_line() {
    let home = Home::with(&(events(60) + &event("a b/c\n😀", super::support::JUNE, 99)));
    let select =
        ["--data", "select-events", "--event", "a b/c\n😀", "--event", "Charged", "--packaging", "plain"];
    let days = ["--from", "2025-06-01", "--to", "2025-06-02"];
    let done = home.export("json", &[&select[..], &days, &["--json"]].concat()).ok().json();
    let lines: Vec<_> = done["files"].as_array().unwrap().iter().collect();
    assert!(lines.iter().all(|line| line["eventName"] != "Viewed"));
    assert!(lines.iter().all(|line| ["2025-06-01", "2025-06-02"].contains(&line["date"].as_str().unwrap())));
    let emoji = data(&home, "-a-b-c-😀-20250601-0-0.json").pop().unwrap();
    let text = String::from_utf8(emoji.1).unwrap();
    assert_eq!(text.lines().next(), Some("a b/c?😀"));
    assert_eq!(records(&text)[0]["eventName"], "a b/c\n😀");
    let before = data(&home, ".json").len();
    home.export("json", &[&select[..], &days, &["--no-header-line"]].concat()).ok();
    let plain: Vec<_> = data(&home, ".json");
    assert_eq!(plain.len(), before * 2);
    assert_eq!(plain.iter().filter(|(_, bytes)| bytes.starts_with(b"{")).count(), before);
}

#[test]
fn priorities_as_string_and_no_manifest() {
    let home = Home::with(&events(3));
    home.export("json", &["--as-string", "--no-manifest", "--identity-priority", "email,identity"]).ok();
    let objects = home.objects("files");
    assert!(!objects.keys().any(|name| name.ends_with(".manifest")));
    for (_, bytes) in objects {
        for row in records(&gunzip(&bytes)) {
            assert!(row["eventProps"]["id"].is_string() && row["eventProps"]["n"] == "1.5", "{row}");
            assert!(row["profile"]["identity"].as_str().unwrap().ends_with("@example.org"), "{row}");
        }
    }
}

#[test]
fn a_lake_elsewhere_and_its_time_zone() {
    let source = Home::new();
    let args = ["ingest", "--account", "1", "--time-zone", "Asia/Kolkata", "-"];
    source.feed(&args, &events(10)).ok();
    let lake = source.path("home/lake");
    fs::write(lake.join("README.txt"), "not ours").unwrap();
    fs::create_dir_all(lake.join("account=1/events/captured=never/db=x")).unwrap();
    fs::write(lake.join("account=1/events/captured=never/db=x/strange.parquet"), "not ours").unwrap();
    let home = Home::new();
    let more = ["--lake", lake.to_str().unwrap(), "--time-zone", "Asia/Kolkata"];
    let dry = home.export("json", &[&more[..], &["--dry-run", "--json"]].concat()).ok().json();
    assert_eq!(dry["rows"], 10);
    // A dry run knows no account afterwards: another time zone is still free.
    home.export("json", &["--lake", lake.to_str().unwrap(), "--time-zone", "Asia/Tokyo", "--dry-run"]).ok();
    home.export("json", &more).ok();
    assert_eq!(home.ids("files"), (0..10).collect::<Vec<_>>());
    home.export("json", &["--lake", "/nonexistent/lake"]).error(&["/nonexistent/lake"]);
    home.export("json", &["--lake", "s3://a/b"]).error(&["s3://a/b"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let home = Home::with(&events(50));
    home.export("csv", &[]).ok();
    let before = state(&home);
    let dry = home.export("csv", &["--dry-run"]).ok();
    let want = format!("{} chunks, 50 rows, about ", home.objects("files").len() - 1);
    assert!(dry.out.contains(&want), "{want}: {}", dry.out);
    let mut elsewhere = export_args("not-there", "csv", &["--dry-run", "--json"]);
    elsewhere.retain(|arg| *arg != "--create-bucket");
    let dry = home.run(&elsewhere).ok().json();
    assert_eq!(dry["rows"], 50);
    assert!(dry["estimatedBytes"].as_u64().unwrap() > 0);
    assert_eq!(dry["chunks"].as_array().unwrap().len(), home.objects("files").len() - 1);
    assert!(dry["chunks"][0]["object"].as_str().unwrap().ends_with(".csv.gz"));
    let after = state(&home);
    let changed: Vec<_> = after.iter().filter(|(name, bytes)| before.get(*name) != Some(bytes)).collect();
    assert!(changed.is_empty() && after.len() == before.len(), "{:?}", changed.iter().map(|(name, _)| name));
}

/// Of each day two files, of one day a broken one: its chunk's rows are not known, and the others keep their own.
#[test]
fn a_dry_run_counts_around_a_broken_file() {
    let home = Home::with(&events(9));
    home.feed(&["ingest", "--account", "1", "-"], &events(9)).ok();
    let lake = home.path("home/lake");
    let broken = tree(&lake).into_keys().find(|name| name.contains("event=Charged")).unwrap();
    fs::write(lake.join(broken), "broken").unwrap();
    for format in ["json", "csv"] {
        let dry = home.export(format, &["--dry-run", "--json"]).ok().json();
        let chunks = dry["chunks"].as_array().unwrap();
        let rows: Vec<Option<u64>> = chunks.iter().map(|chunk| chunk["rows"].as_u64()).collect();
        let whole = rows.iter().filter(|rows| **rows == Some(2)).count();
        assert_eq!((rows.len(), whole, dry["rows"].as_u64()), (9, 8, Some(16)), "{format}: {rows:?}");
    }
}

/// All that the home holds: of the store its rows, since its files change when it is opened and closed.
fn state(home: &Home) -> BTreeMap<String, Vec<u8>> {
    let mut all = tree(&home.path("home"));
    all.retain(|name, _| !name.contains(".sqlite"));
    let store = rusqlite::Connection::open(home.path("home/state.sqlite")).unwrap();
    let mut names = store.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for name in names {
        let mut statement = store.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            let values: Vec<_> = (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect();
            Ok(values.join("|"))
        };
        let mut rows: Vec<String> = statement.query_map([], text).unwrap().map(Result::unwrap).collect();
        rows.sort();
        all.insert(format!("table {name}"), rows.join("\n").into_bytes());
    }
    all
}

#[test]
fn an_empty_window_is_empty() {
    let home = Home::with(&events(5));
    let done = home.export("xml", &["--from", "2020-01-01", "--to", "2020-01-31", "--json"]).ok().json();
    assert_eq!((&done["status"], done["files"].as_array().unwrap().len()), (&"EMPTY".into(), 0));
    let told = home.export("xml", &["--from", "2020-01-01", "--to", "2020-01-31", "--no-manifest"]).ok().out;
    assert!(told.contains("EMPTY: 0 rows in 0 files, 0 bytes") && !told.contains("lie in"), "{told}");
    let objects: Vec<_> = home.objects("files").into_keys().collect();
    assert!(objects.len() == 1 && objects[0].ends_with(".manifest"), "{objects:?}");
    home.run(&["verify", "--bucket", "files"]).ok();
}

#[test]
fn wrong_flags_are_told() {
    let home = Home::with(&events(2));
    home.export("csv", &["--data", "select-events"]).error(&["--event"]);
    home.export("csv", &["--event", "Charged"]).error(&["select-events"]);
    home.export("csv", &["--from", "2025-06-02", "--to", "2025-06-01"]).error(&["2025-06-0"]);
    home.export("csv", &["--from", "2025-06-31", "--to", "2025-07-01"]).fails(&["2025-06-31"]);
    home.export("csv", &["--identity-priority", "email,email"]).error(&["mail"]);
    home.export("avro", &[]).fails(&["avro"]);
    home.export("csv", &["--data", "select-events", "--event", ""]).fails(&["--event"]);
    home.export("csv", &["--lake", ""]).error(&["no folder ``"]);
    for endpoint in ["nonsense", "", "localhost:80", "ftp://a", "http://"] {
        let mut args = export_args("files", "csv", &["--gcs-endpoint", endpoint]);
        args.retain(|arg| *arg != "--create-bucket");
        home.run(&args).fails(&["--gcs-endpoint", "https://storage.googleapis.com"]);
        home.run(&["resume", "--gcs-endpoint", endpoint]).fails(&["--gcs-endpoint"]);
    }
    let mut args = export_args("files", "csv", &[]);
    args.retain(|arg| *arg != "--create-bucket");
    home.run(&args).error(&["files", "--create-bucket"]);
    args.retain(|arg| !["--from", "--to"].contains(arg) && !arg.starts_with("2025"));
    home.run(&args).error(&["--from"]);
    let mut stranger = export_args("files", "csv", &[]);
    stranger[2] = "77";
    home.run(&stranger).error(&["account 77", "ingest"]);
}

/// What would change nothing was meant to.
#[test]
fn flags_without_effect_are_refused() {
    let home = Home::with(&(events(6) + &profiles(3)));
    for (format, more, words) in [
        ("json", &["--data", "all-profiles", "--from", "2025-06-01"][..], "as they are now"),
        ("json", &["--data", "all-profiles", "--from", "2025-06-01", "--to", "2025-06-02"], "--to"),
        ("json", &["--data", "all-profiles", "--no-header-line"], "--no-header-line"),
        ("csv", &["--no-header-line"], "--format json"),
        (
            "json",
            &["--data", "select-events", "--event", "A", "--identity-priority", "email"],
            "select-events",
        ),
        ("json", &["--event", "Charged"], "--event"),
    ] {
        home.export(format, more).error(&[words]);
    }
    assert!(!home.path("home/buckets/files").exists());
    home.run(&["simulate", "scale", "--chunks", "1", "--project", "p"]).error(&["--store firestore"]);
    home.run(&["serve", "--port", "0", "--time-zone", "Asia/Kolkata"]).error(&["time zone UTC"]);
    let wrong = home.feed(&["ingest", "--account", "1", "--shards", "3", "-"], "");
    wrong.error(&["account 1 has 1 shard, not 3"]);
    let identity = ["--data", "select-events", "--event", "Charged", "--identity-priority", "identity"];
    home.export("json", &identity).ok();
}
