//! `spillway simulate scale`.

use super::support::Home;

#[test]
fn five_hundred_chunks_are_worked_once_each() {
    let home = Home::new();
    let scale = ["simulate", "scale", "--chunks", "500", "--json"];
    let report = home.run(&scale).ok().json();
    for (key, value) in [("chunks", 500), ("files", 500), ("lost", 0), ("doubled", 0), ("foreign", 0)] {
        assert_eq!(report[key], value, "{key}: {report}");
    }
    assert_eq!((report["store"].as_str(), report["status"].as_str()), (Some("sqlite"), Some("DONE")));
    // A claim, a lease, an intent and a completion, beside its creation.
    assert_eq!(report["most_writes_of_a_chunk"], 5, "{report}");
    assert_eq!(report["store_calls"]["change_chunk"], 3 * 500, "{report}");
    // The plan is written once for sixteen messages, half of the thirty-two that may be out, so that no document is written
    // more often; and who has sent none, since others are out, counts no chunks.
    assert!(report["hottest_writes"].as_u64().is_some_and(|writes| writes <= 32), "{report}");
    assert!(report["store_calls"]["tally"].as_u64().unwrap() < 40, "{report}");
    for key in ["plan_secs", "work_secs", "store_calls_per_chunk", "hottest_writes_per_sec"] {
        assert!(report[key].as_f64().is_some_and(|number| number > 0.0), "{key}: {report}");
    }
    for key in ["plan_peak_mib", "store_reads", "store_writes"] {
        assert!(report[key].as_u64().is_some_and(|number| number > 0), "{key}: {report}");
    }
    // Where a home was named, each run's files stay in it.
    home.run(&[&scale[..3], &["3", "--plan-only"]].concat()).ok();
    assert_eq!(std::fs::read_dir(home.path("home/simulations")).unwrap().count(), 2);
}

#[test]
fn a_terabyte_has_its_price() {
    let home = Home::new();
    let costs = home.run(&["simulate", "cost", "--json"]).ok().json();
    let dollars = |program: &str| {
        let found = costs.as_array().unwrap().iter().find(|cost| cost["program"] == program);
        found.and_then(|cost| cost["dollars"].as_f64()).unwrap()
    };
    assert!(dollars("spillway json") < dollars("duckdb json"), "{costs}");
    assert!(dollars("duckdb json") < dollars("python json"), "{costs}");
    home.run(&["simulate", "cost", "--figures", "/nowhere.json"]).fails(&["cannot be read"]);
}

#[test]
fn a_simulation_that_cannot_be_is_refused() {
    let home = Home::new();
    home.run(&["simulate", "scale", "--chunks", "0"]).fails(&["1..="]);
    home.run(&["simulate", "scale", "--workers", "0"]).fails(&["from 1 to 256"]);
    if cfg!(not(feature = "cloud")) {
        let firestore = ["simulate", "scale", "--chunks", "3", "--store", "firestore"];
        home.run(&firestore).error(&["--features cloud"]);
    }
}

/// Seeds that are kept: a whole month, and ten days of some on which the engine and the oracle were once of two minds.
const SEEDS: [(u64, u32); 5] = [(1, 720), (7, 240), (8, 240), (9, 240), (10, 240)];

#[test]
fn what_a_bucket_that_stays_broken_owes_is_listed_and_not_lost() {
    let home = Home::new();
    let failures = ["simulate", "failures", "--hours", "120", "--seed", "5", "--leave-broken", "--json"];
    let report = home.run(&failures).ok().json();
    let number = |key: &str| report[key].as_u64().unwrap_or_else(|| panic!("{key}: {report}"));
    assert!(number("owed") > 0 && number("delivered") > 0, "{report}");
    assert_eq!(number("windows"), number("delivered") + number("owed"), "{report}");
    for key in ["lost", "doubled", "mails_wrong"] {
        assert_eq!(number(key), 0, "{key}: {report}");
    }
    assert_eq!(
        (number("mails"), &report["lies"]),
        (number("mails_expected"), &serde_json::json!([])),
        "{report}"
    );
}

#[test]
fn months_of_failures_lose_and_double_nothing_and_tell_what_the_rule_says() {
    let home = Home::new();
    for (seed, hours) in SEEDS {
        let (seed, hours) = (seed.to_string(), hours.to_string());
        let failures = ["simulate", "failures", "--hours", &hours, "--seed", &seed, "--json"];
        let done = home.run(&failures).ok();
        assert!(!done.err.contains("WARN"), "what fails on purpose is no news: {}", done.err);
        let report = done.json();
        for key in ["owed", "lost", "doubled", "mails_wrong"] {
            assert_eq!(report[key], 0, "{key}: {report}");
        }
        assert_eq!(report["windows"], report["delivered"], "{report}");
        assert_eq!(report["mails"], report["mails_expected"], "{report}");
        assert_eq!(report["lies"], serde_json::json!([]), "{report}");
        for key in ["windows", "mails", "incidents"] {
            assert!(report[key].as_u64().is_some_and(|number| number > 0), "{key}: {report}");
        }
    }
}
