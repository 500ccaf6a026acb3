//! Exports that were stopped by failure go on; plans that are given up; what runs came to.

use spillway::{
    domain::{
        Delivery, Export, ExportStatus, Frequency, Opening, Run, RunClosing, RunStatus, RunTotals,
        StopReason, Window,
    },
    ports::{BucketRemoval, StartAgain, StartedAgain, Store, StoreError},
};

use super::{Stores, concurrency::at_once, fixtures::*};

fn by_failure() -> StopReason {
    StopReason::Failure { message: "The bucket is gone.".to_owned() }
}

fn start(export: &Export, now: i64) -> StartAgain {
    let (account, request) = (export.account, export.request);
    let (next_due_at, started_by) = (Some(at(now + 50)), Some("amy@acme.example".to_owned()));
    StartAgain { account, request, now: at(now), next_due_at, started_by }
}

fn is_conflict<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Conflict(_)))
}

async fn done(store: &dyn Store, run: &Run, files: u64, rows: u64, now: i64) {
    let plan = format!("p{now}");
    store.open_run(run.key, &opening(&plan, &run.spec, now)).await.unwrap();
    let totals = RunTotals { files, rows, ..RunTotals::default() };
    let status = if files > 0 { RunStatus::Done } else { RunStatus::Empty };
    let closing = RunClosing { totals, delivered_in: Some(Opening::first(at(now))), ..closing(status, now) };
    store.close_run(run.key, &closing).await.unwrap();
}

/// An export of which one run was delivered, one was begun and one was owed when it was stopped.
async fn stopped(stores: &Stores, frequency: Frequency) -> (Export, Vec<Run>) {
    let store = &*stores.one;
    let export = with_export(store, ACME, frequency, 0).await;
    let mut runs = Vec::new();
    for n in 0..3 {
        runs.push(next_run(store, &export, window(100 * n - 100, 100 * n), 100 * n).await.unwrap());
    }
    done(store, &runs[0], 1, 5, 10).await;
    store.open_run(runs[1].key, &opening("begun", &runs[1].spec, 150)).await.unwrap();
    store.stop_export(ACME, export.request, None, &by_failure(), at(250)).await.unwrap();
    store.close_run(runs[1].key, &closing(RunStatus::Stopped, 260)).await.unwrap();
    (export, runs)
}

pub async fn a_stopped_export_goes_on_behind_what_it_had_begun(stores: Stores) {
    let (export, runs) = stopped(&stores, recurring()).await;
    let StartedAgain { export: successor, resumed } =
        stores.one.start_again(&start(&export, 300)).await.unwrap();
    assert_eq!(resumed, [runs[1].key]);
    assert_eq!(
        (successor.status.clone(), successor.spec.clone()),
        (ExportStatus::Pending, export.spec.clone())
    );
    assert_eq!(successor.created_by.as_deref(), Some("amy@acme.example"));
    assert_eq!((successor.planned_cut, successor.next_due_at), (Some(at(100)), Some(at(350))));
    assert_eq!(successor.predecessor, Some(export.request));
    assert_eq!(stores.two.export(ACME, successor.request).await.unwrap(), Some(successor.clone()));
    let old = stores.two.export(ACME, export.request).await.unwrap().unwrap();
    assert!(matches!(old.status, ExportStatus::Stopped { .. }) && old.successor == Some(successor.request));
    assert!(old.works_on(runs[1].key.run) && !old.works_on(runs[2].key.run));
    let begun = stores.two.run(runs[1].key).await.unwrap().unwrap();
    assert_eq!((begun.status, begun.reopened), (RunStatus::Running, 1));
    assert_eq!(begun.plan, Some(run_plan("begun")), "its objects keep their names");
    assert_eq!(stores.two.open_run_keys().await.unwrap(), [runs[1].key], "the owed one is the successor's");
    // Brought to its end, it is over for good.
    stores.one.close_run(runs[1].key, &closing_after(1, RunStatus::Done, 400)).await.unwrap();
    let old = stores.two.export(ACME, export.request).await.unwrap().unwrap();
    assert_eq!((old.delivered_cut, old.works_on(runs[1].key.run)), (Some(at(100)), false));
    assert!(matches!(old.status, ExportStatus::Stopped { .. }));
    // The successor's first window begins where that run ends.
    let next = next_run(&*stores.one, &successor, window(100, 400), 400).await.unwrap();
    assert_eq!(next.window, Window::Committed { after: at(100), upto: at(400) });
}

pub async fn what_was_not_closed_yet_is_gone_on_with(stores: Stores) {
    let store = &*stores.one;
    let export = with_export(store, ACME, recurring(), 0).await;
    let run = next_run(store, &export, window(-100, 0), 0).await.unwrap();
    store.open_run(run.key, &opening("p", &run.spec, 10)).await.unwrap();
    store.stop_export(ACME, export.request, None, &by_failure(), at(250)).await.unwrap();
    // Some worker has still a lease, so that nobody could close the run.
    let started = stores.two.start_again(&start(&export, 300)).await.unwrap();
    assert_eq!((started.resumed, started.export.planned_cut), (vec![run.key], Some(at(0))));
    // Who saw it stopped before that closes nothing.
    assert!(is_conflict(&store.close_run(run.key, &closing(RunStatus::Stopped, 310)).await));
    stores.two.close_run(run.key, &closing_after(1, RunStatus::Done, 320)).await.unwrap();
    let old = store.export(ACME, export.request).await.unwrap().unwrap();
    assert_eq!((old.delivered_cut, old.resumed_runs), (Some(at(0)), Vec::new()));
}

pub async fn a_stopped_export_without_runs_goes_on_at_its_last_cut(stores: Stores) {
    let store = &*stores.one;
    let export = with_export(store, ACME, recurring(), 0).await;
    let run = next_run(store, &export, window(-100, 0), 0).await.unwrap();
    done(store, &run, 1, 5, 10).await;
    next_run(store, &export, window(0, 100), 100).await.unwrap();
    store.stop_export(ACME, export.request, None, &by_failure(), at(250)).await.unwrap();
    let started = store.start_again(&start(&export, 300)).await.unwrap();
    assert_eq!((started.resumed.len(), started.export.planned_cut), (0, Some(at(0))));
    // Of what never delivered anything the successor begins at the beginning.
    store.stop_export(ACME, started.export.request, None, &by_failure(), at(310)).await.unwrap();
    let never = with_export(store, OTHER, recurring(), 0).await;
    store.stop_export(OTHER, never.request, None, &by_failure(), at(1)).await.unwrap();
    assert_eq!(store.start_again(&start(&never, 300)).await.unwrap().export.planned_cut, None);
}

pub async fn what_is_incomplete_stays_so_and_may_be_retried(stores: Stores) {
    let store = &*stores.one;
    let export = with_export(store, ACME, recurring(), 0).await;
    let run = next_run(store, &export, window(-100, 0), 0).await.unwrap();
    store.open_run(run.key, &opening("p", &run.spec, 10)).await.unwrap();
    store.close_run(run.key, &closing(RunStatus::Incomplete, 20)).await.unwrap();
    store.stop_export(ACME, export.request, None, &by_failure(), at(250)).await.unwrap();
    let started = stores.two.start_again(&start(&export, 300)).await.unwrap();
    assert_eq!((started.resumed.len(), started.export.planned_cut), (0, Some(at(0))));
    assert_eq!(
        store.run(run.key).await.unwrap().unwrap().status,
        RunStatus::Incomplete,
        "nobody mended it yet"
    );
    let old = store.export(ACME, export.request).await.unwrap().unwrap();
    assert!(old.works_on(run.key.run));
    assert_eq!(store.reopen_run(run.key).await.unwrap().status, RunStatus::Running);
    store.close_run(run.key, &closing_after(1, RunStatus::Done, 400)).await.unwrap();
    let old = stores.two.export(ACME, export.request).await.unwrap().unwrap();
    assert!(!old.works_on(run.key.run) && matches!(old.status, ExportStatus::Stopped { .. }));
}

pub async fn runs_are_counted_by_status(stores: Stores) {
    let (export, _) = stopped(&stores, recurring()).await;
    let count = |account, status| stores.two.count_runs(account, export.request, status);
    assert_eq!(count(ACME, RunStatus::Stopped).await.unwrap(), 2);
    assert_eq!(count(ACME, RunStatus::Done).await.unwrap(), 1);
    assert_eq!(count(ACME, RunStatus::Owed).await.unwrap(), 0);
    assert_eq!(count(OTHER, RunStatus::Stopped).await.unwrap(), 0);
}

/// What a stopped export had begun goes where its successor goes, under its own number.
pub async fn a_moved_successor_takes_the_numbers_of_what_it_follows(stores: Stores) {
    let (export, runs) = stopped(&stores, recurring()).await;
    let store = &*stores.one;
    let started = store.start_again(&start(&export, 300)).await.unwrap();
    let spec = |nickname: &str| spillway::domain::ExportSpec {
        bucket: spillway::domain::BucketId(nickname.to_owned()),
        ..export.spec.clone()
    };
    let moves = |spec| {
        let (before, request) = (started.export.spec.clone(), started.export.request);
        async move { store.edit_export(ACME, request, &before, &spec, None).await }
    };
    // Another account exports into that bucket, under the number of the stopped one.
    with_account(store, OTHER).await;
    let shared = store.bucket(ACME, &spillway::domain::BucketId("spare".to_owned())).await.unwrap().unwrap();
    store.put_bucket(&spillway::domain::PartnerBucket { account: OTHER, ..shared }).await.unwrap();
    let stranger = spillway::ports::NewExport {
        account: OTHER,
        spec: spec("spare"),
        now: export.created_at,
        next_due_at: None,
        origin: Default::default(),
    };
    let stranger = store.create_export(&stranger).await.unwrap();
    assert_eq!(stranger.request, export.request);
    let refused = moves(spec("spare")).await;
    assert!(matches!(refused, Err(StoreError::NumberTaken { request, .. }) if request == export.request));
    // Once nothing is left to be finished it is free to go.
    store.close_run(runs[1].key, &closing_after(1, RunStatus::Done, 400)).await.unwrap();
    moves(spec("spare")).await.unwrap();
}

pub async fn a_run_of_a_stopped_export_is_opened_anew_where_it_is_finished(stores: Stores) {
    let (export, runs) = stopped(&stores, recurring()).await;
    let store = &*stores.one;
    store.start_again(&start(&export, 300)).await.unwrap();
    let owed = store.give_up_plan(runs[1].key, 1).await.unwrap();
    let anew = spillway::domain::RunOpening { reopened: 2, ..opening("new", &owed.spec, 310) };
    assert_eq!(store.open_run(owed.key, &anew).await.unwrap().status, RunStatus::Running);
    let old = stores.two.export(ACME, export.request).await.unwrap().unwrap();
    assert!(matches!(old.status, ExportStatus::Stopped { .. }), "{:?}", old.status);
}

pub async fn a_one_time_export_goes_on_itself(stores: Stores) {
    let store = &*stores.one;
    for (begun, status) in [(true, RunStatus::Running), (false, RunStatus::Owed)] {
        let account = if begun { ACME } else { OTHER };
        let export = with_export(store, account, one_time(), 0).await;
        let run = next_run(store, &export, day_window(0), 0).await.unwrap();
        if begun {
            store.open_run(run.key, &opening("p", &run.spec, 1)).await.unwrap();
        }
        store.stop_export(account, export.request, None, &by_failure(), at(250)).await.unwrap();
        if begun {
            store.close_run(run.key, &closing(RunStatus::Stopped, 260)).await.unwrap();
        }
        let started = stores.two.start_again(&start(&export, 300)).await.unwrap();
        assert_eq!((started.export.request, started.resumed), (export.request, vec![run.key]));
        assert!(started.export.is_active() && started.export.successor.is_none());
        assert_eq!(store.run(run.key).await.unwrap().unwrap().status, status);
        assert!(is_conflict(&stores.two.start_again(&start(&export, 301)).await));
    }
}

pub async fn a_one_time_export_does_not_go_on_without_its_bucket(stores: Stores) {
    let store = &*stores.one;
    let export = with_export(store, ACME, one_time(), 0).await;
    store.stop_export(ACME, export.request, None, &by_failure(), at(250)).await.unwrap();
    let removed = stores.two.remove_bucket(ACME, &export.spec.bucket).await.unwrap();
    assert_eq!(removed, BucketRemoval::Removed);
    assert!(matches!(store.start_again(&start(&export, 300)).await, Err(StoreError::NotFound(_))));
    let stopped = store.export(ACME, export.request).await.unwrap().unwrap();
    assert!(matches!(stopped.status, ExportStatus::Stopped { .. }), "it did not become active");
}

pub async fn only_what_was_stopped_by_failure_goes_on(stores: Stores) {
    let store = &*stores.one;
    let export = with_export(store, ACME, recurring(), 0).await;
    assert!(is_conflict(&store.start_again(&start(&export, 10)).await), "it is active");
    store.stop_export(ACME, export.request, None, &StopReason::User, at(20)).await.unwrap();
    assert!(is_conflict(&store.start_again(&start(&export, 30)).await), "a person stopped it");
    assert!(is_conflict(&store.start_again(&start(&export, 30)).await));
    let all = store.list_exports(ACME, &Default::default(), None, 9).await.unwrap().exports;
    assert_eq!(all.len(), 1, "nothing was created");
    let unknown = StartAgain { account: OTHER, ..start(&export, 30) };
    assert!(matches!(store.start_again(&unknown).await, Err(StoreError::NotFound(_))));
}

pub async fn an_export_is_started_again_once(stores: Stores) {
    let (export, runs) = stopped(&stores, recurring()).await;
    let started = at_once(&stores, 6, |store, n| {
        let start = start(&export, 300 + n as i64);
        async move { store.start_again(&start).await.unwrap() }
    })
    .await;
    assert!(started.iter().all(|one| one.export.request == started[0].export.request));
    assert!(started.iter().all(|one| one.resumed == [runs[1].key]));
    let all = stores.one.list_exports(ACME, &Default::default(), None, 9).await.unwrap().exports;
    assert_eq!(all.len(), 2);
}

pub async fn a_plan_is_given_up_once(stores: Stores) {
    let store = &*stores.one;
    let run = with_run(store, ACME).await;
    assert!(is_conflict(&store.give_up_plan(run.key, 0).await), "it has none");
    store.open_run(run.key, &opening("old", &run.spec, 1)).await.unwrap();
    assert!(is_conflict(&store.give_up_plan(run.key, 1).await), "it was never opened again");
    let owed = store.give_up_plan(run.key, 0).await.unwrap();
    assert_eq!((owed.status, owed.plan, owed.bucket_name, owed.reopened), (RunStatus::Owed, None, None, 1));
    assert_eq!(store.export(ACME, run.key.request).await.unwrap().unwrap().status, ExportStatus::Pending);
    assert!(is_conflict(&stores.two.give_up_plan(run.key, 0).await));
    // Whoever planned it before opens nothing, and whoever finished it closes nothing.
    assert!(is_conflict(&store.open_run(run.key, &opening("old", &run.spec, 2)).await));
    assert!(is_conflict(&store.close_run(run.key, &closing(RunStatus::Done, 2)).await));
    let anew = spillway::domain::RunOpening { reopened: 1, ..opening("new", &run.spec, 3) };
    assert_eq!(store.open_run(run.key, &anew).await.unwrap().status, RunStatus::Running);
}

pub async fn what_runs_came_to_is_remembered(stores: Stores) {
    let (store, day) = (&*stores.one, 86_400);
    let export = with_export(store, ACME, recurring(), 0).await;
    let mut cut = -100;
    let mut run_at = async |files, rows, now| {
        let run = next_run(store, &export, window(cut, now), now).await.unwrap();
        cut = now;
        done(store, &run, files, rows, now + 1).await;
        stores.two.export(ACME, export.request).await.unwrap().unwrap().history
    };
    let history = run_at(1, 5, 0).await;
    let delivered = |now| {
        Some(Delivery { at: at(now), into: export.spec.bucket.clone(), opening: Opening::first(at(now)) })
    };
    assert_eq!((history.succeeded_at, history.delivered), (Some(at(1)), delivered(1)));
    assert_eq!((history.data_since, history.emptied_at), (Some(at(1)), None));
    let history = run_at(0, 0, 10).await;
    assert_eq!((history.delivered, history.data_since), (delivered(11), None));
    assert_eq!(history.emptied_at, None, "there was data for a moment only");
    run_at(1, 5, 20).await;
    assert_eq!(run_at(1, 5, 15 * day).await.data_since, Some(at(21)));
    let history = run_at(0, 0, 15 * day + 10).await;
    assert_eq!((history.data_since, history.emptied_at), (None, Some(at(15 * day + 11))));
    let run = next_run(store, &export, window(15 * day + 10, 16 * day), 16 * day).await.unwrap();
    store.open_run(run.key, &opening("last", &run.spec, 16 * day)).await.unwrap();
    store.close_run(run.key, &closing(RunStatus::Incomplete, 17 * day)).await.unwrap();
    let then = store.export(ACME, export.request).await.unwrap().unwrap().history;
    assert_eq!(then, history, "ours is no success");
}
