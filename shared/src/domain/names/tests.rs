//! Object names, letter by letter.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::domain::{RequestId, RunTimestamp};

fn run() -> RunKey {
    RunKey {
        account: AccountId(100_000_000),
        request: RequestId(1_749_623_187),
        run: RunTimestamp(1_749_623_190),
    }
}

fn event(name: &str, files: (Format, Packaging)) -> String {
    event_object(run(), &FileEventName::new(name), date(2025, 6, 11), 0, DatabaseId(6), files)
}

#[test]
fn the_names_of_the_contract() {
    let gzip = |format| (format, Packaging::Gzip);
    let plain = |format| (format, Packaging::Plain);
    let begin = "1749623187-1749623190-Product-Viewed-20250611-0-6";
    assert_eq!(event("Product Viewed", gzip(Format::Csv)), format!("{begin}.csv.gz"));
    assert_eq!(event("Product Viewed", gzip(Format::Json)), format!("{begin}.json.gz"));
    assert_eq!(event("Product Viewed", gzip(Format::Xml)), format!("{begin}.xml.gz"));
    assert_eq!(event("Product Viewed", gzip(Format::Parquet)), format!("{begin}.parquet.gzip"));
    assert_eq!(event("Product Viewed", plain(Format::Csv)), format!("{begin}.csv"));
    assert_eq!(event("Product Viewed", plain(Format::Parquet)), format!("{begin}.parquet"));

    let profile = |index, files| profile_object(run(), index, DatabaseId(0), files);
    let begin = "100000000-1749623187-1749623190-0";
    assert_eq!(profile(0, gzip(Format::Csv)), format!("{begin}-csv.gz"));
    assert_eq!(profile(2, gzip(Format::Csv)), format!("{begin}-2-csv.gz"));
    assert_eq!(profile(0, gzip(Format::Parquet)), format!("{begin}-parquet.gzip"));
    assert_eq!(profile(0, plain(Format::Parquet)), format!("{begin}-parquet"));
    assert_eq!(profile(1, plain(Format::Json)), format!("{begin}-1-json"));
    assert_eq!(manifest_object(run()), "1749623187-1749623190.manifest");
}

#[test]
fn an_event_name_is_made_safe() {
    let cases = [
        ("Product Viewed", "Product-Viewed"),
        ("a/b\\c*d#e[f]g", "a-b-c-d-e-f-g"),
        ("tab\tline\nend\r\u{2028}nbsp\u{a0}nul\0", "tab-line-end--nbsp-nul-"),
        ("bell\u{7}del\u{7f}c1\u{9b}", "bell?del?c1?"),
        // NEL is a control character and white space; white space comes first in the contract's order.
        ("nel\u{85}", "nel-"),
        ("../../etc/passwd", "..-..-etc-passwd"),
        ("🛒 שלום 注文", "🛒-שלום-注文"),
        ("", ""),
    ];
    for (name, safe) in cases {
        assert_eq!(FileEventName::new(name).as_str(), safe, "{name:?}");
    }
    assert_eq!(FileEventName::new(&"é".repeat(300)).as_str(), "é".repeat(90));
    assert_eq!(FileEventName::new(&"日".repeat(300)).as_str(), "日".repeat(60));
    assert_eq!(FileEventName::new(&format!("{}日", "a".repeat(178))).as_str(), "a".repeat(178));
}

#[test]
fn an_event_called_like_the_manifest_is_told_apart() {
    let name = event("1749623187-1749623190.manifest", (Format::Json, Packaging::Plain));
    assert_ne!(name, manifest_object(run()));
    assert!(name.ends_with("-20250611-0-6.json"));
}

proptest! {
    #[test]
    fn a_safe_name_is_short_flat_and_stays_safe(name in any::<String>()) {
        let safe = FileEventName::new(&name);
        let text = safe.as_str();
        prop_assert!(text.len() <= EVENT_NAME_MAX_BYTES);
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || "/\\*#[]".contains(c);
        prop_assert!(!text.contains(forbidden));
        prop_assert_eq!(&FileEventName::new(text), &safe);
        let object = event(&name, (Format::Csv, Packaging::Gzip));
        prop_assert!(object.len() <= 255);
    }
}
