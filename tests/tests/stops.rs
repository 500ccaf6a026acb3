//! Exports that are stopped, created and retried by workers who die: the manifest of a stopped run lists just the
//! objects that are there, and nothing is left behind half-made.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use async_trait::async_trait;
use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    domain::{ChunkState, Format, ManifestStatus, Run, RunStatus, StopReason},
    ports::{ChunkQueue, QueueError, Work},
    steps,
};
use spillway_tests::harness::{ACCOUNT, EventRow, Outcome, Strike, TestApp, assert_rows};

const DAY: Date = date(2026, 3, 9);

fn rows(file: &str) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(5);
    (0..30).map(|row| EventRow::random(&mut rng, format!("{file}-{row}"), file, DAY, 0)).collect()
}

/// An app with three chunks, of which those of two events split.
async fn three_chunks() -> (TestApp, Vec<EventRow>) {
    let mut app = TestApp::new().await;
    app.options.file_limit_bytes = 2_600;
    app.options.plan.message_chunks = 1;
    let all: Vec<_> = ["Charged", "Searched", "Viewed"]
        .into_iter()
        .flat_map(|event| {
            let rows = rows(event);
            app.lake.write_events(&app.file(10), &rows);
            rows
        })
        .collect();
    (app, all)
}

/// The run was stopped and its manifest lists what is there; or everything is there.
async fn assert_stopped(app: &TestApp, run: &Run, all: &[EventRow], context: &str) {
    let delivered = app.delivered(run.key).await;
    if delivered.run.status == RunStatus::Done {
        assert_rows(&delivered, all);
        return;
    }
    assert_eq!(delivered.run.status, RunStatus::Stopped, "{context}");
    let Some(manifest) = &delivered.manifest else {
        // Stopped before it was opened: it has no spec, no plan and no manifest.
        assert!(delivered.run.plan.is_none() && delivered.objects.is_empty(), "{context}: no manifest");
        return;
    };
    assert_eq!(manifest.status, ManifestStatus::Stopped);
    let listed: Vec<_> = manifest.files.iter().map(|file| &file.name).collect();
    assert_eq!(listed, delivered.objects.keys().collect::<Vec<_>>(), "{context}: just what is there");
    let plan = delivered.run.plan.as_ref().unwrap();
    let tally = app.store.tally(run.key, &plan.token, app.now()).await.unwrap();
    assert_eq!(tally.leased, 0, "{context}: no orphan lease");
}

#[tokio::test]
async fn a_stop_after_a_worker_was_killed_anywhere_lists_what_is_there() {
    for nth in 0.. {
        let (app, all) = three_chunks().await;
        let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
        let worker = app.worker();
        worker.gate.arm(nth, Strike::Kill);
        while let Some(work) = app.queue.pop() {
            if worker.gate.run(steps::handle(&worker.parts, &work)).await.is_killed() {
                app.queue.put(work);
                break;
            }
        }
        if worker.gate.disarm() {
            assert_eq!(app.run(run.key).await.status, RunStatus::Done);
            return;
        }
        let ended = app.run(run.key).await.status.is_closed();
        steps::stop_export(&app.parts(), ACCOUNT, run.key.request, &StopReason::User).await.unwrap();
        app.recover(run.key).await;
        if !ended {
            assert_stopped(&app, &run, &all, &format!("killed at {nth}")).await;
        }
    }
}

#[tokio::test]
async fn a_stop_that_is_killed_anywhere_is_finished_by_others() {
    for nth in 0.. {
        let (app, all) = three_chunks().await;
        let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
        for _ in 0..3 {
            steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
        }
        let worker = app.worker();
        worker.gate.arm(nth, Strike::Kill);
        let stop = steps::stop_export(&worker.parts, ACCOUNT, run.key.request, &StopReason::User);
        let outcome = worker.gate.run(stop).await;
        if nth == 0 {
            // Before anything was stored: whoever asked has to ask again.
            steps::stop_export(&app.parts(), ACCOUNT, run.key.request, &StopReason::User).await.unwrap();
        }
        app.recover(run.key).await;
        assert_stopped(&app, &run, &all, &format!("killed at {nth}")).await;
        if let Outcome::Ended(ended) = outcome {
            ended.unwrap();
            return;
        }
    }
}

#[tokio::test]
async fn an_export_whose_creation_is_killed_is_there_whole_or_not_at_all() {
    for nth in 0.. {
        let (app, all) = three_chunks().await;
        let worker = app.worker();
        worker.gate.arm(nth, Strike::Kill);
        let spec = app.spec(Format::Csv, DAY, DAY);
        let outcome = worker.gate.run(steps::create_one_time(&worker.parts, ACCOUNT, spec)).await;
        // What the next start does.
        app.queue.lose_all();
        let open = app.store.open_runs().await.unwrap();
        for run in &open {
            app.queue.put(Work::Run { run: run.key });
        }
        app.drain().await.unwrap();
        if let [run] = &open[..] {
            assert_rows(&app.delivered(run.key).await, &all);
        } else {
            assert!(outcome.is_killed() && open.is_empty());
        }
        if !outcome.is_killed() {
            return;
        }
    }
}

/// Takes nothing.
struct DeadQueue;

#[async_trait]
impl ChunkQueue for DeadQueue {
    async fn send(&self, _: Work) -> Result<(), QueueError> {
        Err(QueueError("by the test".to_owned()))
    }
}

#[tokio::test]
async fn an_export_whose_message_cannot_be_sent_is_created_and_woken_by_the_tick() {
    let (app, all) = three_chunks().await;
    let mut parts = app.parts();
    parts.queue = Arc::new(DeadQueue);
    let spec = app.spec(Format::Json, DAY, DAY);
    let (export, run) = steps::create_one_time(&parts, ACCOUNT, spec).await.unwrap();
    assert_eq!(app.store.runs(ACCOUNT, export.request).await.unwrap(), std::slice::from_ref(&run));
    assert!(app.queue.is_empty());
    app.advance_secs(901);
    assert_eq!(steps::tick(&app.parts()).await.unwrap().woken, [run.key]);
    app.drain().await.unwrap();
    assert_rows(&app.delivered(run.key).await, &all);
}

#[tokio::test]
async fn a_retry_that_is_killed_anywhere_can_be_retried() {
    for nth in 0.. {
        let (app, all) = three_chunks().await;
        let bad = rows("Broken");
        let path = app.lake.write_events(&app.file(10), &bad);
        let (committed, whole) = (app.file(10).committed, app.lake.bytes(&path));
        app.lake.write_raw(&path, committed, &whole[..100]);
        let run = app.export(app.spec(Format::Csv, DAY, DAY)).await.1;
        app.drain().await.unwrap();
        assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
        app.lake.write_raw(&path, committed, &whole);
        let worker = app.worker();
        worker.gate.arm(nth, Strike::Kill);
        let outcome = worker.gate.run(steps::retry_run(&worker.parts, run.key)).await;
        app.queue.lose_all();
        if app.run(run.key).await.status == RunStatus::Incomplete {
            steps::retry_run(&app.parts(), run.key).await.unwrap();
        }
        app.recover(run.key).await;
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done, "killed at {nth}");
        assert_rows(&delivered, &[all, bad].concat());
        if !outcome.is_killed() {
            return;
        }
    }
}

#[tokio::test]
async fn a_lake_that_is_away_for_a_while_fails_no_chunk() {
    for nth in (0..60).step_by(7) {
        let (app, all) = three_chunks().await;
        let run = app.export(app.spec(Format::Xml, DAY, DAY)).await.1;
        while let Some(work) = app.queue.pop() {
            let worker = app.worker();
            worker.gate.arm(nth, Strike::Fail);
            if !matches!(steps::handle(&worker.parts, &work).await, Ok(steps::Handled::Done)) {
                app.queue.put(work);
                break;
            }
        }
        app.recover(run.key).await;
        let delivered = app.delivered(run.key).await;
        let plan = delivered.run.plan.clone().unwrap();
        let chunks = app.store.chunks(run.key, &plan.token, None, 100).await.unwrap().chunks;
        assert!(chunks.iter().all(|chunk| matches!(chunk.state(), ChunkState::Done(_))));
        assert_rows(&delivered, &all);
    }
}
