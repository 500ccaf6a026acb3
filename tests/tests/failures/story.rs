//! The story of a bucket, from its first failure to its end.

use spillway::{
    domain::{BucketState, ExportStatus, FailureClass, IncidentPhase, NoticeKind, RunStatus, StopReason},
    steps::{self, StartAgainError},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, Probe};

use crate::support::{AMY, OPS, Story};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_days_of_failure_stop_the_export_and_starting_again_leaves_no_gap() {
    let story = Story::new().await;
    let request = story.live().await;
    story.hours(3).await;
    story.breaks(Some(FailureClass::BucketMissing));
    story.hours(80).await;
    for to in [OPS, AMY] {
        let subjects = story.subjects(to);
        assert_eq!(subjects.len(), 3, "{subjects:#?}");
        assert!(subjects[0].starts_with("Exports to partner-bucket fail"), "{subjects:#?}");
        assert!(
            subjects[1].starts_with("Exports to partner-bucket still fail, and stop on 13 March 2026"),
            "{subjects:#?}"
        );
        assert!(subjects[2].starts_with("Exports to partner-bucket were stopped"), "{subjects:#?}");
    }
    let export = story.export(request).await;
    let ExportStatus::Stopped { reason: StopReason::Failure { message }, at } = &export.status else {
        panic!("{:?}", export.status)
    };
    assert!(message.contains("no bucket of exactly this name") || message.contains("404"), "{message}");
    // One window an hour; what was stopped owes them all.
    let runs = story.app.store.runs(ACCOUNT, request).await.unwrap();
    let undelivered = runs.iter().filter(|run| run.status == RunStatus::Stopped).count();
    assert!(undelivered >= 72, "{undelivered}");
    let text = story.last_text().await;
    assert!(text.contains(&format!("{undelivered} deliveries are owed, the oldest since ")), "{text}");
    assert!(text.contains("follows once the exports are started again"), "{text}");
    let incident = story.incidents().await.remove(0);
    assert_eq!(incident.phase, IncidentPhase::Stopped { at: *at });
    let failed_hours = at.duration_since(incident.began_at).as_secs() / 3_600;
    assert!((72..=73).contains(&failed_hours), "{failed_hours}");
    // Nothing more is tried or told while nobody uses the bucket.
    story.hours(30).await;
    assert_eq!(story.subjects(OPS).len(), 3);
    assert!(matches!(story.app.bucket().await.state, BucketState::Blocked { .. }));
    // Mended, and started again by somebody: what it had begun goes out first, then all since, and that is told to nobody.
    story.breaks(None);
    let started =
        steps::start_again(&story.app.parts(), ACCOUNT, request, Some(AMY.to_owned())).await.unwrap();
    assert_eq!((started.resumed.len(), started.export.predecessor), (1, Some(request)));
    let again = steps::start_again(&story.app.parts(), ACCOUNT, request, None).await.unwrap();
    assert_eq!(again.export.request, started.export.request, "once");
    story.app.drain().await.unwrap();
    story.hours(3).await;
    story.assert_all_delivered_once(&[BUCKET]);
    let old = story.export(request).await;
    assert!(matches!(old.status, ExportStatus::Stopped { .. }) && old.resumed_runs.is_empty());
    assert!(matches!(story.export(started.export.request).await.status, ExportStatus::Pending));
    assert_eq!(story.subjects(OPS).len(), 3);
    let refused = steps::start_again(&story.app.parts(), ACCOUNT, started.export.request, None).await;
    assert!(matches!(refused, Err(StartAgainError::GoesOn(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_mended_a_minute_before_the_third_day_goes_on() {
    let story = Story::new().await;
    let request = story.live().await;
    story.hours(2).await;
    story.breaks(Some(FailureClass::CredentialsRejected));
    story.hours(72).await;
    let incident = story.incidents().await.remove(0);
    assert_eq!(incident.phase, IncidentPhase::Failing);
    let left = incident.stop_at.duration_since(story.app.now()).as_secs();
    story.app.advance_secs(left - 60);
    story.breaks(None);
    story.app.advance_secs(60);
    let checked = story.check().await;
    assert_eq!((checked.stopped, checked.swept.healed.len()), (0, 1));
    story.hours(2).await;
    assert!(story.export(request).await.is_active());
    story.assert_all_delivered_once(&[BUCKET]);
    let subjects = story.subjects(OPS);
    assert_eq!(subjects.len(), 3, "{subjects:#?}");
    assert_eq!(subjects[2], "Exports to partner-bucket work again");
    story.hours(30).await;
    assert_eq!(story.subjects(OPS).len(), 3);
    assert!(!story.incidents().await[0].is_open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_comes_and_goes_is_told_of_a_few_times_and_never_stopped() {
    use NoticeKind::{Detected, Recovered};
    // Every second hour it delivers and fails again before the next round; every second pair of hours a round sees it
    // deliver, which is told, and so is the first relapse.
    for (hours, while_it_lasts) in [(1, vec![Detected]), (2, vec![Detected, Recovered, Detected])] {
        let story = Story::new().await;
        let request = story.live().await;
        for hour in 0..100 {
            story.breaks((hour / hours % 2 == 0).then_some(FailureClass::BillingDisabled));
            story.hours(1).await;
        }
        let kinds = |incident: &spillway::domain::Incident| {
            incident.notices.iter().map(|notice| notice.kind).collect::<Vec<_>>()
        };
        let incidents = story.incidents().await;
        assert_eq!((incidents.len(), kinds(&incidents[0])), (1, while_it_lasts.clone()));
        assert!(incidents[0].relapses > 20, "{incidents:?}");
        story.breaks(None);
        story.hours(30).await;
        let incidents = story.incidents().await;
        let told = while_it_lasts.len() + 1;
        assert_eq!((incidents.len(), kinds(&incidents[0]).len(), incidents[0].is_open()), (1, told, false));
        assert_eq!(kinds(&incidents[0]).last(), Some(&Recovered));
        assert_eq!(story.subjects(OPS).len(), told);
        assert!(hours == 1 || story.mails_to(OPS)[2].message.contains("whole day"));
        assert!(story.export(request).await.is_active());
        story.assert_all_delivered_once(&[BUCKET]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_jumps_stop_nothing_and_double_nothing() {
    for jump_hours in [100, -100] {
        let story = Story::new().await;
        let request = story.live().await;
        story.hours(2).await;
        story.breaks(Some(FailureClass::BucketMissing));
        story.hours(5).await;
        assert_eq!(story.subjects(OPS).len(), 1);
        story.app.advance_secs(jump_hours * 3_600);
        story.hours(10).await;
        assert_eq!(story.subjects(OPS).len(), 1, "{jump_hours}: neither reminded nor stopped");
        assert!(story.export(request).await.is_active());
        story.app.advance_secs(-jump_hours * 3_600);
        story.hours(15).await;
        assert_eq!(story.subjects(OPS).len(), 2, "{jump_hours}: a day has counted");
        story.breaks(None);
        story.hours(3).await;
        assert_eq!(story.subjects(OPS).len(), 3, "{jump_hours}");
        story.app.abandon();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn google_being_away_does_not_count() {
    let story = Story::new().await;
    let request = story.live().await;
    story.hours(1).await;
    story.breaks(Some(FailureClass::BucketMissing));
    story.hours(2).await;
    story.breaks(None);
    let away = spillway::domain::BucketFailure {
        class: FailureClass::Unavailable,
        http_status: Some(503),
        message: "away".to_owned(),
    };
    story.app.buckets.answer_probes(Probe { upload: Err(away), ..Probe::default() });
    story.hours(90).await;
    assert!(story.export(request).await.is_active());
    assert_eq!(story.subjects(OPS).len(), 1, "nothing but the detection");
    story.app.buckets.answer_probes(Probe::default());
    story.hours(2).await;
    story.assert_all_delivered_once(&[BUCKET]);
    assert_eq!(story.subjects(OPS).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_checkers_at_once_tell_once() {
    let story = Story::new().await;
    story.live().await;
    story.hours(1).await;
    story.breaks(Some(FailureClass::BucketMissing));
    for _ in 0..30 {
        story.tick().await;
        let parts = story.app.parts();
        let (one, two) = futures::future::join(
            steps::check(&parts, &story.notifier, |_| true),
            steps::check(&parts, &story.notifier, |_| true),
        )
        .await;
        let told = one.unwrap().told.len() + two.unwrap().told.len();
        assert!(told <= 1);
        story.app.drain().await.unwrap();
    }
    assert_eq!(story.subjects(OPS).len(), 2, "{:?}", story.subjects(OPS));
    assert_eq!(story.subjects(AMY).len(), 2);
}
