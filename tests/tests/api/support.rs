//! What most tests of the API begin with.

use dashboard::identity::Role;
use http::StatusCode;
use jiff::civil::date;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use spillway::domain::AccountId;
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, EventRow, TestApp},
    web::Person,
};

/// Another account, with a bucket of its own.
pub(crate) const STRANGER: AccountId = AccountId(7);
/// What an edit of any version says.
pub(crate) const ANY: [(&str, &str); 1] = [("if-match", "*")];

pub(crate) fn editor(app: &TestApp) -> Person {
    app.person(ACCOUNT, Role::Editor)
}

/// All events of yesterday and today, as CSV.
pub(crate) fn once() -> Value {
    json!({
        "bucket": BUCKET,
        "data": {"kind": "all-events"},
        "frequency": {"kind": "one-time", "days": {"first": "2026-03-09", "last": "2026-03-10"}},
        "format": "csv",
    })
}

/// All events every six hours from today on.
pub(crate) fn recurring() -> Value {
    let mut wish = once();
    wish["frequency"] = json!({"kind": "recurring", "every_hours": 6});
    wish
}

pub(crate) fn with(mut wish: Value, field: &str, value: Value) -> Value {
    wish[field] = value;
    wish
}

/// Creates an export and gives its number.
pub(crate) async fn create(person: &Person, wish: &Value) -> i64 {
    let export = person.post("/api/v1/exports", wish).await.expect(StatusCode::CREATED);
    export["request_id"].as_i64().unwrap()
}

/// Some rows of yesterday in the lake.
pub(crate) fn fill(app: &TestApp, rows: usize) {
    fill_event(app, "Charged", rows);
}

/// The same of any event.
pub(crate) fn fill_event(app: &TestApp, event: &str, rows: usize) {
    let mut rng = StdRng::seed_from_u64(1);
    let day = date(2026, 3, 9);
    let rows: Vec<_> =
        (0..rows).map(|id| EventRow::random(&mut rng, id.to_string(), event, day, 0)).collect();
    app.lake.write_events(&app.file(50), &rows);
}
