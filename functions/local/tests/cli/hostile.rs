//! What nobody should give, and somebody will.

use std::fs;

use super::support::{Home, event, events, export_args, profiles, tree};

#[test]
fn bucket_names_stay_in_their_folder() {
    let home = Home::with(&events(3));
    let before = tree(&home.path(""));
    for name in ["../x", "Capitals", "a", "..", "/tmp/x", ".gcs", "a/b", "a\nb", "", "ein-bücket"] {
        let mut args = export_args("", "csv", &[]);
        args[4] = name;
        let done = home.run(&args).fails(&[]);
        assert!(done.err.contains("bucket"), "{name:?}: {done:?}");
        let mut verify = vec!["verify", "--bucket", name];
        home.run(&verify).fails(&[]);
        verify.push("--json");
        home.run(&verify).fails(&[]);
    }
    let added: Vec<_> = tree(&home.path("")).into_keys().filter(|name| !before.contains_key(name)).collect();
    assert!(added.iter().all(|name| name.contains("sqlite") || name.ends_with("workers.lock")), "{added:?}");
}

#[test]
fn event_names_of_all_kinds() {
    let names = [
        "../../etc/passwd",
        ".hidden",
        "-rf",
        "a\nb",
        "a\tb",
        "😀",
        "שלום",
        "1-1.manifest",
        "%2e",
        "a=b",
        "a-b",
        "a b",
        "a/b",
        "\u{1}",
    ];
    let long = "é".repeat(300);
    let mut text = String::new();
    for (id, name) in (0..).zip(names.iter().copied().chain([&*long])) {
        text += &event(name, super::support::JUNE, id);
    }
    let home = Home::with(&text);
    home.export("json", &[]).ok();
    assert_eq!(home.ids("files"), (0..=names.len() as u64).collect::<Vec<_>>());
    home.run(&["verify", "--bucket", "files"]).ok();
    // Each by its own name.
    for (id, name) in (0..).zip(names) {
        let (bucket, event) = (format!("one-{id}"), format!("--event={name}"));
        home.run(&export_args(&bucket, "json", &["--data", "select-events", &event])).ok();
        assert_eq!(home.ids(&bucket), [id], "{name:?}");
    }
    let none = ["--data", "select-events", "--event", "not there", "--json"];
    assert_eq!(home.export("json", &none).ok().json()["status"], "EMPTY");
}

#[test]
fn a_home_that_cannot_be_made() {
    let home = Home::new();
    fs::write(home.path("home"), "a file").unwrap();
    for args in [&["demo"][..], &["resume"], &["ingest", "--account", "1", "-"]] {
        home.run(args).error(&["home"]);
    }
    // Also root may not write here.
    let mut command = home.command(&["resume"]);
    command.args(["--home", "/proc/spillway"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code().map(|code| code > 0), Some(true));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "));
}

#[test]
fn foreign_files_in_the_lake_are_passed_over() {
    let home = Home::with(&(events(10) + &profiles(3)));
    let lake = home.path("home/lake");
    fs::write(lake.join("account=1/.DS_Store"), "x").unwrap();
    for file in tree(&lake).into_keys() {
        let folder = lake.join(file).parent().unwrap().to_owned();
        fs::write(folder.join("_SUCCESS"), "").unwrap();
        fs::write(folder.join("x.parquet.crc"), "x").unwrap();
    }
    home.export("json", &[]).ok();
    assert_eq!(home.ids("files").len(), 10);
    home.export("csv", &["--data", "all-profiles"]).ok();
}

#[test]
fn a_broken_state_is_told() {
    let home = Home::with(&events(2));
    fs::write(
        home.path("home/state.sqlite"),
        "no database at all, but long enough to be looked at".repeat(50),
    )
    .unwrap();
    for end in ["wal", "shm"] {
        drop(fs::remove_file(home.path(&format!("home/state.sqlite-{end}"))));
    }
    home.export("csv", &[]).error(&["state"]);
}
