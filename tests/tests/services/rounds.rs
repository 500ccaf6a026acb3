//! What Cloud Scheduler calls: ticks that create runs, and rounds that go on with what was lost.

use http::StatusCode;
use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::json;
use spillway::{
    domain::{DataSelection, Format, Frequency, RunStatus},
    ports::Work,
    steps::{self, NewRequest},
};
use spillway_tests::harness::{ACCOUNT, EventRow, Strike, assert_rows};

use crate::support::{Cloud, kind};

const DAY: Date = date(2026, 3, 9);

fn rows(count: usize) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(7);
    (0..count).map(|row| EventRow::random(&mut rng, format!("row-{row}"), "Charged", DAY, 0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tick_creates_runs_and_leaves_planning_to_the_queue() {
    let cloud = Cloud::new().await;
    let mut spec = cloud.app.spec(Format::Json, DAY, DAY);
    spec.frequency = Frequency::Live { start: DAY };
    let export = steps::create_export(&cloud.parts(), ACCOUNT, NewRequest::from(spec)).await.unwrap().export;
    let nothing = json!({ "created": 0, "waiting": 0, "woken": 0, "failed": 0 });
    cloud.app.advance_secs(3_600);
    let rows = rows(60);
    cloud.app.lake.write_events(&cloud.app.file(10), &rows);
    cloud.app.advance_secs(600);
    let answer = cloud.post(cloud.scheduler(), "/tick", "{}").await;
    let created = json!({ "created": 1, "waiting": 0, "woken": 0, "failed": 0 });
    assert_eq!(answer.expect(StatusCode::OK), created);
    let runs = cloud.app.store.runs(ACCOUNT, export.request).await.unwrap();
    assert_eq!((runs.len(), runs[0].status), (1, RunStatus::Owed), "it is not planned yet");
    assert_eq!(cloud.app.queue.all(), [Work::Run { run: runs[0].key }]);
    let answer = cloud.post(cloud.scheduler(), "/tick", "").await;
    assert_eq!(answer.expect(StatusCode::OK), nothing, "the same tick again");
    cloud.drain().await;
    assert_rows(&cloud.app.delivered(runs[0].key).await, &rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tick_or_round_that_breaks_off_is_called_again() {
    let cloud = Cloud::new().await;
    for (router, path) in [(cloud.scheduler(), "/tick"), (cloud.checker(), "/check")] {
        cloud.worker.gate.arm(0, Strike::Fail);
        let answer = cloud.post(router.clone(), path, "").await;
        assert_eq!((answer.status.as_u16(), kind(&answer)), (503, "broke-off".to_owned()));
        assert!(!answer.text().contains("struck"), "{}", answer.text());
        assert_eq!(cloud.post(router, path, "").await.status, 200);
    }
    cloud.running.shutdown.cancel();
    assert_eq!(cloud.post(cloud.scheduler(), "/tick", "").await.status, 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_goes_on_with_what_was_lost() {
    let cloud = Cloud::new().await;
    let rows = rows(120);
    cloud.app.lake.write_events(&cloud.app.file(10), &rows);
    let (_, run) = cloud.app.export(cloud.app.spec(Format::Json, DAY, DAY)).await;
    cloud.push(cloud.scheduler(), &cloud.app.queue.pop().unwrap()).await;
    assert!(cloud.app.queue.lose_all() > 0);
    let round = async || cloud.post(cloud.checker(), "/check", "").await.expect(StatusCode::OK);
    let published = |runs: u64| {
        json!({
            "published": runs, "failed": 0, "healed": 0, "candidates": 0,
            "told": 0, "stopped": 0, "findings": 0, "mails": 0, "webhooks": 0,
        })
    };
    assert_eq!(round().await, published(0), "they may still be on their way");
    cloud.app.advance_secs(901);
    assert_eq!(round().await, published(1));
    cloud.drain().await;
    assert_eq!(cloud.app.run(run.key).await.status, RunStatus::Done);
    assert_rows(&cloud.app.delivered(run.key).await, &rows);
    assert_eq!(round().await, published(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_closes_what_nobody_has_closed() {
    let cloud = Cloud::new().await;
    // Nothing is in the window, so that the planner finds the run finished. It has no key for the manifest, and the
    // message to an encoder who has is lost.
    let mut spec = cloud.app.spec(Format::Json, DAY, DAY);
    spec.data = DataSelection::AllEvents;
    let (_, run) = cloud.app.export(spec).await;
    assert_eq!(cloud.push(cloud.scheduler(), &cloud.app.queue.pop().unwrap()).await.status, 204);
    let lost = cloud.app.queue.pop().unwrap();
    assert!(matches!(&lost, Work::Chunks { chunks, .. } if chunks.is_empty()), "{lost:?}");
    assert_eq!(cloud.app.run(run.key).await.status, RunStatus::Running);
    assert_eq!(cloud.post(cloud.checker(), "/check", "").await.status, 200);
    assert_eq!(cloud.app.run(run.key).await.status, RunStatus::Empty);
    assert!(cloud.app.delivered(run.key).await.manifest.is_some());
    // It was not lost after all.
    assert_eq!(cloud.push(cloud.encoder(), &lost).await.status, 204);
}
