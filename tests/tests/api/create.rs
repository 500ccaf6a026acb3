//! Exports are created, once.

use dashboard::identity::Role;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use spillway::{domain::ExportFilter, steps};
use spillway_tests::harness::{ACCOUNT, BUCKET, TestApp};

use crate::support::{editor, fill, once, recurring, with};

const PATH: &str = "/api/v1/exports";

#[tokio::test]
async fn a_one_time_export_begins_at_once() {
    let app = TestApp::new().await;
    let answer = editor(&app).post(PATH, &once()).await;
    let expected = json!({
        "request_id": 1_773_144_000, "partner": "google-cloud", "bucket": BUCKET, "data": {"kind": "all-events"},
        "identities": ["identity"],
        "frequency": {"kind": "one-time", "days": {"first": "2026-03-09", "last": "2026-03-10"}},
        "format": "csv", "packaging": "gzip", "as_string": false, "header_line": true, "manifest": true,
        "status": "PENDING", "stopped": null, "successor": null, "predecessor": null, "created_at": "2026-03-10T12:00:00Z",
        "created_by": "mara@example.com", "delivered_until": null, "next_run_at": null,
    });
    assert_eq!(answer.expect(StatusCode::CREATED), expected);
    assert_eq!(answer.header("location"), "/api/v1/exports/1773144000");
    let found = editor(&app).get(answer.header("location")).await;
    assert_eq!((found.expect(StatusCode::OK), found.header("etag")), (expected, answer.header("etag")));
    app.drain().await.unwrap();
    let done = editor(&app).get(answer.header("location")).await.expect(StatusCode::OK);
    assert_eq!((&done["status"], &done["delivered_until"]), (&json!("DONE"), &json!("2026-03-10T12:00:00Z")));
}

#[tokio::test]
async fn what_is_left_out_has_its_default() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let days = with(once(), "frequency", json!({"kind": "one-time", "preset": "last-7-days"}));
    let export = person.post(PATH, &days).await.expect(StatusCode::CREATED);
    assert_eq!(export["frequency"]["days"], json!({"first": "2026-03-04", "last": "2026-03-10"}));
    let export = person.post(PATH, &recurring()).await.expect(StatusCode::CREATED);
    let cycle = json!({"kind": "recurring", "every_hours": 6, "start": "2026-03-10", "anchor_hour": 0});
    assert_eq!((&export["frequency"], &export["next_run_at"]), (&cycle, &json!("2026-03-10T18:00:00Z")));
    let live = with(recurring(), "frequency", json!({"kind": "live", "start": "2026-03-11"}));
    let export = person.post(PATH, &live).await.expect(StatusCode::CREATED);
    assert_eq!(export["next_run_at"], "2026-03-11T00:05:00Z");
    app.abandon();
}

#[tokio::test]
async fn clipped_days_are_told() {
    let app = TestApp::new().await;
    let long = json!({"kind": "one-time", "days": {"first": "2025-01-01", "last": "2026-03-10"}});
    let export = editor(&app).post(PATH, &with(once(), "frequency", long)).await.expect(StatusCode::CREATED);
    assert_eq!(
        export["notice"],
        "Days before 2026-01-10 are left out: an export reaches at most 60 days back."
    );
    app.abandon();
}

#[tokio::test]
async fn all_refusals_come_at_once_with_their_fields() {
    let app = TestApp::new().await;
    let mut wish = with(once(), "bucket", json!("nowhere"));
    wish["data"] = json!({"kind": "select-events", "events": []});
    wish["frequency"] = json!({"kind": "one-time"});
    let refused = editor(&app).post(PATH, &wish).await;
    assert_eq!(refused.problem().0, "refused");
    assert_eq!(
        refused.expect(StatusCode::UNPROCESSABLE_ENTITY)["errors"],
        json!([
            {"pointer": "/bucket",
             "detail": format!("There is no bucket `nowhere`. Choose out of `{BUCKET}`, or connect it first.")},
            {"pointer": "/data/events",
             "detail": "No event is selected. Select at least one event, or export all events."},
            {"pointer": "/frequency/days",
             "detail": "The days are missing. Choose the first and the last day whose events are exported."},
        ])
    );
    let mut odd = with(recurring(), "identities", json!(["email", "email"]));
    odd["frequency"]["every_hours"] = json!(5);
    let refused = editor(&app).post(PATH, &odd).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    let pointers: Vec<&Value> = refused["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/identities", "/frequency/every_hours"]);
    let both =
        json!({"kind": "one-time", "preset": "today", "days": {"first": "2026-03-10", "last": "2026-03-10"}});
    let refused = editor(&app).post(PATH, &with(once(), "frequency", both)).await;
    assert_eq!(refused.expect(StatusCode::UNPROCESSABLE_ENTITY)["errors"][0]["pointer"], "/frequency/preset");
    let backward = json!({"kind": "one-time", "days": {"first": "2026-03-10", "last": "2026-03-09"}});
    let refused = editor(&app).post(PATH, &with(once(), "frequency", backward)).await;
    assert_eq!(refused.expect(StatusCode::UNPROCESSABLE_ENTITY)["errors"][0]["pointer"], "/frequency/days");
}

#[tokio::test]
async fn a_repeat_under_a_key_creates_nothing() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let key = [("idempotency-key", "4f1c-2b")];
    let wish = with(once(), "frequency", json!({"kind": "one-time", "preset": "yesterday"}));
    let first = person.json(Method::POST, PATH, &key, &wish).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    // "Yesterday" is another day meanwhile; the request is the same.
    app.advance_secs(13 * 3_600);
    let second = person.json(Method::POST, PATH, &key, &wish).await;
    assert_eq!(second.expect(StatusCode::CREATED), first.expect(StatusCode::CREATED));
    assert_eq!(second.header("idempotency-replayed"), "true");
    let other = person.json(Method::POST, PATH, &key, &once()).await;
    assert_eq!(
        (other.status, other.problem().0.as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused")
    );
    let bad = person.json(Method::POST, PATH, &[("idempotency-key", "")], &wish).await;
    assert_eq!(bad.problem().0, "malformed-request");
    let all = app.store.list_exports(ACCOUNT, &ExportFilter::default(), None, 9).await.unwrap();
    assert_eq!(all.exports.len(), 1);
    app.abandon();
}

#[tokio::test]
async fn the_operators_switch_and_the_role_keep_exports_from_being_created() {
    let app = TestApp::new().await;
    let viewer = app.person(ACCOUNT, Role::Viewer).post(PATH, &once()).await;
    assert_eq!((viewer.status, viewer.problem().0.as_str()), (StatusCode::FORBIDDEN, "read-only"));
    steps::enable_exports(&app.parts(), ACCOUNT, false).await.unwrap();
    let off = editor(&app).post(PATH, &once()).await;
    assert_eq!((off.status, off.problem().0.as_str()), (StatusCode::FORBIDDEN, "feature-off"));
}

#[tokio::test]
async fn one_flow_of_profiles_at_a_time() {
    let app = TestApp::new().await;
    let wish = with(recurring(), "data", json!({"kind": "all-profiles"}));
    let first = editor(&app).post(PATH, &wish).await.expect(StatusCode::CREATED);
    let second = editor(&app).post(PATH, &wish).await;
    let (kind, detail) = second.problem();
    assert_eq!(kind, "refused");
    assert!(
        detail.starts_with(&format!("Export {} of user properties is active", first["request_id"])),
        "{detail}"
    );
}

#[tokio::test]
async fn events_that_have_not_been_seen_are_told_and_not_refused() {
    let app = TestApp::new().await;
    fill(&app, 20);
    steps::keep_catalogue(&app.parts(), ACCOUNT).await.unwrap();
    let person = editor(&app);
    let selecting = |events| with(recurring(), "data", json!({"kind": "select-events", "events": events}));
    let sentence =
        "`Chargd` has not been seen yet. Check the spelling; files follow once there are such events.";
    let misspelt = selecting(json!(["Charged", "Chargd"]));
    for path in ["/api/v1/estimate", PATH] {
        let answer = person.post(path, &misspelt).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        assert_eq!(answer.json()["notice"], sentence, "{path}");
    }
    let known = person.post(PATH, &selecting(json!(["Charged"]))).await.expect(StatusCode::CREATED);
    assert_eq!(known["notice"], json!(null));
    // The same of an edit, and on the pages.
    let path = format!("{PATH}/{}", known["request_id"]);
    let edit = json!({"data": misspelt["data"]});
    let edited = person.json(Method::PATCH, &path, &crate::support::ANY, &edit).await.expect(StatusCode::OK);
    assert_eq!(edited["notice"], sentence);
    let page = person.get("/exports/new").await;
    let once = page.text().split("name=\"once\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = [
        ("once", once),
        ("bucket", spillway_tests::harness::BUCKET),
        ("data", "select-events"),
        ("event", "Chargd"),
        ("frequency", "live"),
        ("start", "2026-03-10"),
        ("format", "csv"),
    ];
    let estimated = person.form("/exports/estimate", &form).await;
    assert!(estimated.text().contains("has not been seen yet. Check the spelling"), "{}", estimated.text());
    let created = person.form("/exports", &form).await;
    assert!(created.header("location").ends_with("&unseen=1"), "{} {}", created.status, created.text());
}
