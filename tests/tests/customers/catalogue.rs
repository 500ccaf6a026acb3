//! The catalogue counts each file of the lake once, whoever keeps it and whenever that ends.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::date};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use spillway::{
    domain::{AccountId, CatalogueEvent, EventKind, Format, Frequency, Records, lake},
    steps::{self, Kept},
};
use spillway_tests::harness::{ACCOUNT, FileSpec, ProfileRow, Strike, TestApp};

use super::{at, commit, without_lake};

const NOW: &str = "2026-03-10T12:00:00Z";

async fn keep(app: &TestApp) -> Kept {
    steps::keep_catalogue(&app.parts(), ACCOUNT).await.unwrap()
}

async fn events(app: &TestApp) -> Vec<CatalogueEvent> {
    steps::catalogue(&without_lake(app), ACCOUNT).await.unwrap()
}

async fn rows(app: &TestApp) -> BTreeMap<String, u64> {
    events(app).await.into_iter().map(|event| (event.name, event.rows)).collect()
}

fn counted(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect()
}

#[tokio::test]
async fn events_are_listed_with_what_is_known_of_them() {
    let app = TestApp::new().await;
    assert_eq!((keep(&app).await, events(&app).await), (Kept::default(), vec![]));
    let long = "Sign up ☃ ".repeat(40);
    commit(&app, at("2026-03-10T09:00:00Z"), "Charged", date(2026, 3, 8), 5);
    commit(&app, at("2026-03-10T09:00:00Z"), "Charged", date(2026, 3, 9), 3);
    commit(&app, at("2026-03-10T09:30:00Z"), &long, date(2026, 3, 9), 2);
    let profile = ProfileRow {
        id: "anna".to_owned(),
        database: 0,
        updated_at: at("2026-03-01T00:00:00Z"),
        note: String::new(),
        more: serde_json::Value::Null,
        deleted: false,
    };
    app.lake.write_profiles(&app.file(4), &[profile]);
    // The file of profiles was committed a minute ago and has not settled.
    assert_eq!(keep(&app).await, Kept { settled: 3, recent: 1, ..Kept::default() });
    let [charged, sign_up] = &events(&app).await[..] else { panic!("two events") };
    assert_eq!((charged.name.as_str(), charged.kind, charged.rows), ("Charged", EventKind::System, 8));
    // Events of the harness happen at noon of their day.
    assert_eq!(charged.first_seen, Some(at("2026-03-08T12:00:00Z")));
    assert_eq!(charged.last_seen, Some(at("2026-03-09T12:00:00Z")));
    assert_eq!((charged.first_day, charged.last_day), (date(2026, 3, 8), date(2026, 3, 9)));
    assert!(["note", "uid"].iter().all(|name| charged.properties.iter().any(|known| known == name)));
    // The folder abbreviates the name; the footer has it.
    assert_eq!((&sign_up.name, sign_up.kind, sign_up.rows), (&long, EventKind::Custom, 2));
    let totals = app.store.catalogue_totals(ACCOUNT).await.unwrap();
    let profiles = totals.iter().find(|total| total.records == Records::Profiles).unwrap();
    assert_eq!((profiles.sums.rows(), profiles.first_day), (1, date(2026, 3, 10)));
    assert_eq!(steps::catalogue(&app.parts(), AccountId(9)).await.unwrap(), []);
}

#[tokio::test]
async fn each_file_counts_once_however_often_the_catalogue_is_kept() {
    let app = TestApp::new().await;
    let (now, hour) = (at(NOW), SignedDuration::from_hours(1));
    commit(&app, now - hour, "A", date(2026, 3, 1), 5);
    commit(&app, now - SignedDuration::from_secs(119), "A", date(2026, 3, 1), 2);
    for _ in 0..3 {
        keep(&app).await;
        assert_eq!(rows(&app).await, counted(&[("A", 7)]));
    }
    // Committed before what is settled already was looked at, but seen only now: within the settle lag nothing is missed.
    commit(&app, now - SignedDuration::from_secs(118), "B", date(2026, 2, 1), 4);
    app.advance_secs(119);
    commit(&app, app.now(), "A", date(2026, 3, 9), 1);
    keep(&app).await;
    assert_eq!(rows(&app).await, counted(&[("A", 8), ("B", 4)]));
    // A clock that goes back takes nothing back, and counts nothing again.
    app.clock.set(now - hour);
    keep(&app).await;
    assert_eq!(rows(&app).await, counted(&[("A", 8), ("B", 4)]));
    app.clock.set(now + hour * 30);
    commit(&app, app.now() - hour, "C", date(2026, 3, 9), 1);
    keep(&app).await;
    keep(&app).await;
    assert_eq!(rows(&app).await, counted(&[("A", 8), ("B", 4), ("C", 1)]));
}

#[tokio::test]
async fn broken_files_are_counted_and_stop_nothing() {
    let app = TestApp::new().await;
    let committed = at("2026-03-10T09:00:00Z");
    commit(&app, committed, "A", date(2026, 3, 1), 5);
    let broken = commit(&app, committed, "A", date(2026, 3, 1), 2);
    app.lake.write_raw(&broken, committed, b"no Parquet at all");
    commit(&app, committed, "B", date(2026, 3, 1), 1);
    assert_eq!(keep(&app).await, Kept { settled: 2, broken: 1, ..Kept::default() });
    assert_eq!(rows(&app).await, counted(&[("A", 5), ("B", 1)]));
    assert_eq!(keep(&app).await, Kept::default(), "it is not read again");
}

#[tokio::test]
async fn many_files_are_added_in_rounds() {
    let app = TestApp::new().await;
    let instants: Vec<Timestamp> =
        (0..7).map(|n| at("2026-03-10T09:00:00Z") + SignedDuration::from_secs(n)).collect();
    // More than two rounds, whose ends lie within one instant.
    for n in 0..1_030 {
        commit(&app, instants[n % 7], ["A", "B"][n % 2], date(2026, 3, 1), 1);
    }
    assert_eq!(keep(&app).await, Kept { settled: 1_030, ..Kept::default() });
    assert_eq!(rows(&app).await, counted(&[("A", 515), ("B", 515)]));
    assert_eq!(keep(&app).await, Kept::default());
}

/// As after an ingest: all of them are to be seen at once.
#[tokio::test]
async fn many_recent_files_are_all_counted() {
    let app = TestApp::new().await;
    commit(&app, at("2026-03-10T09:00:00Z"), "A", date(2026, 3, 1), 1);
    let recent = app.file(4).committed;
    for n in 0..1_030 {
        commit(&app, recent, ["A", "B"][n % 2], date(2026, 3, 1), 1);
    }
    let broken = commit(&app, recent, "B", date(2026, 3, 1), 1);
    app.lake.write_raw(&broken, recent, b"no Parquet at all");
    assert_eq!(keep(&app).await, Kept { settled: 1, recent: 1_030, broken: 1, ..Kept::default() });
    assert_eq!(rows(&app).await, counted(&[("A", 516), ("B", 515)]));
    app.advance_secs(600);
    assert_eq!(keep(&app).await, Kept { settled: 1_030, broken: 1, ..Kept::default() });
    assert_eq!(rows(&app).await, counted(&[("A", 516), ("B", 515)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_keepers_at_once_count_once() {
    let app = TestApp::new().await;
    for n in 0..40 {
        commit(&app, at("2026-03-10T09:00:00Z") + SignedDuration::from_mins(n * 4), "A", date(2026, 3, 1), 2);
    }
    for more in 0..3 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let parts = app.parts();
                tokio::spawn(async move { steps::keep_catalogue(&parts, ACCOUNT).await.unwrap() })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(rows(&app).await, counted(&[("A", 80 + more)]));
        app.advance_secs(600);
        commit(&app, app.now() - SignedDuration::from_secs(300), "A", date(2026, 3, 2), 1);
    }
}

#[tokio::test]
async fn keeping_may_end_or_fail_at_any_point() {
    let mut struck = 0;
    for strike in [Strike::Kill, Strike::Fail] {
        for nth in 0..1_000 {
            let app = TestApp::new().await;
            commit(&app, at("2026-03-10T09:00:00Z"), "A", date(2026, 3, 1), 5);
            commit(&app, at("2026-03-10T11:59:30Z"), "B", date(2026, 3, 1), 3);
            let worker = app.worker();
            worker.gate.arm(nth, strike);
            drop(worker.gate.run(steps::keep_catalogue(&worker.parts, ACCOUNT)).await);
            let is_over = worker.gate.disarm();
            keep(&app).await;
            assert_eq!(rows(&app).await, counted(&[("A", 5), ("B", 3)]), "{nth}");
            if is_over {
                break;
            }
            struck += 1;
        }
    }
    assert!(struck > 10, "{struck}");
}

#[tokio::test]
async fn whatever_comes_when_is_counted_once() {
    for seed in 0..20 {
        let (app, mut rng) = (TestApp::new().await, StdRng::seed_from_u64(seed));
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for _ in 0..40 {
            match rng.random_range(0..4) {
                0 => app.advance_secs(rng.random_range(0..400)),
                1 => {
                    keep(&app).await;
                }
                _ => {
                    // Seen up to the settle lag after its commit.
                    let committed = app.now() - SignedDuration::from_secs(rng.random_range(0..120));
                    let (event, count) =
                        (["A", "B"][rng.random_range(0..2_usize)], rng.random_range(1..4_usize));
                    commit(&app, committed, event, date(2026, 3, 1), count);
                    *expected.entry(event.to_owned()).or_default() += count as u64;
                }
            }
        }
        keep(&app).await;
        assert_eq!(rows(&app).await, expected, "seed {seed}");
    }
}

#[tokio::test]
async fn a_tick_keeps_every_account_that_it_can() {
    let app = TestApp::new().await;
    let [damaged, other, unknown] = [5, 6, 7].map(AccountId);
    app.connect(damaged, "b", "b5", "{}").await;
    app.connect(other, "b", "b6", "{}").await;
    let rng = &mut StdRng::seed_from_u64(1);
    for account in [ACCOUNT, damaged, other, unknown] {
        let row = spillway_tests::harness::EventRow::random(rng, "1".to_owned(), "A", date(2026, 3, 1), 0);
        app.lake.write_events(&FileSpec { account, ..app.file(4) }, &[row]);
    }
    // A file in no readable folder: the account's exports of that hour fail too.
    let stray = format!("account=5/events/{}/A.parquet", lake::captured_folder(app.now()));
    app.lake.write_raw(&stray, app.now(), b"");
    let ticked = steps::tick(&app.parts()).await.unwrap();
    assert_eq!((ticked.catalogued.settled, ticked.catalogued.recent), (0, 2));
    let [(failed, error)] = &ticked.catalogue_failed[..] else { panic!("{:?}", ticked.catalogue_failed) };
    assert_eq!(*failed, damaged);
    assert!(error.to_string().contains(&stray), "{error}");
    assert_eq!(steps::catalogue(&app.parts(), other).await.unwrap()[0].rows, 1);
    assert_eq!(steps::catalogue(&app.parts(), unknown).await.unwrap(), []);
}

#[tokio::test]
async fn runs_that_a_tick_created_are_told_where_the_catalogues_cannot_be_kept() {
    let mut told = 0;
    for nth in 0.. {
        let app = TestApp::new().await;
        let mut spec = app.spec(Format::Csv, date(2026, 3, 9), date(2026, 3, 9));
        spec.frequency = Frequency::Live { start: date(2026, 3, 10) };
        steps::create_export(&app.parts(), ACCOUNT, spec).await.unwrap();
        app.advance_secs(600);
        app.abandon();
        let worker = app.worker();
        worker.gate.arm(nth, Strike::Fail);
        let ticked = steps::tick(&worker.parts).await;
        if worker.gate.disarm() {
            break;
        }
        if let Ok(ticked) = ticked
            && ticked.catalogues_unkept.is_some()
        {
            assert_eq!(ticked.created.len(), 1, "struck at {nth}");
            told += 1;
        }
    }
    assert_eq!(told, 2, "before and behind the list of accounts");
}

#[tokio::test]
async fn what_ingest_writes_is_told_in_full() {
    use spillway_local::ingest::{self, IngestOptions, Source};

    let app = TestApp::new().await;
    let lines: String = (0..50)
        .map(|n| {
            let ts = 1_773_100_000 + n;
            format!("{{\"type\":\"event\",\"identity\":\"u{n}\",\"ts\":{ts},\"evtName\":\"Viewed\",\"evtData\":{{\"Price\":{n}}}}}\n")
        })
        .collect();
    let account = app.store.account(ACCOUNT).await.unwrap().unwrap();
    let source = Source::Stream("lines".to_owned(), Box::new(std::io::Cursor::new(lines.into_bytes())));
    let options = IngestOptions::new(&account, app.lake.root().to_owned(), &app.clock);
    ingest::run(vec![source], &options, &mut ()).unwrap();
    keep(&app).await;
    let [viewed] = &events(&app).await[..] else { panic!("one event") };
    assert_eq!((viewed.rows, &viewed.properties[..]), (50, &["Price".to_owned()][..]));
    let seen = |secs: i64| Some(Timestamp::from_second(1_773_100_000 + secs).unwrap());
    assert_eq!((viewed.first_seen, viewed.last_seen), (seen(0), seen(49)));
}
