//! The chunks of a message side by side: what is small is sent together, encoded is one at a time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::civil::{Date, date};
use spillway::{
    domain::{Chunk, ChunkState, Format, Packaging, Run, RunKey, RunStatus},
    ports::Work,
    steps::{self, Handled, Observer, Options, Parts},
};
use spillway_tests::harness::{EventRow, TestApp, assert_rows};
use tokio::task::JoinHandle;

use super::{bulky, rows};

const DAY: Date = date(2026, 3, 9);

/// Counts the rows that were encoded.
#[derive(Default)]
struct Encoded(AtomicU64);

impl Observer for Encoded {
    fn encoded(&self, _run: RunKey, rows: u64, _bytes: u64) {
        self.0.fetch_add(rows, Ordering::Relaxed);
    }
}

async fn chunks(app: &TestApp, run: &Run) -> Vec<Chunk> {
    let plan = app.run(run.key).await.plan.unwrap();
    app.store.chunks(run.key, &plan.token, None, 100).await.unwrap().chunks
}

/// Waits until as many chunks are as `is` says.
async fn until(app: &TestApp, run: &Run, count: usize, is: fn(&Chunk) -> bool) {
    let come = async {
        while chunks(app, run).await.iter().filter(|chunk| is(chunk)).count() != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), come).await.expect("within a minute");
}

/// A planned export, of which one message is under way; its uploads stand still after `pieces`. The task gives back the
/// message and what became of it.
async fn under_way(app: &TestApp, pieces: usize, parts: Parts) -> (Run, JoinHandle<(Handled, Work)>) {
    let mut spec = app.spec(Format::Json, DAY, DAY);
    spec.packaging = Packaging::Plain;
    let run = app.export(spec).await.1;
    steps::handle(&parts, &app.queue.pop().unwrap()).await.unwrap();
    app.buckets.hold_after(Some(pieces));
    let work = app.queue.pop().unwrap();
    (run, tokio::spawn(async move { (steps::handle(&parts, &work).await.unwrap(), work) }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_objects_of_a_message_are_sent_side_by_side() {
    let mut app = TestApp::new().await;
    app.options = Options { chunks_at_once: 4, ..Options::default() };
    let mut all = Vec::new();
    for event in ["A", "B", "C", "D", "E", "F"] {
        let of_event = rows(event, 20, event);
        app.lake.write_events(&app.file(20), &of_event);
        all.extend(of_event);
    }
    let (run, task) = under_way(&app, 1, app.parts()).await;
    // Each has its only piece on the way, so that its intent is stored; two wait for their place.
    until(&app, &run, 4, |chunk| !chunk.intents().is_empty()).await;
    let unbegun = chunks(&app, &run).await.into_iter().filter(|chunk| *chunk.state() == ChunkState::Ready);
    assert_eq!(unbegun.count(), 2);
    app.buckets.hold_after(None);
    assert_eq!(task.await.unwrap().0, Handled::Done);
    assert_eq!(app.run(run.key).await.status, RunStatus::Done);
    assert_rows(&app.delivered(run.key).await, &all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_object_is_sent_before_the_next_one_is_encoded() {
    let mut app = TestApp::new().await;
    app.options = Options { chunks_at_once: 4, ..Options::default() };
    let all = two_bulky(&app);
    let encoded = Arc::new(Encoded::default());
    let observer: Arc<dyn Observer> = Arc::<Encoded>::clone(&encoded);
    let (run, task) = under_way(&app, 2, Parts { observer, ..app.parts() }).await;
    until(&app, &run, 2, |chunk| matches!(chunk.state(), ChunkState::Leased(_))).await;
    app.buckets.until_held().await;
    let encoded = || encoded.0.load(Ordering::Relaxed);
    while encoded() < 1_500 {
        tokio::task::yield_now().await;
    }
    // All of the first one waits for its upload. The second would have begun long ago, were it not for the turn.
    for _ in 0..200 {
        chunks(&app, &run).await;
    }
    assert_eq!(encoded(), 1_500, "both were encoded at once");
    app.buckets.hold_after(None);
    assert_eq!(task.await.unwrap().0, Handled::Done);
    assert_rows(&app.delivered(run.key).await, &all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_too_long_for_its_turn_comes_again_and_loses_no_attempt() {
    let mut app = TestApp::new().await;
    // It waits for an eighth of that.
    app.options = Options { chunks_at_once: 4, step_timeout: Duration::from_secs(16), ..Options::default() };
    let all = two_bulky(&app);
    let (run, task) = under_way(&app, 2, app.parts()).await;
    until(&app, &run, 2, |chunk| matches!(chunk.state(), ChunkState::Leased(_))).await;
    app.buckets.until_held().await;
    until(&app, &run, 1, |chunk| *chunk.state() == ChunkState::Ready && chunk.attempts() == 0).await;
    app.buckets.hold_after(None);
    let (handled, work) = task.await.unwrap();
    assert_eq!(handled, Handled::Again(Duration::ZERO));
    assert_eq!(steps::handle(&app.parts(), &work).await.unwrap(), Handled::Done);
    assert_eq!(app.run(run.key).await.status, RunStatus::Done);
    assert_rows(&app.delivered(run.key).await, &all);
}

/// Writes two files whose objects come in several pieces.
fn two_bulky(app: &TestApp) -> Vec<EventRow> {
    let (first, mut second) = (bulky("one", 1_500), bulky("two", 1_500));
    second.iter_mut().for_each(|row| row.event = "Bulky too".to_owned());
    app.lake.write_events(&app.file(500), &first);
    app.lake.write_events(&app.file(500), &second);
    [first, second].concat()
}
