//! Planners that stand still while others close, retry and plan the run, and a plan that has lost chunks.

use rusqlite::Connection;
use spillway::{
    domain::{Format, RunStatus, lake},
    ports::Work,
    steps::{self, Handled},
};
use spillway_tests::harness::{ACCOUNT, Strike, TestApp, assert_rows};

use crate::{DAY, damage, reason, rows};

/// A planner that stands still anywhere while the run is closed and retried does not adopt a plan whose chunks were
/// swept.
#[tokio::test]
async fn a_planner_of_before_a_retry_does_not_open_the_run_of_after_it() {
    let mut closed = 0;
    for nth in 0.. {
        let app = TestApp::new().await;
        let all = [rows("a", "Viewed"), rows("b", "Charged")].concat();
        app.lake.write_events(&app.file(50), &all[..20]);
        app.lake.write_events(&app.file(50), &all[20..]);
        let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
        let work = app.queue.pop().unwrap();
        let slow = app.worker();
        slow.gate.arm(nth, Strike::Hold);
        let (parts, message) = (slow.parts.clone(), work.clone());
        let mut task = tokio::spawn(async move { steps::handle(&parts, &message).await });
        tokio::select! {
            ended = &mut task => {
                assert_eq!(ended.unwrap().unwrap(), Handled::Done);
                app.drain().await.unwrap();
                assert!(slow.gate.disarm() && closed > 5, "it stood still {closed} times");
                return;
            }
            () = slow.gate.until_held() => {}
        }
        // Another planner meets a file where none belongs; the operator moves it away.
        let captured = lake::captured_folder(app.file(50).committed);
        let stray = format!("account={ACCOUNT}/events/{captured}/stray.parquet");
        app.lake.write_raw(&stray, app.file(50).committed, b"");
        steps::handle(&app.parts(), &work).await.unwrap();
        app.lake.remove(&stray);
        if app.run(run.key).await.status == RunStatus::Incomplete {
            closed += 1;
            steps::retry_run(&app.parts(), run.key).await.unwrap();
        }
        slow.gate.release();
        assert_eq!(task.await.unwrap().unwrap(), Handled::Done);
        app.drain().await.unwrap();
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done, "held at {nth}");
        assert_rows(&delivered, &all);
    }
}

/// The plans of which there are chunks, and how many.
fn stored(app: &TestApp) -> (Vec<String>, i64) {
    let store = Connection::open(app.folder().join("state.sqlite")).unwrap();
    let mut plans = store.prepare("SELECT DISTINCT plan FROM chunks").unwrap();
    let plans = plans.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    (plans, store.query_row("SELECT count(*) FROM chunks", [], |row| row.get(0)).unwrap())
}

/// A planner that is cut off once it has stored chunks: the next one finds them, and goes on behind them, also where other
/// runs have measured other ratios meanwhile.
#[tokio::test]
async fn a_planning_that_was_cut_off_is_gone_on_with() {
    let mut gone_on_with = 0;
    for nth in 0.. {
        let mut app = TestApp::new().await;
        app.options.long_plan_chunks = 2;
        let all = ["a", "b", "c"].iter().flat_map(|event| rows(event, event)).collect::<Vec<_>>();
        all.chunks(10).for_each(|rows| drop(app.lake.write_events(&app.file(50), rows)));
        let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
        let work = app.queue.pop().unwrap();
        let worker = app.worker();
        worker.gate.arm(nth, Strike::Kill);
        let is_killed = worker.gate.run(steps::handle(&worker.parts, &work)).await.is_killed();
        if !is_killed || app.run(run.key).await.plan.is_some() {
            app.abandon();
            assert!(gone_on_with > 0, "no planner was cut off with chunks stored");
            return;
        }
        let (plans, count) = stored(&app);
        if count > 0 {
            gone_on_with += 1;
            assert!(plans.len() == 1 && count > 2, "{plans:?}, {count} chunks");
            // As if it had come to its middle.
            damage(&app, "DELETE FROM chunks WHERE id = (SELECT min(id) FROM chunks)");
            let measured = ["a", "b", "c"].map(|event| (event.to_owned(), 0.1)).into();
            app.store.put_ratios(ACCOUNT, "json.Gzip", &measured).await.unwrap();
        }
        steps::handle(&app.parts(), &work).await.unwrap();
        let plan = app.run(run.key).await.plan.unwrap();
        if count > 0 {
            assert_eq!(plan.token.0, plans[0], "killed at {nth}: it is the same plan");
            assert_eq!(stored(&app), (plans, count), "nothing of it was stored twice or thrown away");
        }
        app.drain().await.unwrap();
        assert_rows(&app.delivered(run.key).await, &all);
    }
}

#[tokio::test]
async fn a_run_whose_chunks_are_gone_is_neither_empty_nor_done() {
    let app = TestApp::new().await;
    app.lake.write_events(&app.file(50), &rows("a", "Viewed"));
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    damage(&app, "DELETE FROM chunks");
    app.queue.put(Work::Run { run: run.key });
    app.drain().await.unwrap();
    let planned = app.run(run.key).await.plan.unwrap().chunks;
    let expected = format!("run {} has 0 of its {planned} chunks; report it as a bug", run.key);
    assert_eq!(reason(&app, &run).await, expected);
}
