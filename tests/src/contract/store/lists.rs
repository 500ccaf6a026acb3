//! Lists of exports: the customer's pages and what is due.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{Timestamp, civil::date};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use spillway::{
    domain::{
        AccountId, BucketId, DataKind, DataSelection, DateRange, Export, ExportFilter, ExportSpec,
        ExportedOn, Format, Frequency, FrequencyKind, RequestId, RunStatus, StatusKind, StopReason, ZoneName,
    },
    ports::{DueExport, NewExport, Origin, Store, StoreError},
};

use super::{Stores, fixtures::*};

async fn create(store: &dyn Store, account: AccountId, spec: ExportSpec, now: i64) -> Export {
    let new = NewExport { account, spec, now: at(now), next_due_at: None, origin: Origin::default() };
    store.create_export(&new).await.unwrap()
}

fn live() -> Frequency {
    Frequency::Live { start: date(2023, 11, 14) }
}

/// All pages of a list.
async fn pages(store: &dyn Store, account: AccountId, filter: &ExportFilter, limit: usize) -> Vec<Export> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list_exports(account, filter, cursor, limit).await.unwrap();
        assert!(page.exports.len() <= limit.max(1));
        assert!(page.next.is_none() || page.exports.len() == limit.max(1), "a page before the last is full");
        all.extend(page.exports);
        cursor = page.next;
        if cursor.is_none() {
            return all;
        }
    }
}

pub async fn exports_are_listed_newest_first(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let mut expected = Vec::new();
    for now in [30, 10, 20, 20, 40] {
        expected.push(create(&*stores.one, ACME, spec("main", recurring()), now).await);
    }
    expected.sort_by_key(|export| std::cmp::Reverse(export.request));
    for limit in [0, 1, 2, 4, 5, 6, usize::MAX] {
        assert_eq!(pages(&*stores.two, ACME, &ExportFilter::default(), limit).await, expected, "{limit}");
    }
    let none = stores.two.list_exports(ACME, &ExportFilter::default(), Some(RequestId(0)), 9).await.unwrap();
    assert_eq!((none.exports, none.next), (vec![], None));
}

/// One export of each kind, data, format and bucket; some stopped, running or done.
async fn assorted(stores: &Stores) -> Vec<Export> {
    with_account(&*stores.one, ACME).await;
    let select = DataSelection::SelectEvents { names: vec!["Charged".to_owned()] };
    // Exports of profiles that flow come last, for an account has one at a time.
    let kinds = [
        (DataSelection::AllProfiles, Frequency::OneTime { days: None }),
        (DataSelection::AllEvents, one_time()),
        (DataSelection::AllEvents, recurring()),
        (DataSelection::AllEvents, live()),
        (select.clone(), one_time()),
        (select.clone(), recurring()),
        (select, live()),
        (DataSelection::AllProfiles, recurring()),
        (DataSelection::AllProfiles, live()),
    ];
    let (mut requests, mut number) = (Vec::new(), 0);
    for (data, frequency) in kinds {
        for format in Format::ALL {
            for bucket in ["main", "spare"] {
                number += 1;
                let wanted = ExportSpec { data: data.clone(), format, ..spec(bucket, frequency) };
                let export = create(&*stores.one, ACME, wanted, number).await;
                requests.push(export.request);
                let flows = export.keeps_profiles_flowing();
                if !flows && number % 4 == 0 {
                    continue;
                }
                let run = next_run(&*stores.one, &export, window(0, number), number).await.unwrap();
                stores.one.open_run(run.key, &opening("p", &export.spec, number)).await.unwrap();
                if !flows && number % 4 == 1 {
                    continue;
                }
                stores.one.close_run(run.key, &closing(RunStatus::Done, number)).await.unwrap();
                if flows || number % 4 == 2 {
                    let reason = StopReason::Failure { message: "three days".to_owned() };
                    stores.one.stop_export(ACME, export.request, None, &reason, at(number)).await.unwrap();
                }
            }
        }
    }
    let mut all = Vec::new();
    for request in requests {
        all.insert(0, stores.two.export(ACME, request).await.unwrap().unwrap());
    }
    all
}

fn with_none<T: Copy>(all: &[T]) -> impl Iterator<Item = Option<T>> + Clone {
    let some: Vec<_> = all.iter().copied().map(Some).collect();
    std::iter::once(None).chain(some)
}

fn takes<T: PartialEq>(wanted: Option<T>, is: T) -> bool {
    wanted.is_none_or(|wanted| wanted == is)
}

pub async fn exports_are_filtered_by_any_combination(stores: Stores) {
    let all = assorted(&stores).await;
    let statuses: BTreeSet<_> = all.iter().map(|export| export.status.kind()).collect();
    assert_eq!(statuses.len(), StatusKind::ALL.len(), "the case has every status");
    for bucket in with_none(&["main", "spare", "none"]) {
        for data in with_none(DataKind::ALL) {
            for format in with_none(&[Format::Csv, Format::Parquet]) {
                for status in with_none(StatusKind::ALL) {
                    for frequency in with_none(FrequencyKind::ALL) {
                        let named = bucket.map(|id| BucketId(id.to_owned()));
                        let filter = ExportFilter {
                            bucket: named.clone(),
                            data,
                            format,
                            status,
                            frequency,
                            exported_on: None,
                        };
                        let expected = all.iter().filter(|export| {
                            takes(named.clone(), export.spec.bucket.clone())
                                && takes(data, export.spec.data.kind())
                                && takes(format, export.spec.format)
                                && takes(status, export.status.kind())
                                && takes(frequency, export.spec.frequency.kind())
                        });
                        let expected: Vec<_> = expected.cloned().collect();
                        let page = stores.two.list_exports(ACME, &filter, None, 100).await.unwrap();
                        assert_eq!((page.exports, page.next), (expected, None), "{filter:?}");
                    }
                }
            }
        }
    }
}

pub async fn exported_on_means_a_run_on_that_day_of_the_account(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let instant = |text: &str| text.parse::<Timestamp>().unwrap();
    let secs = |text: &str| instant(text).as_second() - at(0).as_second();
    let created = secs("2026-03-01T00:00:00Z");
    let mut requests = Vec::new();
    // Midnight in Berlin is 23:00 UTC before 29 March 2026, when the clocks go forward, and 22:00 after it.
    for runs in [
        &["2026-03-28T22:59:59Z"][..],
        &["2026-03-28T23:00:00Z"],
        &["2026-03-29T21:59:59Z"],
        &["2026-03-29T22:00:00Z"],
        &["2026-03-20T12:00:00Z", "2026-03-29T12:00:00Z", "2026-04-05T12:00:00Z"],
        &[],
    ] {
        let export = create(&*stores.one, ACME, spec("main", recurring()), created).await;
        for run in runs {
            next_run(&*stores.one, &export, window(0, secs(run)), secs(run)).await.unwrap();
        }
        requests.push(export.request);
    }
    let listed = async |first: i8, last: i8, status| {
        let days = DateRange::new(date(2026, 3, first), date(2026, 3, last)).unwrap();
        let on = ExportedOn { days, zone: ZoneName::new("Europe/Berlin").unwrap() };
        let filter = ExportFilter { exported_on: Some(on), status, ..ExportFilter::default() };
        let page = stores.two.list_exports(ACME, &filter, None, 100).await.unwrap();
        let of = |export: &Export| requests.iter().position(|request| *request == export.request).unwrap();
        page.exports.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(listed(29, 29, None).await, [4, 2, 1]);
    assert_eq!(listed(28, 28, None).await, [0]);
    assert_eq!(listed(28, 30, None).await, [4, 3, 2, 1, 0]);
    assert_eq!(listed(20, 20, Some(StatusKind::Pending)).await, [4]);
    assert_eq!(listed(20, 20, Some(StatusKind::Done)).await, [0_usize; 0]);
    assert_eq!(listed(1, 19, None).await, [0_usize; 0]);
}

pub async fn pages_are_stable_while_exports_are_created(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let mut rng = StdRng::seed_from_u64(20_261_123);
    let mut now = 0;
    let mut known: Vec<(RequestId, Format)> = Vec::new();
    let random = |rng: &mut StdRng| Format::ALL[rng.random_range(0..4_usize)];
    for round in 0..12 {
        for _ in 0..rng.random_range(0..25) {
            now += rng.random_range(0..3);
            let format = random(&mut rng);
            let wanted = ExportSpec { format, ..spec("main", recurring()) };
            known.push((create(&*stores.one, ACME, wanted, now).await.request, format));
        }
        let format = (round % 2 == 1).then(|| random(&mut rng));
        let filter = ExportFilter { format, ..ExportFilter::default() };
        let limit = rng.random_range(1..9);
        // What others create while the pages are read.
        let creators = (0..2).map(|creator| {
            let (store, formats) = (Arc::clone(&stores.one), [random(&mut rng), random(&mut rng)]);
            tokio::spawn(async move {
                let mut created = Vec::new();
                for (n, format) in (0..10).zip(formats.into_iter().cycle()) {
                    let wanted = ExportSpec { format, ..spec("spare", recurring()) };
                    let export = create(&*store, ACME, wanted, now + 1_000 + creator + n).await;
                    created.push((export.request, format));
                }
                created
            })
        });
        let creators: Vec<_> = creators.collect();
        let listed: Vec<_> =
            pages(&*stores.two, ACME, &filter, limit).await.iter().map(|export| export.request).collect();
        assert!(listed.is_sorted_by(|a, b| a > b), "newest first, none twice: {listed:?}");
        let before: BTreeSet<_> =
            known.iter().filter(|(_, is)| takes(format, *is)).map(|(request, _)| *request).collect();
        for creator in creators {
            known.extend(creator.await.unwrap());
        }
        let after: BTreeSet<_> =
            known.iter().filter(|(_, is)| takes(format, *is)).map(|(request, _)| *request).collect();
        let listed: BTreeSet<_> = listed.into_iter().collect();
        assert!(before.is_subset(&listed), "round {round}: lost {:?}", before.difference(&listed));
        assert!(listed.is_subset(&after), "round {round}: strangers {:?}", listed.difference(&after));
        now += 2_000;
    }
}

pub async fn the_flow_of_profiles_is_one(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    with_account(&*stores.one, OTHER).await;
    let of = |frequency| ExportSpec { data: DataSelection::AllProfiles, ..spec("main", frequency) };
    let new = |frequency| NewExport {
        account: ACME,
        spec: of(frequency),
        now: at(50),
        next_due_at: None,
        origin: Origin::default(),
    };
    let once = Frequency::OneTime { days: None };
    create(&*stores.one, ACME, of(once), 1).await;
    create(&*stores.one, ACME, spec("main", live()), 2).await;
    assert_eq!(stores.two.profiles_flow(ACME).await.unwrap(), None);
    for flowing in [recurring(), live()] {
        let flow = create(&*stores.one, ACME, of(flowing), 3).await;
        assert_eq!(stores.two.profiles_flow(ACME).await.unwrap(), Some(flow.request));
        assert_eq!(stores.two.profiles_flow(OTHER).await.unwrap(), None);
        for frequency in [once, recurring(), live()] {
            let refused = stores.two.create_export(&new(frequency)).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        }
        let zone = ZoneName::default();
        let refused = stores.two.create_one_time(&new(once), window(0, 9), &zone).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        create(&*stores.one, OTHER, of(once), 4).await;
        stores.one.stop_export(ACME, flow.request, None, &StopReason::User, at(9)).await.unwrap();
        assert_eq!(stores.two.profiles_flow(ACME).await.unwrap(), None);
    }
    // However many ask at once.
    let asked = (0..20).map(|n| {
        let store = Arc::clone(if n % 2 == 0 { &stores.one } else { &stores.two });
        let new = new(if n % 3 == 0 { live() } else { recurring() });
        tokio::spawn(async move { store.create_export(&new).await.is_ok() })
    });
    let created =
        futures::future::join_all(asked).await.into_iter().filter(|created| *created.as_ref().unwrap());
    assert_eq!(created.count(), 1);
}

async fn due_of(store: &dyn Store, now: i64, limit: usize) -> Vec<(i64, u64, i64)> {
    let (mut all, mut after): (Vec<_>, Option<DueExport>) = (Vec::new(), None);
    loop {
        let due = store.due_exports(at(now), after.as_ref(), limit).await.unwrap();
        assert!(due.len() <= limit);
        let zero = at(0).as_second();
        all.extend(
            due.iter().map(|due| (due.next_due_at.as_second() - zero, due.account.0, due.request.0 - zero)),
        );
        match due.last() {
            Some(last) => after = Some(*last),
            None => return all,
        }
    }
}

pub async fn exports_are_due_across_accounts_longest_first(stores: Stores) {
    for account in [ACME, OTHER, AccountId(u64::MAX)] {
        with_account(&*stores.one, account).await;
    }
    let add = async |account, now, due: Option<i64>| {
        let next_due_at = due.map(at);
        let new = NewExport {
            account,
            spec: spec("main", recurring()),
            now: at(now),
            next_due_at,
            origin: Origin::default(),
        };
        stores.one.create_export(&new).await.unwrap()
    };
    add(OTHER, 1, Some(20)).await;
    add(ACME, 2, Some(30)).await;
    add(AccountId(u64::MAX), 3, Some(10)).await;
    add(ACME, 4, None).await;
    add(ACME, 5, Some(31)).await;
    let stopped = add(ACME, 6, Some(5)).await;
    stores.one.stop_export(ACME, stopped.request, None, &StopReason::User, at(7)).await.unwrap();
    add(ACME, 7, Some(20)).await;
    add(ACME, 8, Some(20)).await;
    for limit in [1, 2, 3, 100] {
        let due = due_of(&*stores.two, 30, limit).await;
        let instants: Vec<_> = due.iter().map(|(due, ..)| *due).collect();
        assert_eq!(instants, [10, 20, 20, 20, 30], "{limit}");
        assert_eq!(due[0], (10, u64::MAX, 3));
        assert_eq!(due[4], (30, 1, 2));
        let same: BTreeSet<_> = due[1..4].iter().copied().collect();
        assert_eq!(same, BTreeSet::from([(20, 2, 1), (20, 1, 7), (20, 1, 8)]));
    }
    assert_eq!(due_of(&*stores.two, 9, 10).await, []);
    // A run moves its export on; a DONE one is not due any more.
    let export = stores.two.export(OTHER, RequestId(at(1).as_second())).await.unwrap().unwrap();
    next_run(&*stores.one, &export, window(0, 20), 25).await.unwrap();
    assert!(!due_of(&*stores.two, 30, 10).await.contains(&(20, 2, 1)));
    assert!(due_of(&*stores.two, 125, 10).await.contains(&(125, 2, 1)));
}
