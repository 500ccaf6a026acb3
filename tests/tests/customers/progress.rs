//! Progress and files of a run, while it goes on and after.

use jiff::civil::date;
use spillway::{
    domain::{Format, Frequency, RunStatus},
    ports::{ChunkTally, WrittenSums},
    steps,
};
use spillway_tests::harness::{ACCOUNT, TestApp};

use super::{at, commit};

#[tokio::test]
async fn a_run_is_watched_from_its_creation_to_its_end() {
    let app = TestApp::new().await;
    let parts = app.parts();
    for day in 1..9 {
        commit(&app, at("2026-03-10T09:00:00Z"), "Charged", date(2026, 3, day), 20);
    }
    let (_, run) = app.export(app.spec(Format::Csv, date(2026, 3, 1), date(2026, 3, 8))).await;
    let progress = async || steps::run_progress(&parts, &app.run(run.key).await).await.unwrap();
    let waiting = progress().await;
    assert_eq!(
        (waiting.status, waiting.chunks, waiting.written),
        (RunStatus::Owed, ChunkTally::default(), WrittenSums::default())
    );
    assert_eq!((waiting.estimated_bytes, waiting.opened_at), (None, None));
    assert_eq!(steps::run_files(&parts, run.key, None, 10).await.unwrap().files, []);

    let mut seen = vec![];
    while let Some(work) = app.queue.pop() {
        steps::handle(&parts, &work).await.unwrap();
        app.advance_secs(1);
        let now = progress().await;
        let files = steps::run_files(&parts, run.key, None, 100).await.unwrap().files;
        assert_eq!(now.written.files, files.len() as u64);
        assert_eq!(now.written.rows, files.iter().map(|file| file.file.rows).sum::<u64>());
        assert_eq!(now.written.bytes, files.iter().map(|file| file.file.bytes).sum::<u64>());
        assert!(files.iter().all(|file| file.completed_at.is_some_and(|at| at < app.now())));
        let (done, all) = now.chunks_of();
        assert!(done <= all && now.estimated_bytes.is_some() && now.opened_at.is_some());
        seen.push(done);
    }
    assert!(seen.is_sorted() && seen.len() > 2, "{seen:?}");
    let (end, run) = (progress().await, app.run(run.key).await);
    assert_eq!((end.status, end.closed_at), (RunStatus::Done, run.closed_at));
    let totals = WrittenSums { files: run.totals.files, rows: run.totals.rows, bytes: run.totals.bytes };
    assert_eq!((end.written, end.written.rows), (totals, 160));
    // The files are those of the manifest, in its order, whatever the size of the pages.
    let delivered = app.delivered(run.key).await;
    let (mut files, mut cursor) = (vec![], None);
    loop {
        let page = steps::run_files(&parts, run.key, cursor.as_deref(), 3).await.unwrap();
        files.extend(page.files.into_iter().map(|file| file.file));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(files, delivered.manifest.unwrap().files);
    let nobody = spillway::domain::RunKey { account: spillway::domain::AccountId(9), ..run.key };
    assert_eq!(steps::worked_run(&parts, nobody.account, nobody.request).await.unwrap(), None);
    assert_eq!(steps::run_files(&parts, nobody, None, 3).await.unwrap().files, []);
    assert_ne!(nobody.account, ACCOUNT);
}

#[tokio::test]
async fn behind_a_backlog_the_oldest_run_is_worked() {
    let app = TestApp::new().await;
    let parts = app.parts();
    commit(&app, at("2026-03-10T09:00:00Z"), "Charged", date(2026, 3, 9), 20);
    let mut spec = app.spec(Format::Csv, date(2026, 3, 9), date(2026, 3, 9));
    spec.frequency = Frequency::Live { start: date(2026, 3, 9) };
    let export = app.recurring(spec).await;
    let mut runs = vec![];
    for _ in 0..30 {
        runs.push(app.next_run(export.request).await.key);
        app.advance_secs(300);
    }
    let worked = async || steps::worked_run(&parts, ACCOUNT, export.request).await.unwrap();
    assert_eq!(worked().await.map(|run| run.key), Some(runs[0]));
    steps::handle(&parts, &app.queue.pop().unwrap()).await.unwrap();
    assert_eq!(worked().await.map(|run| (run.key, run.status)), Some((runs[0], RunStatus::Running)));
    app.drain().await.unwrap();
    assert_eq!(worked().await, None);
}
