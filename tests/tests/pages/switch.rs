//! With the operator's switch off, what goes on is seen and stopped; nothing new begins.

use dashboard::identity::Role;
use http::{Method, StatusCode};
use jiff::civil::{Date, date};
use spillway::{
    domain::{ExportFilter, ExportStatus, Format, Frequency},
    steps,
};
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, TestApp},
    web::Answer,
};

use crate::html::{place, text};

const DAY: Date = date(2026, 3, 9);

fn says_whom_to_ask(answer: &Answer) -> bool {
    answer.status == StatusCode::FORBIDDEN
        && answer.text().contains("href=\"mailto:exports@platform.example\"")
}

#[tokio::test]
async fn what_goes_on_is_seen_and_stopped() {
    let app = TestApp::new().await;
    let mut spec = app.spec(Format::Csv, DAY, DAY);
    spec.frequency = Frequency::Live { start: DAY };
    let export = app.recurring(spec).await;
    steps::enable_exports(&app.parts(), ACCOUNT, false).await.unwrap();
    let person = app.person(ACCOUNT, Role::Editor).with("accept", "text/html");
    let own = format!("/exports/{}", export.request);
    for page in ["/exports", &own, &format!("{own}/stop"), "/partners", "/settings", "/guide"] {
        let answer = person.get(page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        assert!(text(&answer).contains("Exports are switched off for this account"), "{page}");
    }
    let list = person.get("/exports").await;
    assert!(list.text().contains(&format!("data-request=\"{}\"", export.request)), "{}", text(&list));
    assert!(!text(&list).contains("Create Export"), "{}", text(&list));
    let stopped = person.form(&format!("{own}/stop"), &[]).await;
    assert_eq!(place(&stopped), format!("/exports?done=stopped&export={}", export.request));
    let export = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap();
    assert!(matches!(export.status, ExportStatus::Stopped { .. }));
}

#[tokio::test]
async fn nothing_new_begins_and_one_learns_whom_to_ask() {
    let app = TestApp::new().await;
    let mut spec = app.spec(Format::Csv, DAY, DAY);
    spec.frequency = Frequency::Live { start: DAY };
    let export = app.recurring(spec).await;
    let person = app.person(ACCOUNT, Role::Editor).with("accept", "text/html");
    assert!(!text(&person.get("/exports").await).contains("switched off"));
    steps::enable_exports(&app.parts(), ACCOUNT, false).await.unwrap();
    let edit = format!("/exports/{}/edit", export.request);
    for page in ["/exports/new", &edit, "/partners/google-cloud"] {
        let answer = person.get(page).await;
        assert!(says_whom_to_ask(&answer), "{page}: {}", text(&answer));
    }
    for form in ["/exports", &edit] {
        let answer = person.form(form, &[("bucket", BUCKET), ("format", "json")]).await;
        assert!(says_whom_to_ask(&answer), "{form}: {}", text(&answer));
    }
    let all = app.store.list_exports(ACCOUNT, &ExportFilter::default(), None, 9).await.unwrap();
    assert_eq!(all.exports, [export]);
    // The key of a bucket into which an export goes may be replaced.
    let key = person.get(&format!("/partners/google-cloud/buckets/{BUCKET}/key")).await;
    assert_eq!(key.status, StatusCode::OK);
}

#[tokio::test]
async fn no_bucket_is_connected_and_keys_are_replaced() {
    let app = TestApp::new().await;
    steps::enable_exports(&app.parts(), ACCOUNT, false).await.unwrap();
    let person = app.person(ACCOUNT, Role::Editor);
    let new = serde_json::json!({"nickname": "new", "bucket_name": "new-bucket", "key": "{}"});
    let refused = person.post("/api/v1/buckets", &new).await;
    assert_eq!((refused.status, refused.problem().0.as_str()), (StatusCode::FORBIDDEN, "feature-off"));
    // A key comes as far as the check, which nothing answers in this test.
    let key = serde_json::json!({"key": "{}"});
    let path = format!("/api/v1/buckets/{BUCKET}/key");
    let replaced = person.json(Method::PUT, &path, &[], &key).await;
    assert_eq!(replaced.problem().0, "validator-unavailable");
}
