//! The list of exports: filters and pages.

use http::StatusCode;
use serde_json::{Value, json};
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, TestApp},
    web::Person,
};

use crate::support::{create, editor, once, recurring, with};

const PATH: &str = "/api/v1/exports";

async fn numbers(person: &Person, query: &str) -> Vec<i64> {
    let list = person.get(&format!("{PATH}?{query}")).await.expect(StatusCode::OK);
    list["exports"].as_array().unwrap().iter().map(|export| export["request_id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn every_filter_keeps_what_it_names() {
    let app = TestApp::new().await;
    app.connect(ACCOUNT, "other bucket", "other", "{}").await;
    let person = editor(&app);
    let first = create(&person, &once()).await;
    let second = create(&person, &with(recurring(), "format", json!("json"))).await;
    let live = with(recurring(), "frequency", json!({"kind": "live"}));
    let third = create(&person, &with(live, "bucket", json!("other bucket"))).await;
    app.drain().await.unwrap();
    app.advance_secs(86_400);
    let fourth =
        create(&person, &with(once(), "data", json!({"kind": "select-events", "events": ["Charged"]}))).await;
    app.drain().await.unwrap();
    for (query, expected) in [
        ("", vec![fourth, third, second, first]),
        ("partner=google-cloud", vec![fourth, third, second, first]),
        ("bucket=other%20bucket", vec![third]),
        ("bucket=nowhere", vec![]),
        ("type=select-events", vec![fourth]),
        ("format=json", vec![second]),
        ("status=DONE", vec![fourth, first]),
        ("status=PENDING", vec![third, second]),
        ("frequency=live", vec![third]),
        ("frequency=recurring&format=json", vec![second]),
        ("exported_from=2026-03-11", vec![fourth]),
        ("exported_to=2026-03-10", vec![first]),
        ("exported_from=2026-03-10&exported_to=2026-03-11", vec![fourth, first]),
        ("exported_from=2026-03-12", vec![]),
    ] {
        assert_eq!(numbers(&person, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn whoever_follows_the_cursors_gets_each_export_once() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.insert(0, create(&person, &recurring()).await);
    }
    let (mut found, mut query) = (Vec::new(), "limit=3".to_owned());
    loop {
        let page = person.get(&format!("{PATH}?{query}")).await.expect(StatusCode::OK);
        let exports = page["exports"].as_array().unwrap();
        found.extend(exports.iter().map(|export| export["request_id"].as_i64().unwrap()));
        // What is created meanwhile stands before the first page.
        create(&person, &recurring()).await;
        match &page["next"] {
            Value::String(next) => query = format!("limit=3&cursor={next}"),
            _ => break,
        }
    }
    assert_eq!(found, expected);
    assert_eq!(numbers(&person, "limit=100").await.len(), 10);
}

#[tokio::test]
async fn twenty_are_a_page_unless_another_number_is_asked_for() {
    let app = TestApp::new().await;
    let person = editor(&app);
    for _ in 0..21 {
        create(&person, &recurring()).await;
    }
    assert_eq!(numbers(&person, "").await.len(), 20);
    for limit in [10, 20] {
        assert_eq!(numbers(&person, &format!("limit={limit}")).await.len(), limit);
    }
    for bad in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "cursor=x",
        "cursor=-1",
        "cursor=",
        "format=pdf",
        "status=done",
        "type=",
        "exported_from=tomorrow",
        "limit=1&limit=2",
        "colour=red",
    ] {
        let refused = person.get(&format!("{PATH}?{bad}")).await;
        assert_eq!(
            (refused.status, refused.problem().0.as_str()),
            (StatusCode::BAD_REQUEST, "malformed-request"),
            "{bad}"
        );
    }
    let backward = person.get(&format!("{PATH}?exported_from=2026-03-10&exported_to=2026-03-09")).await;
    assert_eq!(
        (backward.status, backward.problem().0.as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "refused")
    );
    let errors = &backward.json()["errors"];
    assert!(
        errors[0]["detail"].as_str().unwrap().starts_with("`exported_from` and `exported_to`: "),
        "{errors}"
    );
    let document = serde_json::to_value(dashboard::api::document()).unwrap();
    assert!(document["paths"][PATH]["get"]["responses"]["422"].is_object(), "what it may answer is declared");
    assert_eq!(numbers(&person, &format!("bucket={BUCKET}&limit=30")).await.len(), 21);
}
