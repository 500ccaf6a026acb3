//! A stopped run that cannot be closed just now is closed later, with its manifest.

use spillway::{
    domain::{FailureClass, ManifestStatus, RunStatus, StopReason},
    ports::Work,
    steps::{self, Handled},
};
use spillway_tests::harness::{ACCOUNT, assert_rows};

use crate::stopped_in_mid_chunk;

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
