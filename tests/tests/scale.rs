//! `spillway simulate scale` over Firestore, of which it counts what would be billed.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use serde_json::Value;
use spillway_tests::{binary, emulators};

/// The figures of README, Scale, are those of a hundred thousand; these are what a hundredth of it may cost.
#[test]
fn a_run_over_firestore_loses_and_doubles_nothing_and_costs_what_was_reckoned() {
    let (emulator, home) = (emulators::firestore::shared(), tempfile::tempdir().unwrap());
    let output = Command::new(binary("spillway"))
        .args(["--home", home.path().join("home").to_str().unwrap(), "--json"])
        .args(["simulate", "scale", "--chunks", "1000", "--store", "firestore", "--project"])
        .arg(emulators::firestore::project_id())
        .env("FIRESTORE_EMULATOR_HOST", emulator.address())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{found:#}");
    let number = |name: &str| found[name].as_u64().unwrap_or_else(|| panic!("no {name}: {found}"));
    let counted = ["chunks", "files", "lost", "doubled", "foreign"].map(number);
    assert_eq!((counted, found["status"].as_str()), ([1_000, 1_000, 0, 0, 0], Some("DONE")));
    let billed = |name: &str| found["billed"][name].as_u64().unwrap();
    assert!(billed("writes") >= 5 * 1_000 && billed("writes") < 8 * 1_000, "{found}");
    // Eight workers that end their messages together see the same places free, and read twice what is out.
    assert!(billed("reads") < 120 * 1_000, "{found}");
    assert!(number("hottest_writes") < 1_000 / 8, "one document is written too often: {found}");
}
