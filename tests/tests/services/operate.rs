//! Operators make accounts known and have runs tried again.

use http::{Method, StatusCode};
use jiff::civil::date;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use spillway::domain::{AccountId, Format, RunStatus, ZoneName};
use spillway_tests::{
    harness::{ACCOUNT, EventRow, assert_rows},
    web::{Answer, Person},
};

use crate::support::{Cloud, kind};

async fn put(cloud: &Cloud, account: u64, body: &Value) -> Answer {
    let bearer = cloud.bearer();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let path = format!("/accounts/{account}");
    Person::new(cloud.scheduler()).ask(Method::PUT, &path, &headers, body.to_string()).await
}

#[tokio::test]
async fn an_account_is_made_known_and_changed() {
    let cloud = Cloud::new().await;
    let made = put(&cloud, 7, &json!({"time_zone": "Asia/Kolkata", "shards": 3})).await;
    assert_eq!(made.expect(StatusCode::OK)["time_zone"], "Asia/Kolkata");
    let account = || async { cloud.app.store.account(AccountId(7)).await.unwrap().unwrap() };
    let known = account().await;
    assert_eq!((known.shards, known.one_time_limit_days, known.exports_enabled), (3, Some(60), true));
    let changed = json!({"one_time_limit_days": null, "exports_enabled": false, "notify": ["a@example.com"]});
    for _ in 0..2 {
        assert_eq!(put(&cloud, 7, &changed).await.status, StatusCode::OK);
    }
    let known = account().await;
    assert_eq!((known.shards, known.one_time_limit_days, known.exports_enabled), (3, None, false));
    assert_eq!((known.notify.len(), known.time_zone), (1, ZoneName::new("Asia/Kolkata").unwrap()));
    for (wrong, what) in [
        (json!({"time_zone": "Mars/Olympus"}), "invalid-body"),
        (json!({"timezone": "UTC"}), "invalid-body"),
        (json!({"shards": 25}), "refused"),
        (json!({"identities": []}), "refused"),
    ] {
        assert_eq!(kind(&put(&cloud, 7, &wrong).await), what, "{wrong}");
    }
    let nobody = Person::new(cloud.scheduler()).ask(Method::PUT, "/accounts/8", &[], "{}").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert!(cloud.app.store.account(AccountId(8)).await.unwrap().is_none());
}

#[tokio::test]
async fn the_zone_of_data_stays() {
    let cloud = Cloud::new().await;
    let mut rng = StdRng::seed_from_u64(1);
    let row = EventRow::random(&mut rng, "row".to_owned(), "Charged", date(2026, 3, 9), 0);
    cloud.app.lake.write_events(&cloud.app.file(10), &[row]);
    let refused = put(&cloud, ACCOUNT.0, &json!({"time_zone": "Asia/Tokyo"})).await;
    assert_eq!((refused.status, kind(&refused)), (StatusCode::UNPROCESSABLE_ENTITY, "refused".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incomplete_run_is_tried_again() {
    let cloud = Cloud::new().await;
    let day = date(2026, 3, 9);
    let mut rng = StdRng::seed_from_u64(2);
    let rows: Vec<_> =
        (0..5).map(|n| EventRow::random(&mut rng, format!("row-{n}"), "Charged", day, 0)).collect();
    let path = cloud.app.lake.write_events(&cloud.app.file(10), &rows);
    let whole = cloud.app.lake.bytes(&path);
    let committed = cloud.app.file(10).committed;
    cloud.app.lake.write_raw(&path, committed, b"garbage");
    let (export, run) = cloud.app.export(cloud.app.spec(Format::Json, day, day)).await;
    cloud.drain().await;
    assert_eq!(cloud.app.run(run.key).await.status, RunStatus::Incomplete);
    cloud.app.lake.write_raw(&path, committed, &whole);
    let retry = format!("/accounts/{}/runs/{}/retry", ACCOUNT.0, run.key);
    let retried = cloud.post(cloud.scheduler(), &retry, "").await;
    assert_eq!(retried.expect(StatusCode::OK), json!({"chunks": 1}));
    cloud.drain().await;
    assert_rows(&cloud.app.delivered(run.key).await, &rows);
    assert_eq!(kind(&cloud.post(cloud.scheduler(), &retry, "").await), "wrong-state");
    let elsewhere = format!("/accounts/{}/runs/{}/retry", ACCOUNT.0 + 1, run.key);
    assert_eq!(kind(&cloud.post(cloud.scheduler(), &elsewhere, "").await), "not-found");
    let nonsense = format!("/accounts/{}/runs/{}/retry", ACCOUNT.0, export.request);
    assert_eq!(kind(&cloud.post(cloud.scheduler(), &nonsense, "").await), "malformed-request");
}
