//! Adding up knows no order, and marks take each file once.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::domain::RowGroup;

const ACCOUNT: AccountId = AccountId(7);

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap()
}

fn group(rows: u64, times: Option<(i64, i64)>) -> RowGroup {
    let (oldest_micros, newest_micros) = (times.map(|times| times.0), times.map(|times| times.1));
    RowGroup { rows, bytes: 1, first_object_id: None, last_object_id: None, oldest_micros, newest_micros }
}

fn footer(row_groups: Vec<RowGroup>) -> Footer {
    Footer { row_groups, ..Footer::default() }
}

fn days() -> impl Strategy<Value = Vec<CatalogueDay>> {
    let times = proptest::option::of((0_i64..1_000, 0_i64..1_000));
    let names = proptest::collection::vec("[a-z]{1,4}", 0..120);
    let day = (0_usize..3, 1_i8..4, 0_u8..3, 0_u64..50, times, names);
    let day = day.prop_map(|(event, day, database, rows, times, names)| CatalogueDay {
        account: ACCOUNT,
        records: [Records::Event("A".to_owned()), Records::Event("B".to_owned()), Records::Profiles][event]
            .clone(),
        date: date(2026, 3, day),
        sums: Sums::of_file(
            DatabaseId(database),
            rows * 10,
            &footer(vec![group(rows, times)]),
            names.iter().map(String::as_str),
        ),
    });
    proptest::collection::vec(day, 0..12)
}

proptest! {
    #[test]
    fn adding_knows_no_order(days in days(), at in any::<prop::sample::Index>()) {
        let whole = CatalogueDay::merged(days.clone());
        let mut backwards = days.clone();
        backwards.reverse();
        prop_assert_eq!(&CatalogueDay::merged(backwards), &whole);
        let (some, others) = days.split_at(if days.is_empty() { 0 } else { at.index(days.len()) });
        let in_parts = CatalogueDay::merged(some.to_vec()).into_iter().chain(CatalogueDay::merged(others.to_vec()));
        prop_assert_eq!(&CatalogueDay::merged(in_parts), &whole);
        // Totals over files, over days, and over totals that are there already are the same.
        let totals = CatalogueTotal::merged([], &days);
        prop_assert_eq!(&CatalogueTotal::merged([], &whole), &totals);
        prop_assert_eq!(&CatalogueTotal::merged(CatalogueTotal::merged([], some), others), &totals);
        let rows = |days: &[CatalogueDay]| days.iter().map(|day| day.sums.rows()).sum::<u64>();
        prop_assert_eq!(rows(&whole), rows(&days));
        prop_assert_eq!(totals.iter().map(|total| total.sums.rows()).sum::<u64>(), rows(&days));
        prop_assert!(totals.iter().all(|total| total.sums.properties.len() <= MAX_PROPERTIES));
    }

    #[test]
    fn a_mark_covers_what_comes_before_it(
        files in proptest::collection::btree_set((0_i64..4, "[ab]{1,2}"), 1..12), cut in any::<prop::sample::Index>()
    ) {
        let files: Vec<_> = files.into_iter().collect();
        let last = cut.index(files.len());
        let mark = CatalogueMark { upto: at(files[last].0), path: Some(files[last].1.clone()) };
        for (n, (committed, path)) in files.iter().enumerate() {
            prop_assert_eq!(mark.covers(at(*committed), path), n <= last);
        }
    }
}

#[test]
fn a_file_says_its_rows_and_times() {
    let groups = vec![group(3, Some((50, 60))), group(4, None), group(5, Some((20, 55)))];
    let long = "x".repeat(MAX_PROPERTY_BYTES + 1);
    let sums = Sums::of_file(DatabaseId(4), 900, &footer(groups), ["b", "a", &long, "b"]);
    let shard = ShardSums { files: 1, rows: 12, bytes: 900 };
    assert_eq!(sums.shards, BTreeMap::from([(DatabaseId(4), shard)]));
    assert_eq!((sums.first_seen, sums.last_seen), (Some(at(20)), Some(at(60))));
    assert_eq!(sums.properties.iter().collect::<Vec<_>>(), ["a", "b"]);
    let hostile = Sums::of_file(DatabaseId(0), 1, &footer(vec![group(1, Some((i64::MIN, i64::MAX)))]), []);
    assert_eq!((hostile.first_seen, hostile.last_seen), (None, None));
}

#[test]
fn an_instant_that_is_wholly_marked_covers_every_path() {
    let mark = CatalogueMark { upto: at(5), path: None };
    assert!(mark.covers(at(5), "zzz") && mark.covers(at(4), "zzz") && !mark.covers(at(6), ""));
}

#[test]
fn documents_read_back() {
    let day = CatalogueDay {
        account: ACCOUNT,
        records: Records::Event("Sign up ☃".to_owned()),
        date: date(2026, 3, 10),
        sums: Sums::of_file(DatabaseId(23), 9, &footer(vec![group(2, Some((1, 2)))]), ["Amount"]),
    };
    let text = serde_json::to_string(&day).unwrap();
    assert_eq!(
        text,
        "{\"account\":7,\"records\":{\"event\":\"Sign up ☃\"},\"date\":\"2026-03-10\",\"sums\":{\"shards\":{\"23\":\
         {\"files\":1,\"rows\":2,\"bytes\":9}},\"first_seen\":\"1970-01-01T00:00:00.000001Z\",\
         \"last_seen\":\"1970-01-01T00:00:00.000002Z\",\"properties\":[\"Amount\"]}}"
    );
    assert_eq!(serde_json::from_str::<CatalogueDay>(&text).unwrap(), day);
}

#[test]
fn system_events_are_told_from_custom_ones() {
    assert!(SYSTEM_EVENTS.is_sorted(), "each stands once, in order");
    assert_eq!(EventKind::of("App Launched"), EventKind::System);
    assert_eq!(EventKind::of("Charged"), EventKind::System);
    assert_eq!(EventKind::of("app launched"), EventKind::Custom);
    assert_eq!(EventKind::of("Product Viewed"), EventKind::Custom);
}
