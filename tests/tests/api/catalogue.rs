//! The account's events, and estimates.

use dashboard::identity::Role;
use http::StatusCode;
use serde_json::json;
use spillway::steps;
use spillway_tests::harness::{ACCOUNT, TestApp};

use crate::support::{STRANGER, editor, fill, once, with};

#[tokio::test]
async fn the_events_are_those_of_the_account() {
    let app = TestApp::new().await;
    fill(&app, 30);
    steps::keep_catalogue(&app.parts(), ACCOUNT).await.unwrap();
    let events = editor(&app).get("/api/v1/events").await.expect(StatusCode::OK);
    let event = &events["events"][0];
    assert_eq!(
        (&event["name"], &event["kind"], &event["rows"]),
        (&json!("Charged"), &json!("system"), &json!(30))
    );
    assert_eq!((&event["first_day"], &event["last_day"]), (&json!("2026-03-09"), &json!("2026-03-09")));
    let stranger = app.person(STRANGER, Role::Viewer).get("/api/v1/events").await;
    assert_eq!(stranger.expect(StatusCode::OK), json!({"events": []}));
}

#[tokio::test]
async fn an_estimate_is_for_viewers_too_and_creates_nothing() {
    let app = TestApp::new().await;
    fill(&app, 30);
    steps::keep_catalogue(&app.parts(), ACCOUNT).await.unwrap();
    let viewer = app.person(ACCOUNT, Role::Viewer);
    let estimate = viewer.post("/api/v1/estimate", &once()).await.expect(StatusCode::OK);
    assert_eq!((&estimate["basis"], &estimate["rows"]), (&json!("once"), &json!(30)));
    assert_eq!(estimate["days_without_data"], json!(["2026-03-10"]));
    assert!(estimate["example_name"].as_str().unwrap().contains("Charged"), "{estimate}");
    let long = json!({"kind": "one-time", "days": {"first": "2025-01-01", "last": "2026-03-10"}});
    let clipped =
        viewer.post("/api/v1/estimate", &with(once(), "frequency", long)).await.expect(StatusCode::OK);
    assert!(clipped["notice"].as_str().unwrap().starts_with("Days before 2026-01-10 are left out"));
    let late = json!({"kind": "one-time", "days": {"first": "2026-03-11", "last": "2026-03-11"}});
    let refused = viewer.post("/api/v1/estimate", &with(once(), "frequency", late)).await;
    assert_eq!(refused.expect(StatusCode::UNPROCESSABLE_ENTITY)["errors"][0]["pointer"], "/frequency/days");
    let list = viewer.get("/api/v1/exports").await.expect(StatusCode::OK);
    assert_eq!(list, json!({"exports": [], "next": null}));
}
