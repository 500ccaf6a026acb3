//! How many messages of a run are out, and who may block a bucket.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    domain::{BucketState, FailureClass, Format, RunStatus},
    ports::Work,
    steps::{self, Handled},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, EventRow, TestApp, assert_rows};

const DAY: Date = date(2026, 3, 9);

fn rows(file: &str, count: usize, event: &str) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(5);
    (0..count).map(|row| EventRow::random(&mut rng, format!("{file}-{row}"), event, DAY, 0)).collect()
}

/// An app whose export has twelve chunks, each of which splits.
async fn twelve_events(app: &mut TestApp) -> Vec<EventRow> {
    app.options.file_limit_bytes = 2_600;
    app.options.plan.message_chunks = 2;
    let mut all = Vec::new();
    for event in 0..12 {
        let event = format!("event {event}");
        let rows = rows(&event, 40, &event);
        app.lake.write_events(&app.file(10), &rows);
        all.extend(rows);
    }
    all
}

/// The messages of chunks that were sent and are not answered.
fn out(app: &TestApp) -> usize {
    app.queue.all().iter().filter(|work| matches!(work, Work::Chunks { .. })).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_messages_are_out_than_may_be() {
    for most in [1, 3] {
        let mut app = TestApp::new().await;
        app.options.outstanding_messages = most;
        let all = twelve_events(&mut app).await;
        let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
        let mut seen = 0;
        loop {
            // Wake-ups come twice and at any time, beside whatever is worked just then.
            let wake = Work::Run { run: run.key };
            let next = app.queue.pop().unwrap_or(wake.clone());
            let (one, two, three) = (app.parts(), app.parts(), app.parts());
            let other = if out(&app) > 0 { app.queue.pop().unwrap() } else { wake.clone() };
            let handled = tokio::join!(
                steps::handle(&one, &next),
                steps::handle(&two, &other),
                steps::handle(&three, &wake)
            );
            handled.0.unwrap();
            handled.1.unwrap();
            handled.2.unwrap();
            seen = seen.max(out(&app));
            assert!(out(&app) <= most, "{} messages are out", out(&app));
            if app.run(run.key).await.status.is_closed() {
                break;
            }
        }
        assert_eq!(seen, most, "as many as may be are out at some time");
        app.queue.lose_all();
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done);
        assert!(delivered.objects.len() > 12, "they split");
        assert_rows(&delivered, &all);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_with_an_old_key_does_not_block_the_mended_bucket() {
    let mut app = TestApp::new().await;
    app.options.plan.target_bytes = 1_000_000;
    let all = [rows("a", 10, "Viewed"), rows("b", 10, "Charged")].concat();
    app.lake.write_events(&app.file(50), &all[..10]);
    app.lake.write_events(&app.file(50), &all[10..]);
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    let work = app.queue.pop().unwrap();
    let Work::Chunks { chunks, .. } = &work else { panic!("{work:?}") };
    assert_eq!(chunks.len(), 2);
    app.buckets.hold_after(Some(1));
    let (parts, message) = (app.parts(), work.clone());
    let task = tokio::spawn(async move { steps::handle(&parts, &message).await.unwrap() });
    app.buckets.until_held().await;
    // The customer gives another key; the old one, which the worker has, is revoked.
    app.connect(ACCOUNT, BUCKET, BUCKET, "{}").await;
    app.buckets.fail_with(Some(FailureClass::CredentialsRejected));
    app.buckets.hold_after(None);
    assert_eq!(task.await.unwrap(), Handled::Again(std::time::Duration::ZERO));
    assert_eq!(app.bucket().await.state, BucketState::Ready);
    app.buckets.fail_with(None);
    app.queue.put(work);
    app.drain().await.unwrap();
    assert_rows(&app.delivered(run.key).await, &all);
}
