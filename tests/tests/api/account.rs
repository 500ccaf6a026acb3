//! The account's settings.

#[path = "webhook.rs"]
mod webhook;

use dashboard::identity::Role;
use http::{Method, StatusCode};
use serde_json::json;
use spillway_tests::harness::{ACCOUNT, TestApp};

use crate::support::{ANY, STRANGER, editor, fill};

const PATH: &str = "/api/v1/account";

#[tokio::test]
async fn an_account_sees_its_own_settings() {
    let app = TestApp::new().await;
    let answer = app.person(ACCOUNT, Role::Viewer).get(PATH).await;
    let expected = json!({
        "id": ACCOUNT.0, "time_zone": "UTC", "identities": ["identity", "email", "phone"], "notify": [],
        "webhook": null, "webhook_secret_made_at": null, "exports_enabled": true, "one_time_limit_days": 60,
    });
    assert_eq!(answer.expect(StatusCode::OK), expected);
    assert_eq!(answer.header("cache-control"), "no-store");
    let stranger = app.person(STRANGER, Role::Editor).get(PATH).await;
    assert_eq!(stranger.problem().0, "not-found");
}

#[tokio::test]
async fn a_change_needs_the_version_that_it_is_meant_for() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let change = json!({"notify": ["ops@example.com"], "webhook": "https://example.com/hook"});
    let blind = person.json(Method::PATCH, PATH, &[], &change).await;
    assert_eq!(
        (blind.status, blind.problem().0.as_str()),
        (StatusCode::PRECONDITION_REQUIRED, "if-match-missing")
    );
    let tag = person.get(PATH).await.header("etag").to_owned();
    let changed = person.json(Method::PATCH, PATH, &[("if-match", &tag)], &change).await;
    let settings = changed.expect(StatusCode::OK);
    assert_eq!((&settings["notify"], &settings["webhook"]), (&change["notify"], &change["webhook"]));
    assert_eq!(person.get(PATH).await.header("etag"), changed.header("etag"));
    let stale = person.json(Method::PATCH, PATH, &[("if-match", &tag)], &json!({})).await;
    assert_eq!(
        (stale.status, stale.problem().0.as_str()),
        (StatusCode::PRECONDITION_FAILED, "changed-meanwhile")
    );
    let weak = person.json(Method::PATCH, PATH, &[("if-match", "W/\"x\"")], &json!({})).await;
    assert_eq!(weak.problem().0, "malformed-request");
    let off = person.json(Method::PATCH, PATH, &ANY, &json!({"webhook": null})).await.expect(StatusCode::OK);
    assert_eq!(off["webhook"], json!(null));
}

#[tokio::test]
async fn all_that_is_wrong_is_told_with_its_field() {
    let app = TestApp::new().await;
    let change = json!({"time_zone": "Berlin", "notify": ["a@example.com", "nobody"], "webhook": "http://x"});
    let refused = editor(&app).json(Method::PATCH, PATH, &ANY, &change).await;
    let pointers: Vec<_> = refused.expect(StatusCode::UNPROCESSABLE_ENTITY)["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].clone())
        .collect();
    assert_eq!(pointers, ["/time_zone", "/notify/1", "/webhook"]);
    fill(&app, 3);
    let change = json!({"time_zone": "Europe/Berlin", "identities": []});
    let refused = editor(&app).json(Method::PATCH, PATH, &ANY, &change).await;
    let errors = refused.expect(StatusCode::UNPROCESSABLE_ENTITY)["errors"].clone();
    assert_eq!(errors[0]["pointer"], "/time_zone");
    assert_eq!(errors[1]["detail"], "No identity is chosen. Choose at least one of Identity, Email, Phone.");
    let operators = json!({"exports_enabled": true, "shards": 3});
    let refused = editor(&app).json(Method::PATCH, PATH, &ANY, &operators).await;
    assert_eq!(refused.problem().0, "invalid-body");
}
