//! What the engine promises of runs: stopping, blocking, owing, finishing, giving up, and the bytes of its files.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "engine/elsewhere.rs"]
mod elsewhere;
#[path = "engine/stopping.rs"]
mod stopping;
#[path = "engine/together.rs"]
mod together;

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use jiff::civil::{Date, date};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use spillway::{
    domain::{
        BucketState, ChunkState, ExportStatus, FailureClass, Format, Frequency, MAX_ATTEMPTS, ManifestStatus,
        Packaging, Run, RunStatus, StopReason, names,
    },
    ports::Work,
    steps::{self, Handled, Options},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, EventRow, Strike, TestApp, assert_rows};

const DAY: Date = date(2026, 3, 9);

fn rows(file: &str, count: usize, event: &str) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(count as u64);
    (0..count).map(|row| EventRow::random(&mut rng, format!("{file}-{row}"), event, DAY, 0)).collect()
}

/// Rows that do not compress, a kibibyte each.
fn bulky(file: &str, count: usize) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(1);
    let mut noise = || (0..1_024).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect::<String>();
    let mut rows = rows(file, count, "Bulky");
    rows.iter_mut().for_each(|row| row.more = json!({ "noise": noise() }));
    rows
}

/// An export of one small file and one whose output comes in several pieces; the small one is delivered, the other
/// one's upload stands still after `pieces`.
async fn stopped_in_mid_chunk(
    pieces: usize,
) -> (TestApp, Run, Vec<EventRow>, tokio::task::JoinHandle<Handled>) {
    let mut app = TestApp::new().await;
    app.options = Options { outstanding_messages: 8, ..Options::default() };
    app.options.plan.message_chunks = 1;
    let small = rows("small", 20, "A first one");
    app.lake.write_events(&app.file(20), &small);
    app.lake.write_events(&app.file(500), &bulky("bulky", 1_500));
    let mut spec = app.spec(Format::Json, DAY, DAY);
    spec.packaging = Packaging::Plain;
    let run = app.export(spec).await.1;
    let parts = app.parts();
    for _ in 0..2 {
        steps::handle(&parts, &app.queue.pop().unwrap()).await.unwrap();
    }
    app.buckets.hold_after(Some(pieces));
    let work = app.queue.pop().unwrap();
    let task = tokio::spawn(async move { steps::handle(&parts, &work).await.unwrap() });
    app.buckets.until_held().await;
    (app, run, small, task)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_noticed_in_mid_chunk() {
    let (app, run, small, task) = stopped_in_mid_chunk(2).await;
    let export = steps::stop_export(&app.parts(), ACCOUNT, run.key.request, &StopReason::User).await.unwrap();
    assert!(matches!(export.status, ExportStatus::Stopped { .. }));
    assert_eq!(app.run(run.key).await.status, RunStatus::Running, "a chunk is still leased");
    let handled = tokio::time::timeout(Duration::from_secs(5), task).await.expect("within five seconds");
    assert_eq!(handled.unwrap(), Handled::Done);
    assert_eq!(app.run(run.key).await.status, RunStatus::Stopped);
    let delivered = app.delivered(run.key).await;
    let manifest = delivered.manifest.as_ref().expect("a manifest");
    assert_eq!(manifest.status, ManifestStatus::Stopped);
    assert_eq!(manifest.files.len(), 1);
    assert_rows(&delivered, &small);
    let plan = app.run(run.key).await.plan.unwrap();
    let tally = app.store.tally(run.key, &plan.token, app.now()).await.unwrap();
    assert_eq!((tally.leased, tally.ready, tally.done), (0, 1, 1));
}

/// Whether some upload's last bytes are on their way.
async fn intended(app: &TestApp, run: &Run) -> bool {
    let plan = app.run(run.key).await.plan.unwrap();
    let chunks = app.store.chunks(run.key, &plan.token, None, 10).await.unwrap().chunks;
    chunks.iter().any(|chunk| chunk.is_unfinished() && !chunk.intents().is_empty())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_an_upload_whose_last_bytes_are_on_their_way() {
    // The bulky file has six or seven pieces; at the end of the last one the intent is stored.
    let (app, run, mut all, task) = stopped_in_mid_chunk(2).await;
    let mut pieces = 2;
    while !intended(&app, &run).await {
        pieces += 1;
        app.buckets.hold_after(Some(pieces));
        app.buckets.until_held().await;
    }
    steps::stop_export(&app.parts(), ACCOUNT, run.key.request, &StopReason::User).await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Running);
    app.buckets.hold_after(None);
    task.await.unwrap();
    let delivered = app.delivered(run.key).await;
    all.extend(bulky("bulky", 1_500));
    assert_rows(&delivered, &all);
    // All was there in the end: nothing has been cut off, and the manifest may say so.
    assert_eq!(delivered.run.status, RunStatus::Done);
    let export = app.store.export(ACCOUNT, run.key.request).await.unwrap().unwrap();
    assert!(matches!(export.status, ExportStatus::Stopped { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_gives_its_chunk_back() {
    let mut app = TestApp::new().await;
    app.options = Options::default();
    app.lake.write_events(&app.file(500), &bulky("bulky", 1_500));
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    let parts = app.parts();
    steps::handle(&parts, &app.queue.pop().unwrap()).await.unwrap();
    app.buckets.hold_after(Some(1));
    let (work, shutdown) = (app.queue.pop().unwrap(), parts.shutdown.clone());
    let message = work.clone();
    let task = tokio::spawn(async move { steps::handle(&parts, &message).await.unwrap() });
    app.buckets.until_held().await;
    shutdown.cancel();
    assert_eq!(task.await.unwrap(), Handled::Again(Duration::ZERO));
    // At once, by another process, without waiting for the lease to end.
    app.buckets.hold_after(None);
    app.queue.put(work);
    app.drain().await.unwrap();
    assert_rows(&app.delivered(run.key).await, &bulky("bulky", 1_500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_outlives_its_lease_changes_nothing() {
    let mut app = TestApp::new().await;
    app.options = Options::default();
    app.lake.write_events(&app.file(500), &bulky("bulky", 1_500));
    let run = app.export(app.spec(Format::Csv, DAY, DAY)).await.1;
    let parts = app.parts();
    steps::handle(&parts, &app.queue.pop().unwrap()).await.unwrap();
    app.buckets.hold_after(Some(1));
    let work = app.queue.pop().unwrap();
    let message = work.clone();
    let slow = tokio::spawn(async move { steps::handle(&parts, &message).await.unwrap() });
    app.buckets.until_held().await;
    // However often: what Pub/Sub counts as attempts is none of the chunk's.
    for _ in 0..150 {
        let Ok(Handled::Again(wait)) = steps::handle(&app.parts(), &work).await else { panic!("not busy") };
        assert!(wait <= app.options.lease && !wait.is_zero());
    }
    app.advance_secs(521);
    let other = app.parts();
    let quick = tokio::spawn(async move { steps::handle(&other, &work).await.unwrap() });
    app.buckets.until_held().await;
    app.buckets.hold_after(None);
    let handled = (slow.await.unwrap(), quick.await.unwrap());
    assert!(matches!(handled, (Handled::Again(_), Handled::Done)), "{handled:?}");
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Done);
    assert_rows(&delivered, &bulky("bulky", 1_500));
}

#[tokio::test]
async fn nothing_in_the_window_is_empty_and_says_so() {
    for format in Format::ALL {
        let app = TestApp::new().await;
        // Of another day, and a file without rows.
        let mut other = rows("other", 3, "Viewed");
        other.iter_mut().for_each(|row| row.date = date(2026, 3, 1));
        app.lake.write_events(&app.file(10), &other);
        let file = app.file(10);
        let place = spillway_tests::harness::Place { event: "Viewed", date: DAY, database: 0 };
        let path = app.lake.event_path(&file, place);
        app.lake.write_events_at(&file, &path, &[]);
        let (export, run) = app.export(app.spec(format, DAY, DAY)).await;
        app.drain().await.unwrap();
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Empty);
        let manifest = delivered.manifest.expect("an empty run has a manifest");
        assert_eq!((manifest.status, manifest.files.len(), manifest.rows), (ManifestStatus::Empty, 0, 0));
        assert!(delivered.objects.is_empty(), "no data files");
        let export = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap();
        assert_eq!(export.status, ExportStatus::Done);
    }
}

fn recurring(app: &TestApp, format: Format) -> spillway::domain::ExportSpec {
    let mut spec = app.spec(format, DAY, DAY);
    spec.frequency = Frequency::Live { start: DAY };
    spec
}

#[tokio::test]
async fn owed_runs_go_in_order_and_a_blocked_bucket_loses_nothing() {
    let app = TestApp::new().await;
    let export = app.recurring(recurring(&app, Format::Json)).await;
    let (mut runs, mut files) = (Vec::new(), Vec::new());
    for window in 0..3 {
        let rows = rows(&format!("w{window}"), 40, "Viewed");
        app.lake.write_events(&app.file(15), &rows);
        runs.push(app.next_run(export.request).await);
        files.push(rows);
        app.advance_secs(300);
    }
    // The messages come in the wrong order.
    let (first, second, third) =
        (app.queue.pop().unwrap(), app.queue.pop().unwrap(), app.queue.pop().unwrap());
    app.buckets.fail_with(Some(FailureClass::PermissionMissing { permission: None }));
    for work in [&third, &second, &first, &first] {
        assert_eq!(steps::handle(&app.parts(), work).await.unwrap(), Handled::Done);
    }
    assert_eq!(app.run(runs[0].key).await.status, RunStatus::Running);
    assert_eq!(app.run(runs[1].key).await.status, RunStatus::Owed);
    app.drain().await.unwrap();
    let BucketState::Blocked { failure, .. } = app.bucket().await.state else { panic!("not blocked") };
    assert!(failure.to_string().contains("Storage Object Creator"), "{failure}");
    let plan = app.run(runs[0].key).await.plan.unwrap();
    let tally = app.store.tally(runs[0].key, &plan.token, app.now()).await.unwrap();
    assert!(tally.ready > 0 && tally.leased + tally.failed + tally.done == 0, "{tally:?}");
    // Nothing is tried while it is blocked, and a stray message changes nothing.
    app.queue.put(Work::Run { run: runs[0].key });
    app.drain().await.unwrap();
    assert!(app.buckets.objects(BUCKET).is_empty());

    app.buckets.fail_with(None);
    app.store.unblock_bucket(&app.bucket().await).await.unwrap();
    app.advance_secs(3_600);
    let run = app.run(runs[0].key).await;
    steps::republish(&app.parts(), &run, app.now()).await.unwrap();
    app.queue.put(Work::Run { run: run.key });
    app.drain().await.unwrap();
    for (run, rows) in runs.iter().zip(&files) {
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done, "the next one is woken by the one before it");
        assert_rows(&delivered, rows);
    }
    let export = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap();
    assert_eq!(export.status, ExportStatus::Pending);
    assert_eq!(export.delivered_cut, export.planned_cut);
}

#[tokio::test]
async fn what_was_sent_into_a_blocked_bucket_does_not_wait_for_the_checker_piece_by_piece() {
    let mut app = TestApp::new().await;
    app.options.plan.message_chunks = 1;
    app.options.outstanding_messages = 2;
    let events: Vec<_> = (0..12).map(|event| format!("event {event}")).collect();
    let all: Vec<_> = events.iter().flat_map(|event| rows(event, 3, event)).collect();
    all.chunk_by(|a, b| a.event == b.event).for_each(|rows| drop(app.lake.write_events(&app.file(9), rows)));
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    app.buckets.fail_with(Some(FailureClass::CredentialsRejected));
    // Every tick wakes the run, and the checker takes its messages for lost.
    for _ in 0..10 {
        app.drain().await.unwrap();
        app.advance_secs(3_600);
        let current = app.run(run.key).await;
        steps::republish(&app.parts(), &current, app.now()).await.unwrap();
        app.queue.put(Work::Run { run: run.key });
    }
    app.drain().await.unwrap();
    app.buckets.fail_with(None);
    app.store.unblock_bucket(&app.bucket().await).await.unwrap();
    app.advance_secs(3_600);
    app.queue.put(Work::Run { run: run.key });
    app.drain().await.unwrap();
    assert_rows(&app.delivered(run.key).await, &all);
    assert_eq!(app.run(run.key).await.status, RunStatus::Done);
}

#[tokio::test]
async fn a_bucket_that_is_blocked_before_the_manifest_gets_it_later() {
    let app = TestApp::new().await;
    app.lake.write_events(&app.file(100), &rows("a", 10, "Viewed"));
    let run = app.export(app.spec(Format::Xml, DAY, DAY)).await.1;
    let worker = app.worker();
    steps::handle(&worker.parts, &app.queue.pop().unwrap()).await.unwrap();
    let work = app.queue.pop().unwrap();
    // The object of the chunk is complete; then the key is revoked.
    app.buckets.hold_after(Some(1));
    let parts = app.parts();
    let task = tokio::spawn(async move { steps::handle(&parts, &work).await });
    app.buckets.until_held().await;
    app.buckets.fail_with(Some(FailureClass::CredentialsRejected));
    app.buckets.hold_after(None);
    assert_eq!(task.await.unwrap().unwrap(), Handled::Done);
    assert_eq!(app.run(run.key).await.status, RunStatus::Running, "no silent success without a manifest");
    app.buckets.fail_with(None);
    app.store.unblock_bucket(&app.bucket().await).await.unwrap();
    app.queue.put(Work::Run { run: run.key });
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Done);
    assert!(delivered.manifest.is_some());
}

#[tokio::test]
async fn two_planners_make_one_plan() {
    for seed in 0..6 {
        let app = TestApp::new().await;
        let all: Vec<_> = ["Viewed", "Charged", "見た"]
            .iter()
            .flat_map(|event| {
                let rows = rows(event, 30, event);
                app.lake.write_events(&app.file(9), &rows);
                rows
            })
            .collect();
        let format = Format::ALL[seed % 4];
        let mut app = app;
        if format == Format::Parquet {
            app.options.file_limit_bytes = 60_000;
        }
        let run = app.export(app.spec(format, DAY, DAY)).await.1;
        let work = app.queue.pop().unwrap();
        let (one, two) = (app.worker(), app.worker());
        let (a, b) = tokio::join!(steps::handle(&one.parts, &work), steps::handle(&two.parts, &work));
        assert_eq!((a.unwrap(), b.unwrap()), (Handled::Done, Handled::Done));
        let swept = app.store.sweep_chunks(run.key).await.unwrap();
        assert_eq!(swept, 0, "the chunks of the planner that lost are gone");
        app.drain().await.unwrap();
        assert_rows(&app.delivered(run.key).await, &all);
    }
}

#[tokio::test]
async fn two_encodings_are_byte_identical() {
    for format in Format::ALL {
        for packaging in [Packaging::Gzip, Packaging::Plain] {
            let mut app = TestApp::new().await;
            app.options.file_limit_bytes = if format == Format::Parquet { 60_000 } else { 5_000 };
            for event in ["Viewed", "Charged"] {
                app.lake.write_events(&app.file(13), &rows(event, 90, event));
            }
            let mut bodies = Vec::new();
            for _ in 0..2 {
                let mut spec = app.spec(format, DAY, DAY);
                spec.packaging = packaging;
                // The first export's ratios would cut the second one's chunks elsewhere.
                app.store
                    .put_ratios(
                        ACCOUNT,
                        &format!("{format}.{packaging:?}"),
                        &[("Viewed".into(), 2.0), ("Charged".into(), 2.0)].into(),
                    )
                    .await
                    .unwrap();
                let run = app.export(spec).await.1;
                app.drain().await.unwrap();
                let objects = app.delivered(run.key).await.objects;
                let cut = run.key.to_string().len();
                bodies.push(
                    objects.into_iter().map(|(name, bytes)| (name[cut..].to_owned(), bytes)).collect::<Vec<(
                        String,
                        Bytes,
                    )>>(
                    ),
                );
                app.advance_secs(1_000);
            }
            assert_eq!(bodies[0], bodies[1], "{format} {packaging:?}");
        }
    }
}

#[tokio::test]
async fn a_row_larger_than_a_file_fails_its_chunk_alone() {
    let app = TestApp::new().await;
    let good = rows("good", 20, "Viewed");
    app.lake.write_events(&app.file(50), &good);
    let mut large = rows("large", 5, "Charged");
    let mut rng = StdRng::seed_from_u64(3);
    let noise: String = (0..60_000).map(|_| char::from(rng.random_range(b' '..=b'~'))).collect();
    large[3].more = json!({ "noise": noise });
    let path = app.lake.write_events(&app.file(50), &large);
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Incomplete);
    let reason = only_failure(&app, &delivered.run).await;
    assert!(reason.contains(&path) && reason.contains("row 4") && reason.contains("8000 bytes"), "{reason}");
    assert!(delivered.manifest.is_none());
    let ids: BTreeSet<_> = delivered.all_rows().map(|row| row.id.as_str()).collect();
    assert!(good.iter().all(|row| ids.contains(row.id.as_str())));
}

async fn only_failure(app: &TestApp, run: &Run) -> String {
    let plan = run.plan.clone().unwrap();
    let chunks = app.store.chunks(run.key, &plan.token, None, 1_000).await.unwrap().chunks;
    let mut failed = chunks.iter().filter_map(|chunk| match chunk.state() {
        ChunkState::Failed { reason } => Some(reason.clone()),
        _ => None,
    });
    let reason = failed.next().expect("a failed chunk");
    assert_eq!(failed.next(), None);
    reason
}

#[tokio::test]
async fn a_chunk_that_kills_its_workers_is_given_up_and_can_be_retried() {
    let app = TestApp::new().await;
    let all = rows("a", 10, "Viewed");
    app.lake.write_events(&app.file(50), &all);
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    let work = app.queue.pop().unwrap();
    for _ in 0..MAX_ATTEMPTS {
        let worker = app.worker();
        // In mid-upload, wherever that is just now.
        worker.gate.arm(12, Strike::Kill);
        assert!(worker.gate.run(steps::handle(&worker.parts, &work)).await.is_killed());
        app.advance_secs(521);
    }
    app.queue.put(work);
    app.drain().await.unwrap();
    let incomplete = app.run(run.key).await;
    assert_eq!(incomplete.status, RunStatus::Incomplete);
    assert!(only_failure(&app, &incomplete).await.contains("10 workers ended without a word"));
    assert_eq!(steps::retry_run(&app.parts(), run.key).await.unwrap(), 1);
    app.drain().await.unwrap();
    assert_rows(&app.delivered(run.key).await, &all);
}

#[tokio::test]
async fn a_stranger_under_our_name_is_never_taken_for_ours() {
    let app = TestApp::new().await;
    let all = rows("a", 10, "Viewed");
    app.lake.write_events(&app.file(50), &all);
    let run = app.export(app.spec(Format::Csv, DAY, DAY)).await.1;
    let name = format!("{}-Viewed-20260309-0-0.csv.gz", run.key);
    app.buckets.put(BUCKET, &name, "a stranger's");
    app.drain().await.unwrap();
    let incomplete = app.run(run.key).await;
    assert_eq!(incomplete.status, RunStatus::Incomplete);
    let reason = only_failure(&app, &incomplete).await;
    assert!(reason.contains("which we did not write") && reason.contains(&name), "{reason}");
    assert_eq!(app.buckets.objects(BUCKET)[&name], "a stranger's");
    assert!(!app.buckets.objects(BUCKET).contains_key(&names::manifest_object(run.key)));
    // The customer moves it away, the operator retries.
    assert!(app.buckets.remove(BUCKET, &name).is_some());
    steps::retry_run(&app.parts(), run.key).await.unwrap();
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Done);
    assert_rows(&delivered, &all);
}
