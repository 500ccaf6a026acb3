//! Each class of failure of the customer's side, from real error bodies, at each point of an upload: it is told, and once
//! mended everything arrives.

use gcs_emulator::{BucketOptions, Fault, FaultRule, Operation};
use spillway::{
    domain::{BucketState, FailureClass, NoticeKind, RunStatus},
    ports::Work,
    steps,
};
use spillway_tests::harness::{BUCKET, Google, TestApp};

use crate::support::{OPS, Story};

/// The first byte of an upload, and its last ones; a small file has nothing between.
const POINTS: [Operation; 2] = [Operation::Start, Operation::Finish];

/// A fault, and how its class is told.
type Case = (Fault, fn(&FailureClass) -> bool);

async fn with_google(options: BucketOptions) -> (Story, Google) {
    let mut app = TestApp::new().await;
    let google = Google::start(&mut app, options).await;
    (Story::of(app).await, google)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_class_is_told_and_goes_on_once_mended() {
    let faults: [Case; 5] = [
        (Fault::RevokedKey, |class| *class == FailureClass::CredentialsRejected),
        (Fault::RemovedPermission, |class| matches!(class, FailureClass::PermissionMissing { .. })),
        (Fault::MissingBucket, |class| *class == FailureClass::BucketMissing),
        (Fault::BillingDisabled, |class| *class == FailureClass::BillingDisabled),
        (Fault::OrgPolicy, |class| *class == FailureClass::OrganisationPolicy),
    ];
    for (fault, is_class) in faults {
        for operation in POINTS {
            let context = format!("{fault:?} at {operation:?}");
            let (story, google) = with_google(BucketOptions::default()).await;
            let request = story.live().await;
            story.hours(1).await;
            google.emulator().faults().add(FaultRule::always(fault).in_bucket(BUCKET).on(operation));
            // What a probe does not see is told once it is met a second time.
            story.hours(4).await;
            let incidents = story.incidents().await;
            assert_eq!(incidents.len(), 1, "{context}");
            assert!(is_class(&incidents[0].failure.class), "{context}: {:?}", incidents[0]);
            let kinds: Vec<_> = incidents[0].notices.iter().map(|notice| notice.kind).collect();
            assert_eq!(kinds, [NoticeKind::Detected], "{context}");
            let mail = story.mails_to(OPS).remove(0).message;
            assert!(
                mail.contains(&incidents[0].failure.http_status.unwrap().to_string()),
                "{context}: {mail}"
            );
            google.emulator().faults().clear();
            story.hours(4).await;
            let runs = story.app.store.runs(spillway_tests::harness::ACCOUNT, request).await.unwrap();
            assert!(runs.iter().all(|run| run.status == RunStatus::Done), "{context}: {runs:?}");
            assert_eq!(story.subjects(OPS).len(), 2, "{context}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_retention_policy_is_no_obstacle_to_retries_and_redeliveries() {
    let (retention_secs, retention_locked) = (Some(10 * 86_400), true);
    let options = BucketOptions { retention_secs, retention_locked, ..BucketOptions::default() };
    let (story, _google) = with_google(options).await;
    let request = story.live().await;
    for _ in 0..4 {
        story.tick().await;
        for run in story.app.store.runs(spillway_tests::harness::ACCOUNT, request).await.unwrap() {
            // Each message again, and again.
            for _ in 0..2 {
                story.app.queue.put(Work::Run { run: run.key });
                steps::republish(&story.app.parts(), &run, story.app.now()).await.unwrap();
                story.app.drain().await.unwrap();
            }
        }
        story.check().await;
    }
    let runs = story.app.store.runs(spillway_tests::harness::ACCOUNT, request).await.unwrap();
    assert!(runs.len() == 4 && runs.iter().all(|run| run.status == RunStatus::Done), "{runs:?}");
    assert_eq!(story.app.bucket().await.state, BucketState::Ready);
    assert!(story.incidents().await.is_empty() && story.smtp.taken().is_empty());
}
