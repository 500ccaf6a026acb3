//! Rows out = rows in, once each, whatever goes wrong on the way: random lakes, formats, sizes and limits, workers
//! killed at every await, run twice, two at once, messages doubled, shuffled and lost, two planners, two versions.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use jiff::civil::date;
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    domain::{ChunkState, Format, Run, RunStatus},
    steps::{self, Options},
};
use spillway_tests::harness::{ChaosCase, EventRow, Gate, Strike, TestApp, Worker, assert_rows, soak};

#[tokio::test]
async fn without_any_fault_the_rows_arrive() {
    for seed in 0..12 * soak() {
        let mut app = TestApp::new().await;
        let case = ChaosCase::new(seed, app.options);
        let run = case.begin(&mut app).await;
        app.drain().await.unwrap();
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done, "seed {seed}: {case:?}");
        assert_rows(&delivered, &case.rows());
    }
}

#[tokio::test]
async fn after_a_storm_all_is_as_if_nothing_had_been() {
    for seed in 1_000..1_000 + 60 * soak() {
        let mut app = TestApp::new().await;
        let case = ChaosCase::new(seed, app.options);
        let run = case.begin(&mut app).await;
        let mut storm = case.storm();
        storm.rage(&app, run.key, 40).await;
        let ended = app.recover(run.key).await;
        let log = || storm.log.join("\n");
        if ended.status != RunStatus::Done {
            let reasons = reasons(&app, &ended).await;
            panic!("seed {seed}: {:?} {reasons:?}\n{case:?}\n{}", ended.status, log());
        }
        println!("seed {seed}");
        let delivered = app.delivered(run.key).await;
        assert_rows(&delivered, &case.rows());
    }
}

async fn reasons(app: &TestApp, run: &Run) -> Vec<String> {
    let Some(plan) = &run.plan else { return Vec::new() };
    let chunks = app.store.chunks(run.key, &plan.token, None, 10_000).await.unwrap().chunks;
    let failed = chunks.iter().filter_map(|chunk| match chunk.state() {
        ChunkState::Failed { reason } => Some(format!("{}: {reason}", chunk.object_name())),
        _ => None,
    });
    failed.collect()
}

/// One small lake whose export splits: two files of one event, another of a second.
async fn small(format: Format) -> (TestApp, Run, Vec<EventRow>) {
    let mut app = TestApp::new().await;
    app.options.file_limit_bytes = if format == Format::Parquet { 60_000 } else { 2_600 };
    app.options.plan.target_bytes = 1_000_000;
    let mut rng = StdRng::seed_from_u64(7);
    let mut all = Vec::new();
    let count = if format == Format::Parquet { 60 } else { 30 };
    for (file, event) in ["Viewed", "Viewed", "Charged"].into_iter().enumerate() {
        let row = |row| EventRow::random(&mut rng, format!("{file}-{row}"), event, date(2026, 3, 9), 0);
        let rows: Vec<_> = (0..count).map(row).collect();
        app.lake.write_events(&app.file(20), &rows);
        all.extend(rows);
    }
    let spec = app.spec(format, date(2026, 3, 9), date(2026, 3, 9));
    let run = app.export(spec).await.1;
    (app, run, all)
}

/// Delivers all messages with one worker until the queue is empty or the worker is killed.
async fn deliver_all(app: &TestApp, worker: &Worker) {
    while let Some(work) = app.queue.pop() {
        if worker.gate.run(steps::handle(&worker.parts, &work)).await.is_killed() {
            return;
        }
    }
}

/// What a sweep over all awaits saw.
#[derive(Debug, Default)]
struct Swept {
    done: usize,
    incomplete: usize,
}

/// Strikes a worker at every await of a whole export in turn, and lets workers with other options finish it.
async fn sweep(
    format: Format,
    strike: Strike,
    step: usize,
    later: impl Fn(Options) -> Options,
    may_look: bool,
) -> Swept {
    let mut swept = Swept::default();
    for nth in (0..).step_by(step) {
        let (mut app, run, rows) = small(format).await;
        app.buckets.forbid_looking(!may_look);
        app.buckets.refuse_early(nth % 2 == 0);
        let worker = app.worker();
        worker.gate.arm(nth, strike);
        deliver_all(&app, &worker).await;
        if worker.gate.disarm() {
            // The export came to its end before the point was reached.
            app.abandon();
            break;
        }
        app.options = later(app.options);
        let ended = app.recover(run.key).await;
        match ended.status {
            RunStatus::Done => {
                swept.done += 1;
                let limit = app.options.file_limit_bytes;
                app.options.file_limit_bytes = limit.max(worker.parts.options.file_limit_bytes);
                assert_rows(&app.delivered(run.key).await, &rows);
            }
            RunStatus::Incomplete => {
                swept.incomplete += 1;
                let reasons = reasons(&app, &ended).await;
                assert!(
                    reasons.iter().all(|reason| reason.contains("we did not write")),
                    "{nth}: {reasons:?}"
                );
            }
            other => panic!("{nth}: {other:?}"),
        }
    }
    assert!(swept.done > 20, "{swept:?}");
    swept
}

#[tokio::test]
async fn killed_at_any_await_json() {
    let swept = sweep(Format::Json, Strike::Kill, 1, |options| options, true).await;
    assert_eq!(swept.incomplete, 0);
}

#[tokio::test]
async fn killed_at_any_await_csv() {
    assert_eq!(sweep(Format::Csv, Strike::Kill, 3, |options| options, true).await.incomplete, 0);
}

#[tokio::test]
async fn killed_at_any_await_parquet() {
    assert_eq!(sweep(Format::Parquet, Strike::Kill, 3, |options| options, true).await.incomplete, 0);
}

#[tokio::test]
async fn failing_at_any_await() {
    assert_eq!(sweep(Format::Xml, Strike::Fail, 1, |options| options, true).await.incomplete, 0);
}

#[tokio::test]
async fn killed_at_any_await_without_permission_to_look() {
    assert_eq!(sweep(Format::Json, Strike::Kill, 2, |options| options, false).await.incomplete, 0);
}

/// Another version of us: it ends files elsewhere, so its bytes and its cursors differ.
fn another_version(options: Options) -> Options {
    Options { file_limit_bytes: options.file_limit_bytes + 700, ..options }
}

#[tokio::test]
async fn finished_by_a_later_version_that_encodes_other_bytes() {
    assert_eq!(sweep(Format::Json, Strike::Kill, 1, another_version, true).await.incomplete, 0);
}

#[tokio::test]
async fn another_version_that_may_not_look_never_guesses() {
    let swept = sweep(Format::Json, Strike::Kill, 1, another_version, false).await;
    assert!(swept.incomplete > 0, "an object of the first version that nobody may look at: {swept:?}");
}

/// Polls a future so many times, then drops it where it stands.
struct Polled<F> {
    left: usize,
    inner: F,
}

impl<F: Future + Unpin> Future for Polled<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        match Pin::new(&mut self.inner).poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if self.left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_after_any_number_of_polls() {
    for polls in (1..).step_by(3) {
        let (app, run, rows) = small(Format::Json).await;
        let (worker, mut left) = (app.worker(), polls);
        while let (Some(work), true) = (app.queue.pop(), left > 0) {
            let step = pin!(steps::handle(&worker.parts, &work));
            let mut polled = Polled { left, inner: step };
            let ended = (&mut polled).await;
            left = polled.left;
            if ended.is_none() {
                break;
            }
        }
        app.recover(run.key).await;
        assert_rows(&app.delivered(run.key).await, &rows);
        if left > 0 {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_take_every_message_at_once() {
    for format in Format::ALL {
        let (app, run, rows) = small(format).await;
        while let Some(work) = app.queue.pop() {
            let (one, two) = (app.worker(), app.worker());
            let (a, b) = tokio::join!(steps::handle(&one.parts, &work), steps::handle(&two.parts, &work));
            for ended in [a, b] {
                // Busy: the other one has it.
                ended.unwrap();
            }
        }
        app.recover(run.key).await;
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done);
        assert_rows(&delivered, &rows);
    }
}

#[tokio::test]
async fn what_is_lost_is_published_again() {
    let (app, run, rows) = small(Format::Json).await;
    let parts = app.parts();
    while let Some(work) = app.queue.pop() {
        steps::handle(&parts, &work).await.unwrap();
        // Whatever the step sent on is lost.
        app.queue.lose_all();
        let current = app.run(run.key).await;
        app.advance_secs(1);
        steps::republish(&parts, &current, app.now()).await.unwrap();
    }
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Done);
    assert_rows(&delivered, &rows);
}

#[tokio::test]
async fn a_gate_counts_both_sides_of_a_call() {
    let gate = Gate::default();
    gate.arm(1, Strike::Fail);
    assert!(gate.pass().await.is_ok() && gate.pass().await.is_err() && gate.pass().await.is_ok());
    gate.arm(0, Strike::Kill);
    assert!(gate.run(gate.pass()).await.is_killed());
}
