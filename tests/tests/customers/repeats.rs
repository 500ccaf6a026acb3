//! A creation that is repeated under its key happens once.

use std::collections::BTreeSet;

use jiff::civil::date;
use spillway::{
    domain::{
        BucketId, DataSelection, DateRange, ExportSpec, Format, Frequency, IDEMPOTENCY_SECS, IdempotencyKey,
        RunStatus,
    },
    ports::Work,
    steps::{self, CreateError, NewRequest},
};
use spillway_tests::harness::{ACCOUNT, Strike, TestApp};

use super::{at, commit};

fn under_key(key: &str, spec: &ExportSpec) -> NewRequest {
    NewRequest {
        spec: spec.clone(),
        created_by: Some("anna@example.com".to_owned()),
        idempotency: Some(IdempotencyKey::new(key).unwrap()),
    }
}

fn profiles_flow(app: &TestApp) -> ExportSpec {
    ExportSpec {
        data: DataSelection::AllProfiles,
        frequency: Frequency::Live { start: date(2026, 3, 10) },
        ..app.spec(Format::Json, date(2026, 3, 10), date(2026, 3, 10))
    }
}

async fn count(app: &TestApp) -> usize {
    app.store.list_exports(ACCOUNT, &Default::default(), None, 100).await.unwrap().exports.len()
}

#[tokio::test]
async fn a_repeat_gives_the_first_export_as_it_is_now() {
    let app = TestApp::new().await;
    let parts = app.parts();
    commit(&app, at("2026-03-10T09:00:00Z"), "Charged", date(2026, 3, 8), 5);
    let spec = app.spec(Format::Json, date(2025, 3, 8), date(2026, 3, 9));
    let first = steps::create_export(&parts, ACCOUNT, under_key("k", &spec)).await.unwrap();
    assert!(!first.is_repeat && first.clipped.is_some());
    assert_eq!(first.export.created_by.as_deref(), Some("anna@example.com"));
    app.advance_secs(5);
    let again = steps::create_export(&parts, ACCOUNT, under_key("k", &spec)).await.unwrap();
    assert_eq!((&again.export, &again.run, again.clipped), (&first.export, &first.run, first.clipped));
    assert!(again.is_repeat);
    app.drain().await.unwrap();
    // What was asked for long ago is done by now; nothing is begun again, not even a message sent.
    let done = steps::create_export(&parts, ACCOUNT, under_key("k", &spec)).await.unwrap();
    assert_eq!(done.run.unwrap().status, RunStatus::Done);
    assert_eq!(app.queue.all(), []);
    assert_eq!(
        (count(&app).await, app.store.runs(ACCOUNT, first.export.request).await.unwrap().len()),
        (1, 1)
    );
    let other = ExportSpec { format: Format::Csv, ..spec.clone() };
    let refused = steps::create_export(&parts, ACCOUNT, under_key("k", &other)).await.unwrap_err();
    let request = first.export.request;
    assert_eq!(
        refused.to_string(),
        format!(
            "The Idempotency-Key `k` has created export {request} already, from another request. Send this request \
             under a key of its own."
        )
    );
    app.advance_secs(IDEMPOTENCY_SECS);
    let new = steps::create_export(&parts, ACCOUNT, under_key("k", &other)).await.unwrap();
    assert!(!new.is_repeat && new.export.request != request);
    app.drain().await.unwrap();
}

#[tokio::test]
async fn a_repeat_does_not_trip_over_what_the_first_request_created() {
    let app = TestApp::new().await;
    let parts = app.parts();
    let spec = profiles_flow(&app);
    let first = steps::create_export(&parts, ACCOUNT, under_key("k", &spec)).await.unwrap();
    let again = steps::create_export(&parts, ACCOUNT, under_key("k", &spec)).await.unwrap();
    assert_eq!(again.export, first.export);
    let second = steps::create_export(&parts, ACCOUNT, under_key("k2", &spec)).await.unwrap_err();
    assert!(matches!(second, CreateError::Refused(_)), "{second}");
    // A refusal keeps no key: once the way is free, the same request goes through.
    steps::stop_export(&parts, ACCOUNT, first.export.request, &spillway::domain::StopReason::User)
        .await
        .unwrap();
    let free = steps::create_export(&parts, ACCOUNT, under_key("k2", &spec)).await.unwrap();
    assert!(!free.is_repeat);
}

#[tokio::test]
async fn a_request_may_mean_other_days_when_it_is_repeated() {
    let app = TestApp::new().await;
    let parts = app.parts();
    let request = |day: i8, body: &[u8]| {
        let days = DateRange::new(date(2026, 3, day), date(2026, 3, day)).ok();
        let frequency = Frequency::OneTime { days };
        let spec = ExportSpec { frequency, ..app.spec(Format::Json, date(2026, 3, 1), date(2026, 3, 1)) };
        let key = IdempotencyKey::new("k").unwrap().for_request(body);
        NewRequest { spec, created_by: None, idempotency: Some(key) }
    };
    let first = steps::create_export(&parts, ACCOUNT, request(8, b"yesterday")).await.unwrap();
    let again = steps::create_export(&parts, ACCOUNT, request(9, b"yesterday")).await.unwrap();
    assert_eq!(again.export, first.export);
    let other = steps::create_export(&parts, ACCOUNT, request(8, b"today")).await.unwrap_err();
    assert!(matches!(other, CreateError::KeyReused { .. }), "{other}");
    app.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_creators_under_one_key_one_creates_and_all_get_it() {
    let app = TestApp::new().await;
    let once = app.spec(Format::Json, date(2026, 3, 8), date(2026, 3, 9));
    for (key, spec) in [("a", once), ("b", profiles_flow(&app))] {
        let before = count(&app).await;
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (parts, request) = (app.parts(), under_key(key, &spec));
                tokio::spawn(async move { steps::create_export(&parts, ACCOUNT, request).await.unwrap() })
            })
            .collect();
        let (mut requests, mut firsts) = (BTreeSet::new(), 0);
        for task in tasks {
            let created = task.await.unwrap();
            requests.insert(created.export.request);
            firsts += usize::from(!created.is_repeat);
        }
        assert_eq!((requests.len(), firsts, count(&app).await), (1, 1, before + 1));
        app.drain().await.unwrap();
    }
}

#[tokio::test]
async fn a_creator_may_end_at_any_point_and_the_repeat_makes_up_for_it() {
    for strike in [Strike::Kill, Strike::Fail] {
        for nth in 0..100 {
            let app = TestApp::new().await;
            commit(&app, at("2026-03-10T09:00:00Z"), "Charged", date(2026, 3, 8), 5);
            let spec = app.spec(Format::Json, date(2026, 3, 8), date(2026, 3, 9));
            let worker = app.worker();
            worker.gate.arm(nth, strike);
            let first = steps::create_export(&worker.parts, ACCOUNT, under_key("k", &spec));
            drop(worker.gate.run(first).await);
            let is_over = worker.gate.disarm();
            app.queue.lose_all();
            let again = steps::create_export(&app.parts(), ACCOUNT, under_key("k", &spec)).await.unwrap();
            let run = again.run.unwrap().key;
            assert!(app.queue.all().contains(&Work::Run { run }), "the run is on its way");
            app.drain().await.unwrap();
            assert_eq!((count(&app).await, app.run(run).await.status), (1, RunStatus::Done));
            if is_over {
                assert!(nth > 8, "{nth}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_the_rules_refuse_is_looked_at_once() {
    let app = TestApp::new().await;
    let worker = app.worker();
    let spec = ExportSpec { bucket: BucketId("nowhere".to_owned()), ..profiles_flow(&app) };
    let before = worker.gate.passed();
    let refused = steps::create_export(&worker.parts, ACCOUNT, spec).await.unwrap_err();
    assert!(matches!(refused, CreateError::Refused(_)), "{refused}");
    // The account, its buckets and its flow of profiles; each call passes two points.
    assert_eq!(worker.gate.passed() - before, 6);
}
