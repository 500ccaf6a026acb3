//! What no retry can mend: the run ends INCOMPLETE and says why, later windows go on, and it can be retried.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "troubles/documents.rs"]
mod documents;
#[path = "troubles/planners.rs"]
mod planners;

use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use rusqlite::Connection;
use spillway::{
    domain::{
        BucketFailure, BucketState, Chunk, ExportSpec, ExportStatus, FailureClass, Format, Frequency,
        PartnerBucket, PlanToken, Run, RunStatus, SealedKey, StopReason, lake, names,
    },
    ports::{VaultError, Work},
    steps::{self, Handled, RetryError, StepError, Verdict},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, EventRow, Strike, TestApp, assert_rows};

const DAY: Date = date(2026, 3, 9);

fn rows(file: &str, event: &str) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(5);
    (0..20).map(|row| EventRow::random(&mut rng, format!("{file}-{row}"), event, DAY, 0)).collect()
}

fn live(app: &TestApp) -> ExportSpec {
    ExportSpec { frequency: Frequency::Live { start: DAY }, ..app.spec(Format::Json, DAY, DAY) }
}

/// The run's reason, where it has ended for it.
async fn reason(app: &TestApp, run: &Run) -> String {
    let run = app.run(run.key).await;
    assert_eq!(run.status, RunStatus::Incomplete);
    run.reason.expect("a reason")
}

/// Writes into the store past it.
fn damage(app: &TestApp, sql: &str) {
    let changed = Connection::open(app.folder().join("state.sqlite")).unwrap().execute(sql, []).unwrap();
    assert!(changed > 0, "{sql}");
}

async fn retried(app: &TestApp, run: &Run, rows: &[EventRow]) {
    steps::retry_run(&app.parts(), run.key).await.unwrap();
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    assert_eq!((delivered.run.status, &delivered.run.reason), (RunStatus::Done, &None));
    assert!(delivered.manifest.is_some());
    assert_rows(&delivered, rows);
}

#[tokio::test]
async fn a_file_outside_the_layout_ends_the_runs_that_list_its_hour_only() {
    let app = TestApp::new().await;
    let export = app.recurring(live(&app)).await;
    let [first_rows, second_rows, third_rows] = ["first", "second", "third"].map(|file| rows(file, "Viewed"));
    app.lake.write_events(&app.file(50), &first_rows);
    let captured = lake::captured_folder(app.file(50).committed);
    let stray = format!("account={ACCOUNT}/events/{captured}/stray.parquet");
    app.lake.write_raw(&stray, app.file(50).committed, b"");
    let first = app.next_run(export.request).await;
    app.advance_secs(4 * 3_600);
    app.lake.write_events(&app.file(50), &second_rows);
    let second = app.next_run(export.request).await;
    app.advance_secs(4 * 3_600);
    app.lake.write_events(&app.file(50), &third_rows);
    let third = app.next_run(export.request).await;
    app.drain().await.unwrap();
    let expected = format!(
        "lake file `{stray}`: no folder db=<n> in its path; move it out of the lake; the rows that it holds go in as \
         a new file"
    );
    // Files of the two hours before a window are listed for it too.
    for run in [&first, &second] {
        assert_eq!(reason(&app, run).await, expected);
    }
    assert_rows(&app.delivered(third.key).await, &third_rows);
    app.lake.remove(&stray);
    retried(&app, &first, &first_rows).await;
    retried(&app, &second, &second_rows).await;
}

#[tokio::test]
async fn a_bucket_whose_document_is_gone_or_damaged_is_named() {
    for (sql, says) in [
        (
            "DELETE FROM buckets".to_owned(),
            "bucket `partner-bucket` of run {run} is gone; connect it again under this name, then retry the run",
        ),
        (
            "UPDATE buckets SET doc = '{'".to_owned(),
            "bucket `partner-bucket` in account 100000000 cannot be read",
        ),
    ] {
        // Before the run is planned, before its chunk is worked, before its manifest is written.
        for steps_before in 0..3 {
            let app = TestApp::new().await;
            let all = rows("a", "Viewed");
            app.lake.write_events(&app.file(50), &all);
            let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
            let key = app.bucket().await.key;
            if steps_before > 0 {
                steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
            }
            if steps_before == 2 {
                let (parts, work) = (app.parts(), app.queue.pop().unwrap());
                app.buckets.hold_after(Some(1));
                let task = tokio::spawn(async move { steps::handle(&parts, &work).await });
                app.buckets.until_held().await;
                damage(&app, &sql);
                app.buckets.hold_after(None);
                assert_eq!(task.await.unwrap().unwrap(), Handled::Done);
            } else {
                damage(&app, &sql);
            }
            app.drain().await.unwrap();
            let found = reason(&app, &run).await;
            assert!(found.starts_with(&says.replace("{run}", &run.key.to_string())), "{found}");
            damage(
                &app,
                "INSERT OR REPLACE INTO buckets (account, id, doc) VALUES (100000000, 'partner-bucket', '')",
            );
            damage(&app, "DELETE FROM buckets");
            app.connect(ACCOUNT, BUCKET, BUCKET, "{}").await;
            assert_ne!(app.bucket().await.key, key);
            retried(&app, &run, &all).await;
        }
    }
}

#[tokio::test]
async fn an_export_that_cannot_be_read_ends_its_run() {
    let app = TestApp::new().await;
    let all = rows("a", "Viewed");
    app.lake.write_events(&app.file(50), &all);
    let (export, run) = app.export(app.spec(Format::Json, DAY, DAY)).await;
    let connection = Connection::open(app.folder().join("state.sqlite")).unwrap();
    let document: String = connection.query_row("SELECT doc FROM exports", [], |row| row.get(0)).unwrap();
    damage(&app, "UPDATE exports SET doc = '{'");
    app.drain().await.unwrap();
    let found = reason(&app, &run).await;
    assert!(
        found.starts_with(&format!("export {} in account {ACCOUNT} cannot be read", export.request)),
        "{found}"
    );
    connection.execute("UPDATE exports SET doc = ?1", [document]).unwrap();
    retried(&app, &run, &all).await;
}

#[tokio::test]
async fn a_sealed_key_that_does_not_open_is_ours_to_mend_and_told_to_no_customer() {
    let app = TestApp::new().await;
    let all = rows("a", "Viewed");
    app.lake.write_events(&app.file(50), &all);
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    let sealed = app.bucket().await;
    let under_another_key = SealedKey("v1:of another vault".to_owned());
    app.store.put_bucket(&PartnerBucket { key: under_another_key, ..sealed.clone() }).await.unwrap();
    let error = app.drain().await.unwrap_err();
    assert!(matches!(error, StepError::Vault(VaultError::Unreadable { .. })), "{error}");
    assert_eq!(app.bucket().await.state, BucketState::Ready);
    assert_eq!(app.run(run.key).await.status, RunStatus::Running, "it waits");
    // Nor is it taken for the customer's answer where the bucket is blocked for something else.
    let known = BucketFailure { class: FailureClass::Hold, http_status: Some(403), message: String::new() };
    let blocked = BucketState::Blocked { since: app.now(), failure: known.clone() };
    let bucket = PartnerBucket { state: blocked.clone(), ..app.bucket().await };
    app.store.put_bucket(&bucket).await.unwrap();
    let swept = steps::sweep(&app.parts(), |_| true).await.unwrap();
    let Verdict::Unclear(failure, StepError::Vault(_)) = &swept.rechecked[0].verdict else {
        panic!("{swept:?}")
    };
    assert_eq!((failure, app.bucket().await.state), (&known, blocked));
    assert!(steps::recheck_bucket(&app.parts(), ACCOUNT, &bucket.id).await.is_err());
    // The vault has its key back.
    app.store.put_bucket(&sealed).await.unwrap();
    app.queue.lose_all();
    app.recover(run.key).await;
    assert_rows(&app.delivered(run.key).await, &all);
}

/// An app whose export's only object is complete, and whose manifest is refused like this.
async fn refused_manifest(class: FailureClass) -> (TestApp, Run, Vec<EventRow>) {
    let app = TestApp::new().await;
    let all = rows("a", "Viewed");
    app.lake.write_events(&app.file(50), &all);
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    let (parts, work) = (app.parts(), app.queue.pop().unwrap());
    app.buckets.hold_after(Some(1));
    let task = tokio::spawn(async move { steps::handle(&parts, &work).await });
    app.buckets.until_held().await;
    app.buckets.fail_with(Some(class));
    app.buckets.hold_after(None);
    assert_eq!(task.await.unwrap().unwrap(), Handled::Done);
    app.buckets.fail_with(None);
    (app, run, all)
}

#[tokio::test]
async fn a_manifest_that_is_refused_for_our_reasons_ends_the_run() {
    let (app, run, all) = refused_manifest(FailureClass::Ours).await;
    let expected = format!(
        "the manifest {} was refused: Google refused a request of ours, or a part of ours does not work. You need not \
         do anything: our operators have to act, and have been told. [403: by the test]",
        names::manifest_object(run.key)
    );
    assert_eq!(reason(&app, &run).await, expected);
    assert_eq!(app.run(run.key).await.totals.rows, 20, "what was delivered is told");
    retried(&app, &run, &all).await;
}

#[tokio::test]
async fn a_manifest_that_is_there_is_accepted_unread_only_without_permission() {
    for (class, is_accepted) in [
        (FailureClass::PermissionMissing { permission: None }, true),
        (FailureClass::CredentialsRejected, false),
        (FailureClass::Unavailable, false),
        (FailureClass::Ours, false),
    ] {
        let app = TestApp::new().await;
        app.lake.write_events(&app.file(50), &rows("a", "Viewed"));
        let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
        app.buckets.put(BUCKET, &names::manifest_object(run.key), "of a finisher that was killed");
        app.buckets.fail_looking_with(Some(class.clone()));
        steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
        let handled = steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
        let expected = if is_accepted { Handled::Done } else { Handled::Again(app.options.passing_delay) };
        assert_eq!(handled, expected, "{class:?}");
        assert_eq!(app.run(run.key).await.status == RunStatus::Done, is_accepted, "{class:?}");
    }
}

#[tokio::test]
async fn a_stopped_run_waits_until_its_objects_can_be_told() {
    let app = TestApp::new().await;
    app.lake.write_events(&app.file(50), &rows("a", "Viewed"));
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    let work = app.queue.pop().unwrap();
    // Killed once its intent is stored, before the last bytes are sent.
    let plan = app.run(run.key).await.plan.unwrap();
    app.buckets.hold_after(Some(1));
    let parts = app.parts();
    let killed = tokio::spawn(async move { steps::handle(&parts, &work).await });
    app.buckets.until_held().await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    app.buckets.hold_after(None);
    app.advance_secs(521);
    let chunks = app.store.chunks(run.key, &plan.token, None, 9).await.unwrap().chunks;
    assert!(chunks[0].is_unfinished() && !chunks[0].intents().is_empty());
    steps::stop_export(&app.parts(), ACCOUNT, run.key.request, &StopReason::User).await.unwrap();
    let wait = Handled::Again(app.options.passing_delay);
    let again = app.queue.pop().unwrap();
    assert_eq!(again, Work::Run { run: run.key });
    // Its holder's clock may be behind: the object may still come.
    assert_eq!(steps::handle(&app.parts(), &again).await.unwrap(), wait);
    app.advance_secs(300);
    app.buckets.fail_with(Some(FailureClass::Unavailable));
    assert_eq!(steps::handle(&app.parts(), &again).await.unwrap(), wait);
    assert_eq!(app.run(run.key).await.status, RunStatus::Running, "no manifest that may leave an object out");
    app.buckets.fail_with(None);
    assert_eq!(steps::handle(&app.parts(), &again).await.unwrap(), Handled::Done);
    assert_eq!(app.run(run.key).await.status, RunStatus::Stopped);
}

/// An app with a good file and one that is broken; the run, the broken one's path, and what mends it.
async fn half_broken(format: Format) -> (TestApp, Run, Vec<EventRow>, (String, Vec<u8>)) {
    let app = TestApp::new().await;
    let all = [rows("good", "Viewed"), rows("bad", "Charged")];
    app.lake.write_events(&app.file(50), &all[0]);
    let path = app.lake.write_events(&app.file(50), &all[1]);
    let whole = app.lake.bytes(&path);
    app.lake.write_raw(&path, app.file(50).committed, &whole[..40]);
    let run = app.export(app.spec(format, DAY, DAY)).await.1;
    (app, run, all.concat(), (path, whole))
}

#[tokio::test]
async fn a_run_of_a_stopped_export_is_not_retried() {
    let (app, run, _, _) = half_broken(Format::Csv).await;
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
    let export = steps::stop_export(&app.parts(), ACCOUNT, run.key.request, &StopReason::User).await.unwrap();
    assert!(matches!(export.status, ExportStatus::Stopped { .. }));
    let refused = steps::retry_run(&app.parts(), run.key).await.unwrap_err();
    assert!(matches!(refused, RetryError::Stopped(_)));
    let expected =
        format!("the export of run {} was stopped; what it did not deliver needs a new export", run.key);
    assert_eq!(refused.to_string(), expected);
    assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
}

#[tokio::test]
async fn an_incomplete_run_is_retried_once_its_export_was_started_again() {
    let app = TestApp::new().await;
    let export = app.recurring(live(&app)).await;
    let all = rows("bad", "Charged");
    let path = app.lake.write_events(&app.file(50), &all);
    let whole = app.lake.bytes(&path);
    app.lake.write_raw(&path, app.file(50).committed, &whole[..40]);
    let run = app.next_run(export.request).await;
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
    let reason = StopReason::Failure { message: "The bucket is gone.".to_owned() };
    steps::stop_export(&app.parts(), ACCOUNT, export.request, &reason).await.unwrap();
    assert!(matches!(steps::retry_run(&app.parts(), run.key).await, Err(RetryError::Stopped(_))));
    let started = steps::start_again(&app.parts(), ACCOUNT, export.request, None).await.unwrap();
    assert_eq!(started.resumed, [], "nobody mended it yet");
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
    app.lake.write_raw(&path, app.file(50).committed, &whole);
    retried(&app, &run, &all).await;
    let old = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap();
    assert!(matches!(old.status, ExportStatus::Stopped { .. }) && old.resumed_runs.is_empty());
}

/// A finisher that stands still anywhere while the run is closed and retried neither closes it nor leaves files out.
#[tokio::test]
async fn a_finisher_of_before_a_retry_does_not_close_the_run_of_after_it() {
    for nth in 0.. {
        let (app, run, all, (path, whole)) = half_broken(Format::Json).await;
        steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
        // All chunks are worked, by somebody who died before he could finish.
        let mut works = Vec::new();
        while let Some(work) = app.queue.pop() {
            works.push(work);
        }
        let last = works.pop().unwrap();
        for work in works {
            steps::handle(&app.parts(), &work).await.unwrap();
        }
        let slow = app.worker();
        slow.gate.arm(nth, Strike::Hold);
        let (parts, message) = (slow.parts.clone(), last.clone());
        let mut task = tokio::spawn(async move { steps::handle(&parts, &message).await });
        let ended = tokio::select! {
            ended = &mut task => Some(ended.unwrap().unwrap()),
            () = slow.gate.until_held() => None,
        };
        if let Some(handled) = ended {
            assert_eq!(handled, Handled::Done);
            app.drain().await.unwrap();
            assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
            if slow.gate.disarm() {
                assert!(nth > 10, "it never stood still");
                return;
            }
            // That point is the encoder's thread's, which does not stand still.
            continue;
        }
        app.queue.put(last.clone());
        app.queue.put(Work::Run { run: run.key });
        app.drain().await.unwrap();
        let was_closed = app.run(run.key).await.status == RunStatus::Incomplete;
        app.lake.write_raw(&path, app.file(50).committed, &whole);
        if was_closed {
            steps::retry_run(&app.parts(), run.key).await.unwrap();
        }
        slow.gate.release();
        match task.await.unwrap() {
            Ok(Handled::Done) => {}
            _ => app.queue.put(last),
        }
        if was_closed {
            assert_ne!(app.run(run.key).await.status, RunStatus::Incomplete, "held at {nth}");
        }
        app.recover(run.key).await;
        if app.run(run.key).await.status == RunStatus::Incomplete {
            steps::retry_run(&app.parts(), run.key).await.unwrap();
            app.drain().await.unwrap();
        }
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done, "held at {nth}");
        assert_rows(&delivered, &all);
    }
}

#[tokio::test]
async fn a_crash_between_closing_and_waking_delays_nothing() {
    let mut between = 0;
    for nth in 0.. {
        let app = TestApp::new().await;
        let export = app.recurring(live(&app)).await;
        let (first_rows, second_rows) = (rows("first", "Viewed"), rows("second", "Viewed"));
        app.lake.write_events(&app.file(50), &first_rows);
        let first = app.next_run(export.request).await;
        app.advance_secs(300);
        app.lake.write_events(&app.file(50), &second_rows);
        let second = app.next_run(export.request).await;
        app.queue.lose_all();
        app.queue.put(Work::Run { run: first.key });
        let worker = app.worker();
        worker.gate.arm(nth, Strike::Kill);
        while let Some(work) = app.queue.pop() {
            if worker.gate.run(steps::handle(&worker.parts, &work)).await.is_killed() {
                // It was not acknowledged, so that it comes again; nothing else does.
                app.queue.put(work);
                break;
            }
        }
        if worker.gate.disarm() {
            app.abandon();
            assert!(between > 0, "the worker was never killed between the two");
            return;
        }
        let woken = app.queue.all().contains(&Work::Run { run: second.key });
        if app.run(first.key).await.status.is_closed() && app.run(second.key).await.status == RunStatus::Owed
        {
            between += usize::from(!woken);
            app.drain().await.unwrap();
            let status = app.run(second.key).await.status;
            assert_eq!(status, RunStatus::Done, "killed at {nth}");
        } else {
            app.abandon();
        }
    }
}

#[tokio::test]
async fn the_message_of_a_later_run_wakes_the_one_that_is_first() {
    let app = TestApp::new().await;
    let export = app.recurring(live(&app)).await;
    let first = app.next_run(export.request).await;
    app.advance_secs(300);
    let second = app.next_run(export.request).await;
    app.queue.lose_all();
    app.queue.put(Work::Run { run: second.key });
    app.drain().await.unwrap();
    for run in [first, second] {
        assert_eq!(app.run(run.key).await.status, RunStatus::Empty);
    }
}

#[tokio::test]
async fn chunks_of_a_dead_planner_are_swept_when_the_run_ends() {
    let app = TestApp::new().await;
    app.lake.write_events(&app.file(50), &rows("a", "Viewed"));
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    let plan = app.run(run.key).await.plan.unwrap().token;
    let planned = app.store.chunks(run.key, &plan, None, 9).await.unwrap().chunks.remove(0);
    let orphan = PlanToken("of a planner that died".to_owned());
    let chunk = Chunk::new(run.key, &orphan, planned.plan().clone());
    app.store.add_chunks(&[chunk]).await.unwrap();
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Done);
    assert!(app.store.chunks(run.key, &orphan, None, 9).await.unwrap().chunks.is_empty());
}
