//! The lake's folders, there and back.

#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn path_of(folder: &str) -> String {
    format!("prefix/account=1/events/captured=2025-06-11-04/db=7/event={folder}/date=2025-06-11/a.parquet")
}

#[test]
fn a_path_says_what_its_folders_say() {
    let parsed = LakePath::parse(&path_of("Product%20Viewed")).unwrap();
    let event = EventFolder::Named("Product Viewed".into());
    assert_eq!(parsed, LakePath { database: DatabaseId(7), event: Some((event, date(2025, 6, 11))) });
    let profiles = LakePath::parse("account=1/profiles/captured=2025-06-11-04/db=0/b.parquet").unwrap();
    assert_eq!(profiles, LakePath { database: DatabaseId(0), event: None });
}

#[test]
fn a_path_that_says_nothing_is_told() {
    let wrong = [
        ("account=1/events/captured=2025-06-11-04/event=a/date=2025-06-11/a.parquet", "no folder db=<n>"),
        ("account=1/events/captured=2025-06-11-04/db=1/date=2025-06-11/a.parquet", "no folder event=<name>"),
        (
            "account=1/events/captured=2025-06-11-04/db=1/event=a/date=11.6.25/a.parquet",
            "no folder date=<day>",
        ),
    ];
    for (path, reason) in wrong {
        assert_eq!(LakePath::parse(path).unwrap_err().wrong, reason);
    }
}

#[test]
fn captured_folders_sort_as_time_does() {
    let folder = |text: &str| captured_folder(text.parse().unwrap());
    assert_eq!(folder("2025-06-11T04:59:59Z"), "captured=2025-06-11-04");
    assert!(folder("2025-09-30T23:00:00Z") < folder("2025-10-01T00:00:00Z"));
}

#[test]
fn long_names_are_abbreviated_without_cutting_an_escape() {
    for length in 55..70 {
        let name = format!("{}日本", "é".repeat(length));
        let (folder, is_long) = event_folder(&name);
        let is_short = folder.len() <= EVENT_FOLDER_MAX_BYTES && !is_long;
        assert!(is_short || (folder.len() <= 177 && is_long), "{folder}");
        if is_long {
            let begin = folder.rsplit_once('~').unwrap().0;
            assert!(begin.len() % 3 == 0 && begin.len() >= 158, "{begin}");
        }
    }
}

#[test]
fn a_short_name_that_looks_abbreviated_keeps_itself() {
    let name = "checkout~0123456789abcdef";
    let parsed = LakePath::parse(&path_of(&event_folder(name).0)).unwrap();
    assert_eq!(&*parsed.event.unwrap().0.event_name(None), name);
}

proptest! {
    #[test]
    fn every_name_comes_back(name in "\\PC{0,80}|.{0,40}|[~a-f0-9]{150,190}") {
        let (folder, is_long) = event_folder(&name);
        prop_assert!(!folder.contains('/') && folder.len() <= EVENT_FOLDER_MAX_BYTES);
        // What ingest writes into the footer where it must, and may be absent where it need not.
        let footer = is_long.then_some(name.as_str());
        let parsed = LakePath::parse(&path_of(&folder)).unwrap();
        prop_assert_eq!(&*parsed.event.unwrap().0.event_name(footer), name);
    }
}
