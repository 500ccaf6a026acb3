//! Our files, read by Python's `json`, `csv` and `xml`, by pyarrow and by DuckDB, and compared cell by cell with
//! what a second implementation of FORMATS, in Python, makes of the same rows; and verified by `spillway verify`.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "readers/gzip.rs"]
mod gzip;
#[path = "readers/hostile.rs"]
mod hostile;
#[path = "readers/verified.rs"]
mod verified;

use std::{io::Read, path::Path};

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use spillway::domain::{IdentityKind, IdentityPriority};
use spillway_tests::readers::{Dataset, check_files, write_files};

fn check(datasets: &[Dataset]) {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), datasets).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let verified = runtime.block_on(verified::verify_files(folder.path(), datasets));
    let said = check_files(folder.path()).unwrap_or_else(|error| panic!("{error:#}"));
    println!("{verified} files verified; {said}");
}

#[test]
fn hostile_events() {
    let event_name =
        Some("Bestellung \"süß\", 注文 🎉 שלום/..\u{1}\t\r\n<x>]]> | '\u{85}\\*#[].json".to_owned());
    let identities = vec![IdentityKind::Phone, IdentityKind::Identity, IdentityKind::Email];
    let identities = IdentityPriority::new(identities).unwrap();
    let (time_zone, rows) = ("Europe/Berlin", hostile::events());
    check(&[Dataset { name: "hostile", event_name, time_zone, identities, rows }]);
}

#[test]
fn hostile_profiles() {
    let identities = IdentityPriority::new(vec![IdentityKind::Email, IdentityKind::Identity]).unwrap();
    let (time_zone, rows) = ("UTC", hostile::profiles());
    check(&[Dataset { name: "hostile-profiles", event_name: None, time_zone, identities, rows }]);
}

#[test]
fn shipped_invoices_and_profiles() {
    let all = IdentityPriority::new(IdentityKind::ALL.to_vec()).unwrap();
    check(&[
        Dataset {
            name: "invoices",
            event_name: Some("Charged".to_owned()),
            time_zone: "America/Sao_Paulo",
            identities: all,
            rows: shipped("chinook_invoices.jsonl.gz"),
        },
        Dataset {
            name: "profiles",
            event_name: None,
            time_zone: "UTC",
            identities: IdentityPriority::default(),
            rows: shipped("chinook_profiles.jsonl.gz"),
        },
    ]);
}

/// All webhooks as one event: some thousand columns, and keys that change their type.
#[test]
fn shipped_webhooks() {
    check(&[Dataset {
        name: "webhooks",
        event_name: Some("webhook".to_owned()),
        time_zone: "Asia/Kolkata",
        identities: IdentityPriority::default(),
        rows: shipped("github_webhooks.jsonl.gz"),
    }]);
}

/// A comparison that never fails would be worth nothing: with other rows, every file must differ.
#[test]
fn a_difference_is_found_in_every_file() {
    let row =
        json!({ "ts": 0, "event_props": "{\"flower\":\"tulip\",\"petals\":6}", "email": "a@example.com" });
    let (event_name, identities) = (Some("Seen".to_owned()), IdentityPriority::default());
    let dataset = Dataset { name: "flowers", event_name, time_zone: "UTC", identities, rows: vec![row] };
    for (written, claimed) in [("tulip", "rose"), ("6", "7"), ("a@", "b@"), ("\"ts\":0", "\"ts\":1000000")] {
        let folder = tempfile::tempdir().unwrap();
        write_files(folder.path(), std::slice::from_ref(&dataset)).unwrap();
        let rows = folder.path().join("flowers.rows.jsonl");
        let text = std::fs::read_to_string(&rows).unwrap();
        assert!(text.contains(written), "{text}");
        std::fs::write(&rows, text.replacen(written, claimed, 1)).unwrap();
        let said = check_files(folder.path()).unwrap_err().to_string();
        let differing = said.lines().filter(|line| line.starts_with("flowers-")).count();
        // Of CSV and XML, the second file of the same bytes is not read again.
        assert_eq!(differing, 16, "{written} is {claimed}: {said}");
    }
}

/// A line of the upload API's shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    identity: String,
    email: Option<String>,
    phone: Option<String>,
    ts: Option<i64>,
    evt_data: Option<Box<RawValue>>,
    profile_data: Option<Box<RawValue>>,
}

/// The rows of the lake that shipped lines become, their properties as they stand.
fn shipped_text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(file);
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

fn shipped(file: &str) -> Vec<Value> {
    let text = shipped_text(file);
    let row = |line: &str| {
        let line: Line = serde_json::from_str(line).unwrap();
        let mut row = json!({ "object_id": format!("id-{}", line.identity), "identity": line.identity });
        let columns = [
            ("email", line.email.map(Value::from)),
            ("phone", line.phone.map(Value::from)),
            ("ts", line.ts.map(|secs| Value::from(secs * 1_000_000))),
            ("event_props", line.evt_data.map(|text| text.get().into())),
            ("profile_props", line.profile_data.map(|text| text.get().into())),
        ];
        for (column, value) in columns {
            if let Some(value) = value {
                row[column] = value;
            }
        }
        row
    };
    text.lines().map(row).collect()
}
