//! Buckets with hundreds and thousands of exports.

use std::collections::BTreeSet;

use spillway::{
    domain::{
        BucketFailure, BucketState, Export, ExportFilter, FailureClass, RunStatus, StatusKind, Window,
        ZoneName,
    },
    ports::NewRun,
    steps,
};
use spillway_tests::harness::{ACCOUNT, BUCKET};

use crate::support::{AMY, OPS, Story};

/// The bucket fails, and that has been met.
async fn blocked(story: &Story) {
    let bucket = story.app.bucket().await;
    let failure = BucketFailure {
        class: FailureClass::BucketMissing,
        http_status: Some(404),
        message: "The specified bucket does not exist.".to_owned(),
    };
    story.breaks(Some(FailureClass::BucketMissing));
    story.app.store.block_bucket(&bucket, &failure, story.app.now()).await.unwrap();
}

async fn exports(story: &Story) -> Vec<Export> {
    story.app.store.list_exports(ACCOUNT, &ExportFilter::default(), None, 10_000).await.unwrap().exports
}

/// Each export owes a window more, up to now.
async fn owe(story: &Story, count: usize) {
    let exports = exports(story).await;
    assert_eq!(exports.len(), count);
    for export in exports {
        let (expected_cut, now) = (export.planned_cut, story.app.now());
        let after = expected_cut.unwrap_or(export.created_at - jiff::SignedDuration::from_hours(3));
        let window = Window::Committed { after, upto: now };
        let (account, request, zone) = (ACCOUNT, export.request, ZoneName::default());
        let new = NewRun { account, request, window, zone, expected_cut, next_due_at: None, now };
        story.app.store.create_run(&new).await.unwrap();
    }
}

/// What hundreds of exports owe goes out bit by bit once the bucket works, all of it and each file once; nobody waits for
/// a person who looks, and each person who created one is written to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_exports_go_on_bit_by_bit_and_none_is_forgotten() {
    const EXPORTS: usize = 450;
    let story = Story::new().await;
    let request = story.live().await;
    let spec = story.export(request).await.spec;
    // One that is due is the tick's to go on with; here all are alike.
    for n in 1..EXPORTS {
        story.app.advance_secs(1);
        story.another(&spec, &format!("person{}@customer.example", n % 150)).await;
    }
    blocked(&story).await;
    for _ in 0..2 {
        // A file counts as of a minute before, which is in the next window.
        story.app.advance_secs(120);
        story.commit();
        story.app.advance_secs(3_600);
        owe(&story, EXPORTS).await;
    }
    story.check().await;
    let written: BTreeSet<_> = story.smtp.taken().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(written.len(), 152, "its own address, hers and those of all others");
    story.breaks(None);
    let parts = story.app.parts();
    let woken = |before: usize| story.app.queue.all().len() - before;
    let checked = steps::check(&parts, &story.notifier, |_| true).await.unwrap();
    assert_eq!((checked.swept.healed.len(), woken(0)), (1, 200));
    // Whoever looks again finds a bucket that works, at once.
    steps::recheck_bucket(&parts, ACCOUNT, &story.app.bucket().await.id).await.unwrap().unwrap();
    assert_eq!(story.app.bucket().await.state, BucketState::Ready);
    let mut ticks = 0;
    loop {
        story.app.drain().await.unwrap();
        let left = story.app.store.open_run_keys().await.unwrap().len();
        if left == 0 {
            break;
        }
        assert!(ticks < 4, "{left} are left");
        story.app.advance_secs(900);
        let ticked = steps::tick(&parts).await.unwrap();
        assert!(ticked.woken.len() <= 200 && ticked.failed.is_empty(), "{ticked:?}");
        ticks += 1;
    }
    assert!(ticks > 0, "not all at once");
    let (mut files, mut runs) = (0, 0);
    for export in exports(&story).await {
        for run in story.app.store.runs(ACCOUNT, export.request).await.unwrap() {
            assert!(matches!(run.status, RunStatus::Done | RunStatus::Empty), "{run:?}");
            runs += usize::from(run.totals.files > 0);
            files += run.totals.files as usize;
        }
    }
    assert!(runs >= 2 * (EXPORTS - 1), "{runs}");
    // Each with its manifest, and nothing besides.
    let objects = story.app.buckets.objects(BUCKET);
    let manifests = objects.keys().filter(|name| name.ends_with(".manifest")).count();
    assert_eq!(objects.len() - manifests, files);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_exports_on_one_bucket_are_one_mail_and_all_stop() {
    let story = Story::new().await;
    let request = story.live().await;
    let spec = story.export(request).await.spec;
    for _ in 1..5_000 {
        // Each in a second of its own, so that its number is free.
        story.app.advance_secs(1);
        story.another(&spec, AMY).await;
    }
    blocked(&story).await;
    for _ in 0..2 {
        story.app.advance_secs(3_600);
        owe(&story, 5_000).await;
    }
    for _ in 0..26 {
        story.check().await;
        story.app.advance_secs(3 * 3_600);
    }
    for to in [OPS, AMY] {
        let mails = story.mails_to(to);
        assert_eq!(mails.len(), 3, "{:?}", story.subjects(to));
        assert!(mails.iter().all(|mail| mail.message.len() < 2_000_000));
    }
    let filter = ExportFilter { status: Some(StatusKind::Stopped), ..ExportFilter::default() };
    let stopped = story.app.store.list_exports(ACCOUNT, &filter, None, 10_000).await.unwrap().exports;
    assert_eq!(stopped.len(), 5_000);
    let text = story.last_text().await;
    assert_eq!(text.matches("all events").count(), 5_000);
    assert!(text.contains("10000 deliveries are owed"), "{}", &text[..2_000]);
}
