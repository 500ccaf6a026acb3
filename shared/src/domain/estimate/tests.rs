//! Estimates over catalogues that were written by hand.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::date;

use super::*;
use crate::domain::{
    AccountId, AnchorHour, BucketId, Cycle, EveryHours, Format, IdentityPriority, Packaging, Sums, ZoneName,
};

fn account() -> Account {
    Account::new(AccountId(100_000_000), ZoneName::new("Europe/Berlin").unwrap())
}

fn spec(data: DataSelection, frequency: Frequency) -> ExportSpec {
    ExportSpec {
        bucket: BucketId("main".to_owned()),
        data,
        identities: IdentityPriority::default(),
        frequency,
        format: Format::Csv,
        packaging: Packaging::Gzip,
        as_string: false,
        header_line: true,
        manifest: true,
    }
}

fn recurring(hours: u8) -> Frequency {
    let every = EveryHours::try_from(hours).unwrap();
    Frequency::Recurring(Cycle { every, start: date(2026, 3, 1), anchor_hour: AnchorHour::default() })
}

fn day(records: Records, day: Date, shards: &[(u8, u64, u64)]) -> CatalogueDay {
    let shard = |(database, rows, bytes): &(u8, u64, u64)| {
        (DatabaseId(*database), ShardSums { files: 1, rows: *rows, bytes: *bytes })
    };
    let noon = day.at(12, 0, 0, 0).in_tz("UTC").unwrap().timestamp();
    let sums = Sums {
        shards: shards.iter().map(shard).collect(),
        first_seen: Some(noon),
        last_seen: Some(noon + 60.seconds()),
        properties: BTreeSet::new(),
    };
    CatalogueDay { account: AccountId(100_000_000), records, date: day, sums }
}

fn event(name: &str, on: Date, shards: &[(u8, u64, u64)]) -> CatalogueDay {
    day(Records::Event(name.to_owned()), on, shards)
}

struct Case {
    account: Account,
    spec: ExportSpec,
    ratios: Ratios,
}

impl Case {
    fn new(data: DataSelection, frequency: Frequency) -> Self {
        let ratios = Ratios(BTreeMap::from([("A".to_owned(), 2.0), ("B/c".to_owned(), 10.0)]));
        Self { account: account(), spec: spec(data, frequency), ratios }
    }

    /// Half an hour before midnight of Berlin: the account's day is the 10th.
    fn estimator(&self) -> Estimator<'_> {
        let now = "2026-03-10T22:30:00Z".parse().unwrap();
        let Self { account, spec, ratios } = self;
        Estimator { account, spec, ratios, of: None, limits: PlanLimits::default(), now }
    }
}

fn days(first: i8, last: i8) -> DateRange {
    DateRange::new(date(2026, 3, first), date(2026, 3, last)).unwrap()
}

#[test]
fn a_one_time_export_counts_its_days_and_names_those_without_data() {
    let case = Case::new(DataSelection::AllEvents, Frequency::OneTime { days: None });
    let catalogue = [
        event("A", date(2026, 3, 3), &[(0, 100, 1_000), (6, 50, 500)]),
        event("A", date(2026, 3, 9), &[(0, 1, 1)]),
        // 200 MB of output, in three files of at most 85 MB.
        event("B/c", date(2026, 3, 5), &[(7, 2_000, 20_000_000)]),
        // A file without rows is no data.
        event("A", date(2026, 3, 4), &[(0, 0, 900)]),
        day(Records::Profiles, date(2026, 3, 4), &[(0, 7, 7)]),
    ];
    let told = case.estimator().once(days(3, 6), None, &catalogue);
    assert_eq!(told.files, 2 + 3);
    assert_eq!(told.rows, 150 + 2_000);
    assert_eq!(told.bytes, 2_000 + 1_000 + 1_800 + 200_000_000);
    assert_eq!(told.days_without_data, [date(2026, 3, 4), date(2026, 3, 6)]);
    assert_eq!(told.first_event.unwrap().to_string(), "2026-03-03T12:00:00Z");
    assert_eq!(told.last_event.unwrap().to_string(), "2026-03-05T12:01:00Z");
    assert_eq!(told.example_name, "1773181800-1773181800-B-c-20260305-0-7.csv.gz");
    assert_eq!((told.basis, told.is_upper_bound), (Basis::Once, false));
}

#[test]
fn only_selected_events_count() {
    let names = vec!["B/c".to_owned(), "B/c".to_owned(), "Never seen".to_owned()];
    let case = Case::new(DataSelection::SelectEvents { names }, Frequency::OneTime { days: None });
    let catalogue =
        [event("A", date(2026, 3, 3), &[(0, 100, 1_000)]), event("B/c", date(2026, 3, 3), &[(1, 5, 10)])];
    let told = case.estimator().once(days(3, 3), None, &catalogue);
    assert_eq!((told.files, told.rows, told.bytes), (1, 5, 100));
    let nothing = case.estimator().once(days(3, 4), None, &[]);
    assert_eq!((nothing.files, nothing.rows, nothing.days_without_data.len()), (0, 0, 2));
    assert_eq!(nothing.example_name, "1773181800-1773181800-B-c-20260304-0-0.csv.gz");
}

#[test]
fn a_run_is_a_share_of_the_average_day() {
    let case = Case::new(DataSelection::AllEvents, recurring(6));
    let catalogue = [
        event("A", date(2026, 3, 6), &[(0, 3_000, 30_000)]),
        event("A", date(2026, 3, 9), &[(0, 5_000, 50_000)]),
        // One row on four days: every sixteenth run has a file of it.
        event("B/c", date(2026, 3, 8), &[(3, 1, 100)]),
        // Today is not over, and eight days ago is too long ago.
        event("A", date(2026, 3, 10), &[(0, 900, 9_000)]),
        event("A", date(2026, 3, 2), &[(0, 77_000, 9_000)]),
    ];
    let told = case.estimator().each_run(&catalogue);
    assert_eq!(told.rows, 501, "8,001 rows on four days, a quarter of a day a run, rounded up");
    assert_eq!(told.bytes, 10_063, "160,000 and 1,000 bytes");
    assert_eq!(told.files, 2, "one and a sixteenth");
    assert_eq!(told.basis, Basis::EachRun);
    // The next run is due at midnight of Berlin.
    assert_eq!(told.example_name, "1773181800-1773183600-A-20260310-0-0.csv.gz");
    let live = Case::new(DataSelection::AllEvents, Frequency::Live { start: date(2026, 3, 1) });
    assert_eq!(live.estimator().each_run(&catalogue).rows, 7, "2,000 a day, 288 runs a day");
}

#[test]
fn a_young_account_is_estimated_by_today() {
    let case = Case::new(DataSelection::AllEvents, recurring(24));
    let told = case.estimator().each_run(&[event("A", date(2026, 3, 10), &[(0, 900, 9_000)])]);
    assert_eq!((told.files, told.rows, told.bytes), (1, 900, 18_000));
    let nothing = case.estimator().each_run(&[]);
    assert_eq!((nothing.files, nothing.rows, nothing.bytes), (0, 0, 0));
    assert_eq!(nothing.example_name, "1773181800-1773183600-App-Installed-20260310-0-0.csv.gz");
}

#[test]
fn profiles_are_an_upper_bound() {
    let case = Case::new(DataSelection::AllProfiles, Frequency::OneTime { days: None });
    let days = [
        day(Records::Profiles, date(2026, 3, 3), &[(0, 100, 1_000_000), (6, 50, 500)]),
        day(Records::Profiles, date(2026, 3, 4), &[(6, 300, 500)]),
    ];
    let total = CatalogueTotal::merged([], &days).remove(0);
    let told = case.estimator().profiles(Some(&total));
    assert_eq!((told.files, told.rows, told.is_upper_bound), (2, 450, true));
    // The guess for CSV: 1.6.
    assert_eq!(told.bytes, 1_600_000 + 1_600);
    assert_eq!(told.example_name, "100000000-1773181800-1773181800-6-csv.gz");
    let nothing = case.estimator().profiles(None);
    assert_eq!((nothing.files, nothing.rows), (0, 0));
    assert_eq!(nothing.example_name, "100000000-1773181800-1773181800-0-csv.gz");
}
