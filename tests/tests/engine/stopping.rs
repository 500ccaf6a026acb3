//! A stopped run that cannot be closed just now is closed later, with its manifest.

use rusqlite::Connection;
use spillway::{
    domain::{FailureClass, ManifestStatus, RunStatus, StopReason},
    ports::Work,
    steps::{self, Handled},
};
use spillway_tests::harness::{ACCOUNT, assert_rows};

use crate::{bulky, intended, stopped_in_mid_chunk};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_that_fails_when_the_last_worker_leaves_is_tried_again() {
    let (app, run, small, task) = stopped_in_mid_chunk(2).await;
    app.buckets.fail_with(Some(FailureClass::Unavailable));
    steps::stop_export(&app.parts(), ACCOUNT, run.key.request, &StopReason::User).await.unwrap();
    assert!(app.queue.is_empty(), "a chunk is still leased, and nobody else is told to finish");
    assert_eq!(task.await.unwrap(), Handled::Again(app.options.passing_delay));
    assert_eq!(app.run(run.key).await.status, RunStatus::Running);
    app.buckets.fail_with(None);
    app.queue.put(Work::Run { run: run.key });
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Stopped);
    assert_eq!(delivered.manifest.as_ref().expect("a manifest").status, ManifestStatus::Stopped);
    assert_rows(&delivered, &small);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_run_that_cannot_go_on_waits_for_the_leases_of_others() {
    let (app, run, mut all, task) = stopped_in_mid_chunk(2).await;
    let mut pieces = 2;
    while !intended(&app, &run).await {
        pieces += 1;
        app.buckets.hold_after(Some(pieces));
        app.buckets.until_held().await;
    }
    steps::stop_export(&app.parts(), ACCOUNT, run.key.request, &StopReason::User).await.unwrap();
    // Somebody else meets what no retry can mend, while the object's last bytes are on their way.
    let raw = Connection::open(app.folder().join("state.sqlite")).unwrap();
    let document: String = raw.query_row("SELECT doc FROM buckets", [], |row| row.get(0)).unwrap();
    raw.execute("UPDATE buckets SET doc = '{'", []).unwrap();
    let stray = Work::Run { run: run.key };
    let handled = steps::handle(&app.parts(), &stray).await.unwrap();
    assert_eq!(handled, Handled::Again(app.options.passing_delay));
    assert_eq!(app.run(run.key).await.status, RunStatus::Running, "its totals are not known yet");
    raw.execute("UPDATE buckets SET doc = ?1", [document]).unwrap();
    app.buckets.hold_after(None);
    task.await.unwrap();
    let delivered = app.delivered(run.key).await;
    all.extend(bulky("bulky", 1_500));
    assert_rows(&delivered, &all);
    assert_eq!((delivered.run.status, &delivered.run.reason), (RunStatus::Done, &None));
    assert!(delivered.manifest.is_some());
}
