//! Runs: created, opened, closed, opened again.

use spillway::{
    domain::{
        Export, ExportStatus, Frequency, RequestId, Run, RunClosing, RunKey, RunOpening, RunStatus,
        RunTimestamp, RunTotals, StopReason, ZoneName,
    },
    ports::{NewRun, Store, StoreError},
};

use super::{Stores, fixtures::*};

pub(super) fn is_conflict<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Conflict(_)))
}

pub(super) async fn export_of(store: &dyn Store, run: &Run) -> Export {
    store.export(run.key.account, run.key.request).await.unwrap().unwrap()
}

pub async fn creating_a_run_advances_the_export(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let (zone, window) = (ZoneName::new("Asia/Kolkata").unwrap(), window(-100, 50));
    let due = Some(at(14_400));
    let new = new_run(ACME, export.request, window, None, 60);
    let new = NewRun { zone: zone.clone(), next_due_at: due, ..new };
    let run = stores.one.create_run(&new).await.unwrap();
    let expected = Run {
        key: RunKey { account: ACME, request: export.request, run: RunTimestamp(1_700_000_060) },
        window,
        spec: export.spec.clone(),
        bucket_name: None,
        zone,
        status: RunStatus::Owed,
        plan: None,
        created_at: at(60),
        opened_at: None,
        closed_at: None,
        totals: RunTotals::default(),
        reason: None,
        reopened: 0,
        has_manifest: false,
    };
    assert_eq!(run, expected);
    assert_eq!(stores.two.run(run.key).await.unwrap(), Some(expected));
    let advanced = Export { planned_cut: Some(at(50)), next_due_at: due, ..export };
    assert_eq!(export_of(&*stores.two, &run).await, advanced);
}

pub async fn a_run_is_created_at_the_expected_cut_only(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let create = async |expected, now| {
        stores.one.create_run(&new_run(ACME, export.request, window(0, 50), expected, now)).await
    };
    assert!(is_conflict(&create(Some(at(0)), 50).await));
    create(None, 50).await.unwrap();
    assert!(is_conflict(&create(None, 51).await));
    assert!(is_conflict(&create(Some(at(49)), 51).await));
    create(Some(at(50)), 51).await.unwrap();
    assert_eq!(stores.two.runs(ACME, export.request).await.unwrap().len(), 2);
    let unknown = stores.one.create_run(&new_run(ACME, RequestId(1), window(0, 50), None, 0)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound(_))));
}

pub async fn no_run_of_an_export_that_has_ended(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    stores.one.stop_export(ACME, export.request, None, &StopReason::User, at(1)).await.unwrap();
    assert!(is_conflict(&next_run(&*stores.one, &export, window(0, 50), 50).await));
    assert_eq!(stores.two.runs(ACME, export.request).await.unwrap(), []);
    assert_eq!(stores.two.export(ACME, export.request).await.unwrap().unwrap().planned_cut, None);
}

pub async fn a_one_time_run_has_the_request_id(stores: Stores) {
    let export = with_export(&*stores.one, ACME, one_time(), 0).await;
    let run = next_run(&*stores.one, &export, day_window(70), 70).await.unwrap();
    assert_eq!(run.key.run.0, export.request.0);
    assert!(is_conflict(&next_run(&*stores.one, &export, day_window(80), 80).await));
}

pub async fn opening_adopts_the_plan_and_freezes_the_spec(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let edited = spec("spare", recurring());
    let opened = stores.one.open_run(run.key, &opening("p", &edited, 9)).await.unwrap();
    let expected = Run {
        spec: edited,
        bucket_name: Some("spare-at-google".to_owned()),
        status: RunStatus::Running,
        plan: Some(run_plan("p")),
        opened_at: Some(at(9)),
        ..run
    };
    assert_eq!(opened, expected);
    assert_eq!(stores.two.run(run.key).await.unwrap(), Some(expected));
    assert_eq!(export_of(&*stores.two, &opened).await.status, ExportStatus::Running);
}

pub async fn opening_refuses_what_is_not_owed(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let open =
        async |key, token| stores.one.open_run(key, &opening(token, &spec("main", recurring()), 9)).await;
    open(run.key, "p").await.unwrap();
    assert!(is_conflict(&open(run.key, "p").await), "it has a plan");
    assert!(is_conflict(&open(run.key, "q").await), "it has another plan");
    let known = stores.two.run(run.key).await.unwrap().unwrap();
    assert_eq!(known.plan, Some(run_plan("p")));

    stores.one.close_run(run.key, &closing(RunStatus::Done, 10)).await.unwrap();
    assert!(is_conflict(&open(run.key, "q").await), "it has ended");
    let export = export_of(&*stores.one, &run).await;
    let owed = next_run(&*stores.one, &export, window(0, 100), 100).await.unwrap();
    stores.one.stop_export(ACME, run.key.request, None, &StopReason::User, at(101)).await.unwrap();
    assert!(is_conflict(&open(owed.key, "q").await), "its export has ended");
    let unknown = RunKey { run: RunTimestamp(1), ..run.key };
    assert!(matches!(open(unknown, "q").await, Err(StoreError::NotFound(_))));
}

async fn opened(stores: &Stores, frequency: Frequency) -> Run {
    let export = with_export(&*stores.one, ACME, frequency, 0).await;
    let run = next_run(&*stores.one, &export, window(-100, 0), 0).await.unwrap();
    stores.one.open_run(run.key, &opening("p", &export.spec, 1)).await.unwrap()
}

pub async fn closing_moves_a_recurring_export_on(stores: Stores) {
    for status in [RunStatus::Done, RunStatus::Empty, RunStatus::Incomplete] {
        let run = opened(&stores, recurring()).await;
        let totals = RunTotals { files: 1, rows: 2, bytes: u64::MAX, deleted_profiles: 4, failed_chunks: 5 };
        let reason = Some("It went so.".to_owned());
        let closing = RunClosing { totals, reason: reason.clone(), ..closing(status, 7) };
        assert!(stores.one.close_run(run.key, &closing).await.unwrap());
        let closed = stores.two.run(run.key).await.unwrap().unwrap();
        assert_eq!(closed, Run { status, totals, reason, closed_at: Some(at(7)), ..run });
        let export = export_of(&*stores.two, &closed).await;
        assert_eq!((export.status, export.delivered_cut), (ExportStatus::Pending, Some(at(0))));
        assert_eq!(stores.two.open_runs().await.unwrap(), []);
    }
}

pub async fn closing_ends_a_one_time_export(stores: Stores) {
    for (status, then) in [
        (RunStatus::Done, ExportStatus::Done),
        (RunStatus::Empty, ExportStatus::Done),
        (RunStatus::Incomplete, ExportStatus::Running),
    ] {
        let run = opened(&stores, one_time()).await;
        assert!(stores.one.close_run(run.key, &closing(status, 7)).await.unwrap());
        assert_eq!(export_of(&*stores.two, &run).await.status, then);
    }
    // An owed run may close too, where there is nothing to plan.
    let export = with_export(&*stores.one, ACME, one_time(), 0).await;
    let run = next_run(&*stores.one, &export, day_window(0), 0).await.unwrap();
    assert!(stores.one.close_run(run.key, &closing(RunStatus::Empty, 7)).await.unwrap());
    assert_eq!(export_of(&*stores.two, &run).await.status, ExportStatus::Done);
}

pub async fn closing_again_changes_nothing(stores: Stores) {
    let run = opened(&stores, recurring()).await;
    assert!(is_conflict(&stores.one.close_run(run.key, &closing(RunStatus::Running, 7)).await));
    assert!(stores.one.close_run(run.key, &closing(RunStatus::Done, 7)).await.unwrap());
    let (closed, export) = (stores.one.run(run.key).await.unwrap(), export_of(&*stores.one, &run).await);
    assert!(!stores.two.close_run(run.key, &closing(RunStatus::Done, 8)).await.unwrap());
    assert!(is_conflict(&stores.two.close_run(run.key, &closing(RunStatus::Incomplete, 8)).await));
    assert_eq!(stores.two.run(run.key).await.unwrap(), closed);
    assert_eq!(export_of(&*stores.two, &run).await, export);
    let unknown = RunKey { run: RunTimestamp(1), ..run.key };
    let answer = stores.one.close_run(unknown, &closing(RunStatus::Done, 7)).await;
    assert!(matches!(answer, Err(StoreError::NotFound(_))));
}

pub async fn closing_leaves_a_stopped_export_stopped(stores: Stores) {
    let run = opened(&stores, recurring()).await;
    stores.one.stop_export(ACME, run.key.request, None, &StopReason::User, at(5)).await.unwrap();
    assert!(stores.one.close_run(run.key, &closing(RunStatus::Stopped, 7)).await.unwrap());
    let export = export_of(&*stores.two, &run).await;
    assert_eq!(export.status, ExportStatus::Stopped { reason: StopReason::User, at: at(5) });
    assert_eq!(export.delivered_cut, None, "a stopped run has not delivered its window");
}

pub async fn only_incomplete_runs_open_again(stores: Stores) {
    let run = opened(&stores, one_time()).await;
    assert!(is_conflict(&stores.one.reopen_run(run.key).await));
    stores.one.close_run(run.key, &closing(RunStatus::Incomplete, 7)).await.unwrap();
    let again = stores.one.reopen_run(run.key).await.unwrap();
    assert_eq!(again, Run { reopened: 1, ..run.clone() }, "as it was when it was opened");
    assert_eq!(stores.two.run(run.key).await.unwrap(), Some(again));
    assert_eq!(export_of(&*stores.two, &run).await.status, ExportStatus::Running);
    for status in [RunStatus::Incomplete, RunStatus::Done] {
        let stale = stores.one.close_run(run.key, &closing(status, 8)).await;
        assert!(is_conflict(&stale), "by somebody who looked at it before it was opened again");
    }
    assert!(stores.one.close_run(run.key, &closing_after(1, RunStatus::Done, 8)).await.unwrap());
    assert!(is_conflict(&stores.one.reopen_run(run.key).await));
    assert_eq!(export_of(&*stores.two, &run).await.status, ExportStatus::Done);

    let run = opened(&stores, recurring()).await;
    stores.one.close_run(run.key, &closing(RunStatus::Incomplete, 7)).await.unwrap();
    stores.one.stop_export(ACME, run.key.request, None, &StopReason::User, at(8)).await.unwrap();
    stores.one.reopen_run(run.key).await.unwrap();
    let export = export_of(&*stores.two, &run).await;
    assert!(matches!(export.status, ExportStatus::Stopped { .. }), "it has ended and stays so");
    let unknown = RunKey { run: RunTimestamp(1), ..run.key };
    assert!(matches!(stores.one.reopen_run(unknown).await, Err(StoreError::NotFound(_))));
}

pub async fn a_run_that_was_never_planned_is_owed_again(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let reason = Some("A file lies where none belongs; move it away.".to_owned());
    let why = RunClosing { reason, ..closing(RunStatus::Incomplete, 7) };
    assert!(stores.one.close_run(run.key, &why).await.unwrap());
    assert_eq!(stores.two.run(run.key).await.unwrap().unwrap().reason, why.reason);
    let again = stores.one.reopen_run(run.key).await.unwrap();
    assert_eq!(again, Run { reopened: 1, ..run.clone() });
    assert_eq!(export_of(&*stores.two, &run).await.status, ExportStatus::Pending, "nothing runs yet");
    let stale = stores.one.open_run(run.key, &opening("p", &run.spec, 9)).await;
    assert!(is_conflict(&stale), "by somebody who began to plan it before it was opened again");
    assert_eq!(stores.two.run(run.key).await.unwrap(), Some(again));
    let opening = RunOpening { reopened: 1, ..opening("p", &run.spec, 9) };
    stores.one.open_run(run.key, &opening).await.unwrap();
}

pub async fn a_plan_whose_chunks_were_swept_is_not_adopted(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    with_chunks(&*stores.one, &run, "p", &[0; 3]).await;
    with_chunks(&*stores.one, &run, "q", &[0]).await;
    for chunks in [0, 2, 4] {
        let opened = stores.one.open_run(run.key, &opening_of(chunks, "p", &run.spec, 9)).await;
        assert!(is_conflict(&opened), "{chunks} of 3 chunks");
    }
    assert_eq!(stores.two.run(run.key).await.unwrap(), Some(run.clone()));
    assert_eq!(export_of(&*stores.two, &run).await.status, ExportStatus::Pending);
    let opened = stores.one.open_run(run.key, &opening_of(3, "p", &run.spec, 9)).await.unwrap();
    assert_eq!(opened.plan.unwrap().chunks, 3);
}

pub async fn open_runs_of_an_export_come_oldest_first(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let other = with_run(&*stores.one, OTHER).await;
    let mut runs = vec![];
    for n in 1..5 {
        runs.push(next_run(&*stores.one, &export, window(n - 1, n), 50 - n).await.unwrap().key);
    }
    stores.one.close_run(runs[1], &closing(RunStatus::Empty, 60)).await.unwrap();
    let open = stores.two.open_runs_of(ACME, export.request).await.unwrap();
    assert_eq!(open, [runs[0], runs[2], runs[3]]);
    assert_eq!(stores.two.open_runs_of(OTHER, other.key.request).await.unwrap(), [other.key]);
    assert_eq!(stores.two.open_runs_of(ACME, RequestId(1)).await.unwrap(), []);
}
