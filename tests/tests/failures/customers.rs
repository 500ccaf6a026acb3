//! What customers do while a bucket fails.

use spillway::{
    domain::{BucketFailure, BucketId, ExportSpec, FailureClass, RequestId, RunStatus},
    steps,
};
use spillway_tests::harness::{ACCOUNT, BUCKET, Probe};

use crate::support::{OPS, Story};

/// The other bucket works; the first one still does not.
fn only_the_other_works(story: &Story) {
    story.breaks(None);
    let failure = BucketFailure {
        class: FailureClass::RetentionPolicy,
        http_status: Some(403),
        message: "retained".to_owned(),
    };
    story.app.buckets.answer_probes(Probe { upload: Err(failure), ..Probe::default() });
}

async fn moved(story: &Story, request: RequestId, bucket: &str) {
    let spec = story.export(request).await.spec;
    let moved = ExportSpec { bucket: BucketId(bucket.to_owned()), ..spec };
    steps::edit_export(&story.app.parts(), ACCOUNT, request, None, &moved).await.unwrap();
}

/// What was begun and what is owed goes into the other bucket, whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_export_takes_what_it_owes_along() {
    let story = Story::new().await;
    let request = story.live().await;
    story.app.connect(ACCOUNT, "other", "other-bucket", "{}").await;
    story.breaks(Some(FailureClass::RetentionPolicy));
    story.hours(4).await;
    let runs = story.app.store.runs(ACCOUNT, request).await.unwrap();
    let statuses: Vec<_> = runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses[0], RunStatus::Running, "it had begun when the bucket failed");
    assert!(statuses[1..].iter().all(|status| *status == RunStatus::Owed) && statuses.len() > 2);
    only_the_other_works(&story);
    moved(&story, request, "other").await;
    story.app.drain().await.unwrap();
    story.hours(2).await;
    for run in story.app.store.runs(ACCOUNT, request).await.unwrap() {
        assert_eq!((run.status, run.spec.bucket.0.as_str()), (RunStatus::Done, "other"), "{run:?}");
    }
    story.assert_all_delivered_once(&["other-bucket"]);
    assert!(story.app.buckets.objects(BUCKET).is_empty());
    assert!(!story.incidents().await[0].is_open(), "nobody uses the bucket any more");
    assert_eq!(story.subjects(OPS).len(), 1);
}

/// The only way out of a locked policy also after three days: start again, then move what goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_begun_before_the_stop_follows_its_successor() {
    let story = Story::new().await;
    let request = story.live().await;
    story.app.connect(ACCOUNT, "other", "other-bucket", "{}").await;
    story.hours(2).await;
    story.breaks(Some(FailureClass::RetentionPolicy));
    story.hours(80).await;
    assert!(!story.export(request).await.is_active());
    only_the_other_works(&story);
    let started = steps::start_again(&story.app.parts(), ACCOUNT, request, None).await.unwrap();
    let [begun] = started.resumed[..] else { panic!("{started:?}") };
    story.app.drain().await.unwrap();
    moved(&story, started.export.request, "other").await;
    story.app.drain().await.unwrap();
    story.hours(3).await;
    let run = story.app.run(begun).await;
    assert_eq!((run.status, run.spec.bucket.0.as_str()), (RunStatus::Done, "other"));
    assert_eq!(story.export(request).await.resumed_runs, []);
    story.assert_all_delivered_once(&[BUCKET, "other-bucket"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_its_customer_stops_ends_the_story() {
    let story = Story::new().await;
    let request = story.live().await;
    story.breaks(Some(FailureClass::BucketMissing));
    story.hours(3).await;
    let reason = spillway::domain::StopReason::User;
    steps::stop_export(&story.app.parts(), ACCOUNT, request, &reason).await.unwrap();
    story.hours(100).await;
    assert_eq!(story.subjects(OPS).len(), 1);
    assert!(!story.incidents().await[0].is_open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_get_on_is_found() {
    let story = Story::new().await;
    let request = story.live().await;
    story.hours(2).await;
    assert_eq!(story.check().await.findings, []);
    // The scheduler does not tick any more.
    story.app.advance_secs(2 * 3_600);
    let findings = story.check().await.findings;
    let kinds: Vec<_> = findings.iter().map(|finding| finding.kind()).collect();
    assert_eq!(kinds, ["no_run", "no_success"], "{findings:?}");
    assert!(findings[0].to_string().contains(&request.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_file_in_a_wrong_hour_is_found_within_a_day() {
    let story = Story::new().await;
    story.hours(1).await;
    let file = story.app.file(10);
    let early = spillway_tests::harness::FileSpec {
        committed: file.committed - jiff::SignedDuration::from_hours(9),
        ..file
    };
    let place = spillway_tests::harness::Place {
        event: "Charged",
        date: jiff::civil::date(2026, 3, 10),
        database: 0,
    };
    let path = story.app.lake.event_path(&early, place);
    story.app.lake.write_raw(&path, file.committed, b"whatever");
    let mut found = 0;
    for _ in 0..24 {
        let findings = story.check().await.findings;
        found += findings.iter().filter(|finding| finding.kind() == "misfiled").count();
        story.app.advance_secs(3_600);
    }
    assert_eq!(found, 1);
}
