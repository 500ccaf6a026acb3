//! An export that runs once is moved out of a bucket that fails.

use dashboard::identity::Role;
use http::StatusCode;
use jiff::civil::{Date, date};
use spillway::domain::{FailureClass, Format, RunStatus};
use spillway_tests::harness::{ACCOUNT, EventRow, TestApp};

use crate::html::{field, place, text};

const DAY: Date = date(2026, 3, 9);

#[tokio::test]
async fn an_export_that_runs_once_is_offered_another_bucket_while_its_own_is_blocked() {
    let app = TestApp::new().await;
    let row = |at: usize| EventRow {
        id: at.to_string(),
        event: "Charged".to_owned(),
        date: DAY,
        database: 0,
        note: "a note".to_owned(),
        more: serde_json::json!({}),
    };
    app.lake.write_events(&app.file(10), &(0..40).map(row).collect::<Vec<_>>());
    app.connect(ACCOUNT, "other", "other-bucket", "{}").await;
    let (export, run) = app.export(app.spec(Format::Csv, DAY, DAY)).await;
    app.buckets.fail_with(Some(FailureClass::RetentionPolicy));
    app.drain().await.unwrap();
    app.buckets.fail_with(None);
    let person = app.person(ACCOUNT, Role::Editor).with("accept", "text/html");
    let (page, edit) = (format!("/exports/{}", export.request), format!("/exports/{}/edit", export.request));
    let shown = person.get(&page).await;
    assert!(text(&shown).contains("Move the export to another bucket"), "{}", text(&shown));
    assert!(person.get("/exports").await.text().contains(&edit));
    let form = person.get(&edit).await;
    assert!(text(&form).contains("only its bucket can be changed"), "{}", text(&form));
    assert!(
        !form.text().contains("name=\"format\"") && !form.text().contains("data-estimate"),
        "{}",
        form.text()
    );
    let seen = field(&form, "seen");
    let nowhere = person.form(&edit, &[("seen", &*seen), ("bucket", "none")]).await;
    assert_eq!(nowhere.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(&nowhere).contains("There is no bucket `none`"), "{}", text(&nowhere));
    place(&person.form(&edit, &[("seen", &*seen), ("bucket", "other")]).await);
    app.drain().await.unwrap();
    let run = app.run(run.key).await;
    assert_eq!((run.status, run.spec.bucket.0.as_str()), (RunStatus::Done, "other"));
}
