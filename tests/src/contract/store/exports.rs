//! Exports: their request ids and their end.

use jiff::Timestamp;
use spillway::{
    domain::{
        AccountId, Export, ExportHistory, ExportStatus, Frequency, RequestId, Run, RunKey, RunStatus,
        RunTimestamp, StopReason, Window, ZoneName,
    },
    ports::{NewExport, Origin, StoreError},
};

use super::{Stores, fixtures::*};

async fn create(
    stores: &Stores,
    account: AccountId,
    bucket: &str,
    now: Timestamp,
) -> Result<Export, StoreError> {
    let new = NewExport {
        account,
        spec: spec(bucket, recurring()),
        now,
        next_due_at: Some(at(60)),
        origin: Origin::default(),
    };
    stores.one.create_export(&new).await
}

pub async fn a_new_export_is_pending_under_the_second_of_now(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let now = Timestamp::from_nanosecond(at(5).as_nanosecond() + 999_999_999).unwrap();
    let export = create(&stores, ACME, "main", now).await.unwrap();
    let expected = Export {
        account: ACME,
        request: RequestId(1_700_000_005),
        spec: spec("main", recurring()),
        status: ExportStatus::Pending,
        created_at: now,
        planned_cut: None,
        delivered_cut: None,
        next_due_at: Some(at(60)),
        created_by: None,
        history: ExportHistory::default(),
        successor: None,
        predecessor: None,
        begins_at: None,
        resumed_runs: Vec::new(),
    };
    assert_eq!(export, expected);
    assert_eq!(stores.two.export(ACME, export.request).await.unwrap(), Some(expected));
    assert_eq!(stores.two.export(ACME, export.request.next()).await.unwrap(), None);
}

pub async fn a_one_time_export_comes_with_its_run(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let window = Window::Committed { after: at(0), upto: at(4) };
    let spec = spec("main", Frequency::OneTime { days: None });
    let new = NewExport {
        account: ACME,
        spec: spec.clone(),
        now: at(5),
        next_due_at: None,
        origin: Origin::default(),
    };
    let zone = ZoneName::default();
    let (export, run) = stores.one.create_one_time(&new, window, &zone).await.unwrap();
    assert_eq!((export.planned_cut, export.status.clone()), (Some(at(4)), ExportStatus::Pending));
    let key = RunKey { account: ACME, request: export.request, run: RunTimestamp(export.request.0) };
    assert_eq!(run, Run::owed(key, window, &spec, &zone, at(5)));
    assert_eq!(stores.two.export(ACME, export.request).await.unwrap(), Some(export));
    assert_eq!(stores.two.open_runs().await.unwrap(), [run]);
}

pub async fn a_taken_second_gives_the_next_free_one(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let request = async |bucket, now| create(&stores, ACME, bucket, at(now)).await.unwrap().request.0;
    assert_eq!(request("main", 1).await, 1_700_000_001);
    assert_eq!(request("main", 0).await, 1_700_000_000);
    // Unique in the account, whatever the bucket; 0 and 1 are taken.
    assert_eq!(request("spare", 0).await, 1_700_000_002);
    assert_eq!(request("main", 2).await, 1_700_000_003);
}

pub async fn request_ids_are_unique_in_a_bucket_across_accounts(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    with_account(&*stores.one, OTHER).await;
    stores.one.put_bucket(&bucket(ACME, "ours", "shared-lake")).await.unwrap();
    stores.one.put_bucket(&bucket(OTHER, "theirs", "shared-lake")).await.unwrap();
    let request = async |account, bucket| create(&stores, account, bucket, at(0)).await.unwrap().request.0;
    assert_eq!(request(ACME, "ours").await, 1_700_000_000);
    assert_eq!(request(OTHER, "theirs").await, 1_700_000_001);
    assert_eq!(request(ACME, "ours").await, 1_700_000_002);
    // Elsewhere the second is free.
    assert_eq!(request(OTHER, "main").await, 1_700_000_000);
}

pub async fn a_bucket_that_is_renamed_takes_its_request_ids_along(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    with_account(&*stores.one, OTHER).await;
    create(&stores, ACME, "main", at(0)).await.unwrap();
    stores.one.put_bucket(&bucket(ACME, "main", "shared-lake")).await.unwrap();
    stores.one.put_bucket(&bucket(OTHER, "theirs", "shared-lake")).await.unwrap();
    assert_eq!(create(&stores, OTHER, "theirs", at(0)).await.unwrap().request.0, 1_700_000_001);
    // The other way round both exports are there already, under one number, and must not meet in a bucket.
    create(&stores, OTHER, "main", at(0)).await.unwrap();
    let moved = stores.one.put_bucket(&bucket(OTHER, "main", "shared-lake")).await;
    assert!(matches!(moved, Err(StoreError::Conflict(_))), "{moved:?}");
    let kept = stores.two.bucket(OTHER, &spec("main", recurring()).bucket).await.unwrap().unwrap();
    assert_eq!(kept.bucket_name, "2-main");
}

pub async fn an_export_needs_its_bucket(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let created = create(&stores, ACME, "none", at(0)).await;
    assert!(matches!(created, Err(StoreError::NotFound(name)) if name.contains("none")));
    with_account(&*stores.one, OTHER).await;
    stores.one.put_bucket(&bucket(OTHER, "theirs", "theirs")).await.unwrap();
    let created = create(&stores, ACME, "theirs", at(0)).await;
    assert!(matches!(created, Err(StoreError::NotFound(_))));
}

pub async fn stopping_closes_what_is_owed_and_leaves_what_runs(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let running = next_run(&*stores.one, &export, window(-100, 0), 0).await.unwrap();
    stores.one.open_run(running.key, &opening("p", &export.spec, 1)).await.unwrap();
    let owed = next_run(&*stores.one, &export, window(0, 100), 100).await.unwrap();

    let stopped =
        stores.one.stop_export(ACME, export.request, None, &StopReason::User, at(200)).await.unwrap();
    assert_eq!(stopped.status, ExportStatus::Stopped { reason: StopReason::User, at: at(200) });
    assert_eq!(stopped.planned_cut, Some(at(100)));
    assert_eq!(stores.two.export(ACME, export.request).await.unwrap(), Some(stopped));
    let owed = stores.two.run(owed.key).await.unwrap().unwrap();
    assert_eq!((owed.status, owed.closed_at), (RunStatus::Stopped, Some(at(200))));
    let running = stores.two.run(running.key).await.unwrap().unwrap();
    assert_eq!((running.status, running.closed_at), (RunStatus::Running, None));
    assert_eq!(stores.two.open_runs().await.unwrap(), [running]);
}

pub async fn stopping_what_has_ended_changes_nothing(stores: Stores) {
    let export = with_export(&*stores.one, ACME, one_time(), 0).await;
    let run = next_run(&*stores.one, &export, day_window(0), 0).await.unwrap();
    stores.one.close_run(run.key, &closing(RunStatus::Empty, 1)).await.unwrap();
    let done = stores.one.stop_export(ACME, export.request, None, &StopReason::User, at(2)).await.unwrap();
    assert_eq!(done.status, ExportStatus::Done);
    assert_eq!(stores.two.export(ACME, export.request).await.unwrap(), Some(done));

    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let reason = StopReason::Failure { message: "three days".to_owned() };
    let first = stores.one.stop_export(ACME, export.request, None, &reason, at(3)).await.unwrap();
    let again = stores.two.stop_export(ACME, export.request, None, &StopReason::User, at(4)).await.unwrap();
    assert_eq!(again, first);

    let unknown = stores.one.stop_export(ACME, RequestId(1), None, &reason, at(3)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound(_))));
}
