//! The catalogue: added once, replaced where it is recent.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::join_all;
use jiff::civil::{Date, date};
use spillway::{
    domain::{
        AccountId, CatalogueDay, CatalogueMark, CatalogueTotal, DataSelection, DatabaseId, DateRange,
        Records, ShardSums, Sums,
    },
    ports::{CatalogueUpdate, StoreError},
};

use super::{Stores, fixtures::*};

fn day(event: &str, date: Date, rows: u64) -> CatalogueDay {
    let shard = ShardSums { files: 1, rows, bytes: rows * 10 };
    let (seen, shards) = (Some(at(rows as i64)), BTreeMap::from([(DatabaseId(3), shard)]));
    let properties = [format!("p{rows}")].into();
    let sums = Sums { shards, first_seen: seen, last_seen: seen, properties };
    CatalogueDay { account: ACME, records: Records::Event(event.to_owned()), date, sums }
}

fn mark(secs: i64) -> CatalogueMark {
    CatalogueMark { upto: at(secs), path: (secs % 2 == 0).then(|| "a/b ☃".to_owned()) }
}

fn update(settled: &[CatalogueDay], recent: &[CatalogueDay]) -> CatalogueUpdate {
    CatalogueUpdate { settled: settled.to_vec(), recent: recent.to_vec() }
}

fn march(first: i8, last: i8) -> DateRange {
    DateRange::new(date(2026, 3, first), date(2026, 3, last)).unwrap()
}

fn rows(totals: &[CatalogueTotal]) -> Vec<(String, u64)> {
    let name = |total: &CatalogueTotal| total.records.event_name().unwrap_or("profiles").to_owned();
    totals.iter().map(|total| (name(total), total.sums.rows())).collect()
}

pub async fn a_catalogue_grows_from_mark_to_mark(stores: Stores) {
    assert_eq!(stores.one.catalogue_mark(ACME).await.unwrap(), None);
    assert_eq!(stores.one.catalogue_totals(ACME).await.unwrap(), []);
    let profiles = CatalogueDay { records: Records::Profiles, ..day("", date(2026, 3, 2), 7) };
    let first =
        update(&[day("A", date(2026, 3, 1), 5), day("'; --", date(2026, 3, 2), 2), profiles.clone()], &[]);
    stores.one.add_to_catalogue(ACME, None, &mark(1), &first).await.unwrap();
    // Of one day and event, twice in one update and once before.
    let second = update(
        &[day("A", date(2026, 3, 1), 1), day("A", date(2026, 3, 1), 9), day("A", date(2026, 2, 1), 4)],
        &[],
    );
    stores.two.add_to_catalogue(ACME, Some(&mark(1)), &mark(2), &second).await.unwrap();
    assert_eq!(stores.one.catalogue_mark(ACME).await.unwrap(), Some(mark(2)));

    let mut whole = day("A", date(2026, 3, 1), 5);
    whole.sums.add(&day("A", date(2026, 3, 1), 1).sums);
    whole.sums.add(&day("A", date(2026, 3, 1), 9).sums);
    let found = stores.one.catalogue_days(ACME, march(1, 2)).await.unwrap();
    assert_eq!(found, [whole, day("'; --", date(2026, 3, 2), 2), profiles]);
    // Only what is asked for, without the names of properties.
    let named = |names: &[&str]| DataSelection::SelectEvents {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    for (data, wanted) in [
        (DataSelection::AllEvents, &[0, 1][..]),
        (DataSelection::AllProfiles, &[2]),
        (named(&["'; --", "profiles"]), &[1]),
        (named(&["'; --", "A", "B"]), &[0, 1]),
        (named(&[]), &[]),
    ] {
        let sums = stores.two.catalogue_sums(ACME, march(1, 2), &data).await.unwrap();
        let mut expected: Vec<_> = wanted.iter().map(|at| found[*at].clone()).collect();
        expected.iter_mut().for_each(|day| day.sums.properties.clear());
        assert_eq!(sums, expected, "{data:?}");
    }
    assert_eq!(stores.two.catalogue_sums(OTHER, march(1, 2), &DataSelection::AllEvents).await.unwrap(), []);
    assert_eq!(stores.two.catalogue_days(ACME, march(2, 2)).await.unwrap(), found[1..]);
    assert_eq!(stores.two.catalogue_days(ACME, march(3, 9)).await.unwrap(), []);
    let totals = stores.two.catalogue_totals(ACME).await.unwrap();
    assert_eq!(rows(&totals), [("'; --".to_owned(), 2), ("A".to_owned(), 19), ("profiles".to_owned(), 7)]);
    assert_eq!((totals[1].first_day, totals[1].last_day), (date(2026, 2, 1), date(2026, 3, 1)));
    assert_eq!((totals[1].sums.first_seen, totals[1].sums.last_seen), (Some(at(1)), Some(at(9))));

    // Whoever comes late adds nothing.
    for expected in [None, Some(mark(1))] {
        let late = stores.one.add_to_catalogue(ACME, expected.as_ref(), &mark(3), &first).await;
        assert!(matches!(late, Err(StoreError::Conflict(_))));
    }
    assert_eq!(stores.one.catalogue_totals(ACME).await.unwrap(), totals);
}

pub async fn what_is_recent_is_replaced(stores: Stores) {
    let recent = update(
        &[day("A", date(2026, 3, 1), 5)],
        &[day("A", date(2026, 3, 1), 3), day("B", date(2026, 3, 4), 1)],
    );
    stores.one.add_to_catalogue(ACME, None, &mark(1), &recent).await.unwrap();
    let names = [("A".to_owned(), 8), ("B".to_owned(), 1)];
    assert_eq!(rows(&stores.two.catalogue_totals(ACME).await.unwrap()), names);
    assert_eq!(stores.two.catalogue_days(ACME, march(1, 9)).await.unwrap().len(), 3);
    let settled = update(&[day("A", date(2026, 3, 1), 3)], &[day("C", date(2026, 3, 5), 2)]);
    stores.one.add_to_catalogue(ACME, Some(&mark(1)), &mark(2), &settled).await.unwrap();
    let names = [("A".to_owned(), 8), ("C".to_owned(), 2)];
    assert_eq!(rows(&stores.two.catalogue_totals(ACME).await.unwrap()), names);
    assert_eq!(stores.two.catalogue_days(ACME, march(1, 9)).await.unwrap().len(), 2);
}

pub async fn one_of_many_keepers_adds(stores: Stores) {
    let tasks = (0..20).map(|n| {
        let store = Arc::clone(if n % 2 == 0 { &stores.one } else { &stores.two });
        tokio::spawn(async move {
            let update = update(&[day("A", date(2026, 3, 1), 5)], &[]);
            match store.add_to_catalogue(ACME, None, &mark(1), &update).await {
                Ok(()) => true,
                Err(StoreError::Conflict(_)) => false,
                Err(error) => panic!("{error}"),
            }
        })
    });
    let added = join_all(tasks).await.into_iter().filter(|added| *added.as_ref().unwrap()).count();
    assert_eq!(added, 1);
    assert_eq!(rows(&stores.one.catalogue_totals(ACME).await.unwrap()), [("A".to_owned(), 5)]);
}

pub async fn a_catalogue_is_its_accounts_own(stores: Stores) {
    let mine = update(&[day("A", date(2026, 3, 1), 5)], &[day("B", date(2026, 3, 1), 5)]);
    stores.one.add_to_catalogue(ACME, None, &mark(1), &mine).await.unwrap();
    assert_eq!(stores.two.catalogue_mark(OTHER).await.unwrap(), None);
    assert_eq!(stores.two.catalogue_totals(OTHER).await.unwrap(), []);
    assert_eq!(stores.two.catalogue_days(OTHER, march(1, 9)).await.unwrap(), []);
    stores.one.add_to_catalogue(OTHER, None, &mark(5), &update(&[], &[])).await.unwrap();
    // Documents that name another account go to the account that the call names.
    let stray = CatalogueDay { account: AccountId(9), ..day("C", date(2026, 3, 1), 1) };
    stores.one.add_to_catalogue(OTHER, Some(&mark(5)), &mark(7), &update(&[stray], &[])).await.unwrap();
    assert_eq!(stores.two.catalogue_totals(OTHER).await.unwrap()[0].account, OTHER);
    assert_eq!(stores.two.catalogue_totals(AccountId(9)).await.unwrap(), []);
    assert_eq!(stores.two.catalogue_mark(ACME).await.unwrap(), Some(mark(1)));
    assert_eq!(stores.two.catalogue_totals(ACME).await.unwrap().len(), 2);
}
