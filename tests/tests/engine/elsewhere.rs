//! A nickname that comes to mean another bucket at Google: a run never writes into both.

use jiff::civil::{Date, date};
use spillway::{
    domain::{Format, RunStatus},
    steps,
};
use spillway_tests::harness::{ACCOUNT, BUCKET, TestApp, assert_rows};

use super::rows;

const DAY: Date = date(2026, 3, 9);

async fn rename(app: &TestApp, bucket_name: &str) {
    app.connect(ACCOUNT, BUCKET, bucket_name, "{}").await;
}

#[tokio::test]
async fn a_run_goes_on_only_where_it_began() {
    let mut app = TestApp::new().await;
    app.options.plan.message_chunks = 1;
    let (first, second) = (rows("one", 20, "First"), rows("two", 20, "Second"));
    app.lake.write_events(&app.file(20), &first);
    app.lake.write_events(&app.file(20), &second);
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    // It is planned, and one chunk delivered.
    for _ in 0..2 {
        steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    }
    assert_eq!(app.run(run.key).await.bucket_name.as_deref(), Some(BUCKET));
    rename(&app, "elsewhere").await;
    app.drain().await.unwrap();
    let held = app.run(run.key).await;
    assert_eq!((held.status, held.totals.files), (RunStatus::Incomplete, 1));
    let reason = held.reason.unwrap();
    assert!(
        reason.contains(&format!("let `{BUCKET}` mean `{BUCKET}` again, then retry the run")),
        "{reason}"
    );
    assert_eq!(app.buckets.objects("elsewhere").len(), 0, "not a file of it");
    let refused = steps::retry_run(&app.parts(), run.key).await.unwrap_err().to_string();
    assert_eq!(refused, reason, "the operator is told before anything is tried");
    assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
    rename(&app, BUCKET).await;
    steps::retry_run(&app.parts(), run.key).await.unwrap();
    app.drain().await.unwrap();
    assert_rows(&app.delivered(run.key).await, &[first, second].concat());
    assert_eq!(app.buckets.objects("elsewhere").len(), 0);
}

#[tokio::test]
async fn a_run_that_is_owed_goes_where_the_nickname_leads_when_it_is_opened() {
    let app = TestApp::new().await;
    let all = rows("one", 20, "First");
    app.lake.write_events(&app.file(20), &all);
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    rename(&app, "elsewhere").await;
    app.drain().await.unwrap();
    let done = app.run(run.key).await;
    assert_eq!((done.status, done.bucket_name.as_deref()), (RunStatus::Done, Some("elsewhere")));
    assert_eq!(app.buckets.objects(BUCKET).len(), 0);
}
