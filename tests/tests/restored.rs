//! Lake files that were restored after the window of the run that failed on them: whatever an object store's new creation
//! time makes of them, no row is lost in silence and none goes out twice.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    domain::{ChunkState, DataSelection, ExportSpec, Format, Frequency, Run, RunStatus},
    steps,
};
use spillway_tests::harness::{EventRow, ProfileRow, TestApp, assert_profiles, assert_rows};

const DAY: Date = date(2026, 3, 9);
const HOUR_SECS: i64 = 3_600;

fn rows(file: &str) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(5);
    (0..20).map(|row| EventRow::random(&mut rng, format!("{file}-{row}"), "Viewed", DAY, 0)).collect()
}

fn live(app: &TestApp) -> ExportSpec {
    ExportSpec { frequency: Frequency::Live { start: DAY }, ..app.spec(Format::Json, DAY, DAY) }
}

/// An app with a broken file, what mends it, and the run that has failed on it.
struct Failed {
    app: TestApp,
    run: Run,
    path: String,
    whole: Vec<u8>,
}

async fn failed(spec: fn(&TestApp) -> ExportSpec, write: impl Fn(&TestApp) -> String) -> Failed {
    let app = TestApp::new().await;
    let path = write(&app);
    let whole = app.lake.bytes(&path);
    app.lake.write_raw(&path, app.file(50).committed, &whole[..40]);
    let spec = spec(&app);
    let run = match spec.frequency {
        Frequency::OneTime { .. } => app.export(spec).await.1,
        _ => app.next_run(app.recurring(spec).await.request).await,
    };
    app.drain().await.unwrap();
    let run = app.run(run.key).await;
    assert_eq!(run.status, RunStatus::Incomplete);
    Failed { app, run, path, whole }
}

impl Failed {
    /// As an object store does it: the file is of now.
    fn restore(&self) -> jiff::Timestamp {
        self.app.lake.write_raw(&self.path, self.app.now(), &self.whole);
        self.app.now()
    }

    async fn next_run(&self) -> Run {
        let run = self.app.next_run(self.run.key.request).await;
        self.app.drain().await.unwrap();
        run
    }

    async fn retry(&self) -> Run {
        steps::retry_run(&self.app.parts(), self.run.key).await.unwrap();
        self.app.drain().await.unwrap();
        self.app.run(self.run.key).await
    }

    /// The reason of the only chunk.
    async fn reason(&self) -> String {
        let plan = self.run.plan.clone().unwrap();
        let chunks = self.app.store.chunks(self.run.key, &plan.token, None, 9).await.unwrap().chunks;
        let [chunk] = &chunks[..] else { panic!("one chunk") };
        let ChunkState::Failed { reason } = chunk.state() else { panic!("{:?}", chunk.state()) };
        reason.clone()
    }

    async fn refuses(&self, restored: jiff::Timestamp) {
        assert_eq!(self.retry().await.status, RunStatus::Incomplete);
        let (path, cut) = (&self.path, self.run.window.cut());
        let expected = format!(
            "lake file `{path}` was restored at {restored}, after this run's window, which ends at {cut}; a later run of \
             the export delivers it, so this one must not. What else this object was to hold needs a new one-time export"
        );
        assert_eq!(self.reason().await, expected);
    }
}

#[tokio::test]
async fn a_file_that_a_later_run_takes_does_not_go_out_twice() {
    // The later run is still to come, or has been.
    for retries_first in [true, false] {
        let all = rows("a");
        let failed = failed(live, |app| app.lake.write_events(&app.file(50), &all)).await;
        failed.app.advance_secs(600);
        let restored = failed.restore();
        if retries_first {
            failed.refuses(restored).await;
        }
        failed.app.advance_secs(300);
        let next = failed.next_run().await;
        failed.app.advance_secs(300);
        failed.next_run().await;
        if !retries_first {
            failed.refuses(restored).await;
        }
        assert_rows(&failed.app.delivered(next.key).await, &all);
    }
}

#[tokio::test]
async fn a_file_whose_folder_no_later_run_lists_is_delivered_by_the_retry() {
    for retries_first in [true, false] {
        let all = rows("a");
        let failed = failed(live, |app| app.lake.write_events(&app.file(50), &all)).await;
        failed.app.advance_secs(9 * HOUR_SECS);
        failed.next_run().await;
        failed.app.advance_secs(60);
        failed.restore();
        failed.app.advance_secs(60);
        if retries_first {
            assert_eq!(failed.retry().await.status, RunStatus::Done);
        }
        let next = failed.next_run().await;
        assert_eq!(failed.app.run(next.key).await.status, RunStatus::Empty);
        if !retries_first {
            assert_eq!(failed.retry().await.status, RunStatus::Done);
        }
        assert_rows(&failed.app.delivered(failed.run.key).await, &all);
    }
}

#[tokio::test]
async fn the_only_run_of_an_export_delivers_what_is_restored() {
    let all = rows("a");
    let one_time = |app: &TestApp| app.spec(Format::Csv, DAY, DAY);
    let failed = failed(one_time, |app| app.lake.write_events(&app.file(50), &all)).await;
    failed.app.advance_secs(600);
    failed.restore();
    assert_eq!(failed.retry().await.status, RunStatus::Done);
    assert_rows(&failed.app.delivered(failed.run.key).await, &all);
}

#[tokio::test]
async fn restored_profiles_go_out_with_the_window_of_their_restoring() {
    let profile = |app: &TestApp| ProfileRow {
        id: "anna".to_owned(),
        database: 0,
        updated_at: app.now(),
        note: "hers".to_owned(),
        more: serde_json::Value::Null,
        deleted: false,
    };
    let spec = |app: &TestApp| ExportSpec { data: DataSelection::AllProfiles, ..live(app) };
    let failed = failed(spec, |app| app.lake.write_profiles(&app.file(50), &[profile(app)])).await;
    // However old the folder is: all of them are listed for profiles.
    failed.app.advance_secs(30 * HOUR_SECS);
    failed.next_run().await;
    failed.app.advance_secs(60);
    let restored = failed.restore();
    failed.refuses(restored).await;
    let next = failed.next_run().await;
    assert_profiles(&failed.app.delivered(next.key).await, &[&profile(&failed.app)]);
}
