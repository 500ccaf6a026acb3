//! A form that is sent twice.

use dashboard::identity::Role;
use spillway::domain::ExportFilter;
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, TestApp},
    web::Person,
};

use crate::html::{field, place};

fn live<'a>(once: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let fields = [
        ("bucket", BUCKET),
        ("data", "all-events"),
        ("identity1", "identity"),
        ("frequency", "live"),
        ("start", "2026-03-10"),
        ("format", "csv"),
    ];
    [once, &fields[..]].concat()
}

async fn count(app: &TestApp) -> usize {
    app.store.list_exports(ACCOUNT, &ExportFilter::default(), None, 9).await.unwrap().exports.len()
}

#[tokio::test]
async fn a_form_creates_once_also_under_another_token() {
    let app = TestApp::new().await;
    let [first, second]: [Person; 2] = std::array::from_fn(|_| app.person(ACCOUNT, Role::Editor));
    let once = field(&first.get("/exports/new").await, "once");
    // The same person in a browser that has lost its cookie.
    second.get("/exports").await;
    assert_ne!(first.csrf_token(), second.csrf_token());
    let form = live(&[("once", &once)]);
    let created = place(&first.form("/exports", &form).await);
    assert_eq!(place(&second.form("/exports", &form).await), created);
    assert_eq!(count(&app).await, 1);
}

#[tokio::test]
async fn forms_without_a_number_are_wishes_of_their_own() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor);
    person.get("/exports").await;
    let first = place(&person.form("/exports", &live(&[])).await);
    let other = [&live(&[])[..], &[("as_string", "on")]].concat();
    assert_ne!(place(&person.form("/exports", &other).await), first);
    assert_ne!(place(&person.form("/exports", &live(&[])).await), first);
    assert_eq!(count(&app).await, 3);
}
