//! How many messages of a run are out, and who may block a bucket.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    domain::{BucketState, DataSelection, ExportSpec, FailureClass, Format, RunStatus},
    ports::Work,
    steps::{self, Handled, StepError},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, EventRow, Strike, TestApp, assert_rows};

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
    for most in [1, 3, 4] {
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

/// Nobody publishes again on purpose: whoever completes another message, or meets the run, finds what has been out for
/// too long.
#[tokio::test]
async fn a_lost_message_comes_back_by_time_alone() {
    for by_a_completion in [true, false] {
        let mut app = TestApp::new().await;
        app.options.outstanding_messages = 3;
        app.options.plan.message_chunks = 1;
        let events = ["first", "second", "third"];
        let all: Vec<_> = events.iter().flat_map(|event| rows(event, 5, event)).collect();
        all.chunks(5).for_each(|rows| drop(app.lake.write_events(&app.file(9), rows)));
        let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
        steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
        assert_eq!(out(&app), 3);
        let (lost, second, third) =
            (app.queue.pop().unwrap(), app.queue.pop().unwrap(), app.queue.pop().unwrap());
        let lost_after = app.options.lost_after.as_secs().cast_signed();
        app.advance_secs(lost_after);
        steps::handle(&app.parts(), &second).await.unwrap();
        assert_eq!(app.queue.all(), [], "it may still be on its way");
        if by_a_completion {
            app.advance_secs(1);
            steps::handle(&app.parts(), &third).await.unwrap();
        } else {
            steps::handle(&app.parts(), &third).await.unwrap();
            assert_eq!(app.queue.all(), [], "not yet lost");
            app.advance_secs(1);
            steps::handle(&app.parts(), &Work::Run { run: run.key }).await.unwrap();
        }
        assert_eq!(app.queue.all(), [lost]);
        app.drain().await.unwrap();
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done);
        assert_rows(&delivered, &all);
    }
}

/// The same of a run whose only message was lost: the tick finds it.
#[tokio::test]
async fn a_lost_wake_up_is_sent_again_by_the_tick() {
    let app = TestApp::new().await;
    let all = rows("a", 10, "Viewed");
    app.lake.write_events(&app.file(50), &all);
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    assert_eq!(app.queue.lose_all(), 1);
    app.advance_secs(app.options.lost_after.as_secs().cast_signed() - 1);
    assert_eq!(steps::tick(&app.parts()).await.unwrap().woken, [], "it may still be on its way");
    app.advance_secs(1);
    assert_eq!(steps::tick(&app.parts()).await.unwrap().woken, [run.key]);
    assert_eq!(app.queue.all(), [Work::Run { run: run.key }]);
    app.drain().await.unwrap();
    assert_rows(&app.delivered(run.key).await, &all);
}

/// Nor does a run that is under way wait for the checker's hour: whoever published its messages died, or they were lost.
#[tokio::test]
async fn a_run_whose_messages_were_all_lost_is_sent_on_by_the_tick() {
    let app = TestApp::new().await;
    let all = rows("a", 10, "Viewed");
    app.lake.write_events(&app.file(50), &all);
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    assert_eq!((app.run(run.key).await.status, app.queue.lose_all()), (RunStatus::Running, 1));
    app.advance_secs(app.options.lost_after.as_secs().cast_signed() - 1);
    assert_eq!(steps::tick(&app.parts()).await.unwrap().woken, [], "they may still be on their way");
    app.advance_secs(2);
    assert_eq!(steps::tick(&app.parts()).await.unwrap().woken, [run.key]);
    app.drain().await.unwrap();
    assert_rows(&app.delivered(run.key).await, &all);
}

/// What is claimed counts as out, so that all of it is tried, also where the queue refuses some.
#[tokio::test]
async fn a_message_that_the_queue_refuses_keeps_no_other_back() {
    let mut refused = 0;
    for nth in 0.. {
        let mut app = TestApp::new().await;
        app.options.outstanding_messages = 12;
        let all = twelve_events(&mut app).await;
        app.options.plan.message_chunks = 1;
        let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
        let (worker, wake_up) = (app.worker(), app.queue.pop().unwrap());
        worker.gate.arm(nth, Strike::Fail);
        let handled = steps::handle(&worker.parts, &wake_up).await;
        if worker.gate.disarm() {
            app.abandon();
            break;
        }
        if let Err(StepError::Queue(_)) = handled {
            // Six are claimed at a time; the answer that got lost may be that of one that was taken.
            assert!([5, 6, 11, 12].contains(&out(&app)), "struck at {nth}, {} are out", out(&app));
            refused += 1;
        }
        app.recover(run.key).await;
        assert_rows(&app.delivered(run.key).await, &all);
    }
    assert!(refused >= 24, "{refused}");
}

#[tokio::test]
async fn a_huge_export_lets_a_small_one_pass() {
    let mut app = TestApp::new().await;
    app.options.outstanding_messages = 4;
    twelve_events(&mut app).await;
    app.options.plan.message_chunks = 1;
    let huge = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    assert_eq!(out(&app), 4, "the others wait in the store");
    let names = vec!["event 3".to_owned()];
    let spec = ExportSpec { data: DataSelection::SelectEvents { names }, ..app.spec(Format::Csv, DAY, DAY) };
    let small = app.export(spec).await.1;
    let mut worked = 0;
    while !app.run(small.key).await.status.is_closed() {
        steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
        worked += 1;
    }
    assert!(worked <= 2 * 4 + 8, "{worked} messages were worked before the small export was done");
    assert_eq!(app.run(huge.key).await.status, RunStatus::Running);
    app.drain().await.unwrap();
    assert_eq!(app.run(huge.key).await.status, RunStatus::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_with_an_old_key_does_not_block_the_mended_bucket() {
    let mut app = TestApp::new().await;
    app.options.plan.target_bytes = 1_000_000;
    // The second one begins with the old key after the other one was given.
    app.options.chunks_at_once = 1;
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
