//! Edits of exports.

use std::sync::Arc;

use futures::future::join_all;
use spillway::{
    domain::{BucketId, DataSelection, ExportFilter, ExportSpec, Format, RequestId, RunStatus, StopReason},
    ports::{NewExport, Origin, StoreError},
};

use super::{Stores, fixtures::*};

fn changed(bucket: &str) -> ExportSpec {
    ExportSpec { format: Format::Parquet, data: DataSelection::AllEvents, ..spec(bucket, recurring()) }
}

pub async fn an_edit_counts_from_the_next_run_on(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let (request, before) = (export.request, export.spec.clone());
    let running = next_run(&*stores.one, &export, window(0, 10), 10).await.unwrap();
    stores.one.open_run(running.key, &opening("p", &before, 11)).await.unwrap();
    let known = stores.one.export(ACME, request).await.unwrap().unwrap();

    let edited = stores.one.edit_export(ACME, request, &before, &changed("main"), None).await.unwrap();
    // All but the spec is as it was.
    assert_eq!(edited, spillway::domain::Export { spec: changed("main"), ..known });
    assert_eq!(stores.two.export(ACME, request).await.unwrap(), Some(edited));
    assert_eq!(stores.two.run(running.key).await.unwrap().unwrap().spec, before);
    let next = next_run(&*stores.one, &export, window(10, 20), 20).await.unwrap();
    assert_eq!(next.spec, changed("main"));
    // It is found by what it is now.
    let filter = ExportFilter { format: Some(Format::Parquet), ..ExportFilter::default() };
    assert_eq!(stores.two.list_exports(ACME, &filter, None, 10).await.unwrap().exports.len(), 1);
}

pub async fn an_edit_may_move_the_next_run(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 50).await;
    let (request, before) = (export.request, &export.spec);
    let edited = stores.one.edit_export(ACME, request, before, before, Some(at(90))).await.unwrap();
    assert_eq!(edited.next_due_at, Some(at(90)));
    assert_eq!(stores.two.due_exports(at(89), None, 9).await.unwrap(), []);
    assert_eq!(stores.two.due_exports(at(90), None, 9).await.unwrap().len(), 1);
    let edited = stores.one.edit_export(ACME, request, before, before, None).await.unwrap();
    assert_eq!(edited.next_due_at, Some(at(90)));
}

pub async fn an_edit_of_what_has_changed_or_ended_is_a_conflict(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let (request, before) = (export.request, &export.spec);
    stores.one.edit_export(ACME, request, before, &changed("main"), None).await.unwrap();
    let late = stores.two.edit_export(ACME, request, before, &changed("spare"), None).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    // A run that was created meanwhile is no conflict.
    next_run(&*stores.one, &export, window(0, 10), 10).await.unwrap();
    stores.two.edit_export(ACME, request, &changed("main"), &changed("spare"), None).await.unwrap();
    let stopped = stores.one.stop_export(ACME, request, None, &StopReason::User, at(20)).await.unwrap();
    let late = stores.two.edit_export(ACME, request, &changed("spare"), before, None).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    assert_eq!(stores.two.export(ACME, request).await.unwrap(), Some(stopped));
    let once = with_export(&*stores.one, ACME, one_time(), 30).await;
    let run = next_run(&*stores.one, &once, day_window(30), 30).await.unwrap();
    stores.one.close_run(run.key, &closing(RunStatus::Done, 31)).await.unwrap();
    let late = stores.two.edit_export(ACME, once.request, &once.spec, before, None).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    let unknown = stores.two.edit_export(ACME, RequestId(1), before, before, None).await;
    assert!(matches!(unknown, Err(StoreError::NotFound(_))), "{unknown:?}");
}

pub async fn what_was_moved_meanwhile_is_not_stopped_for_its_old_bucket(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let run = next_run(&*stores.one, &export, window(0, 10), 10).await.unwrap();
    let (request, [main, spare]) = (export.request, ["main", "spare"].map(|id| BucketId(id.to_owned())));
    let stop = |into: BucketId, now| {
        let store = std::sync::Arc::clone(&stores.two);
        async move { store.stop_export(ACME, request, Some(&into), &StopReason::User, at(now)).await.unwrap() }
    };
    let moved = stores.one.edit_export(ACME, request, &export.spec, &changed("spare"), None).await.unwrap();
    assert_eq!(stop(main, 20).await, moved);
    assert_eq!(stores.one.export(ACME, request).await.unwrap(), Some(moved));
    assert_eq!(stores.one.run(run.key).await.unwrap().unwrap().status, RunStatus::Owed);
    assert!(!stop(spare, 21).await.is_active());
    assert_eq!(stores.one.run(run.key).await.unwrap().unwrap().status, RunStatus::Stopped);
}

pub async fn an_edit_takes_the_request_id_in_another_bucket(stores: Stores) {
    with_account(&*stores.one, OTHER).await;
    stores.one.put_bucket(&bucket(OTHER, "theirs", "shared-lake")).await.unwrap();
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    stores.one.put_bucket(&bucket(ACME, "ours", "shared-lake")).await.unwrap();
    let (request, before) = (export.request, &export.spec);
    let nowhere = stores.one.edit_export(ACME, request, before, &changed("none"), None).await;
    assert!(matches!(nowhere, Err(StoreError::NotFound(_))), "{nowhere:?}");
    stores.one.edit_export(ACME, request, before, &changed("ours"), None).await.unwrap();
    let create = async |bucket: &str| {
        let spec = spec(bucket, recurring());
        let new =
            NewExport { account: OTHER, spec, now: at(0), next_due_at: None, origin: Origin::default() };
        stores.one.create_export(&new).await.unwrap()
    };
    assert_eq!(create("theirs").await.request, request.next(), "the number is taken in the bucket");
    // And back again: the numbers that it had stay its own.
    stores.one.edit_export(ACME, request, &changed("ours"), before, None).await.unwrap();
    stores.one.edit_export(ACME, request, before, &changed("ours"), None).await.unwrap();
    // Elsewhere the other account has the same number already, which must not come to the same bucket.
    let same = create("main").await;
    assert_eq!(same.request, request);
    let clash = stores.one.edit_export(OTHER, request, &same.spec, &changed("theirs"), None).await;
    let Err(StoreError::NumberTaken { request: of, bucket_name }) = clash else { panic!("{clash:?}") };
    assert_eq!((of, bucket_name.as_str()), (request, "shared-lake"));
    assert_eq!(stores.two.export(OTHER, request).await.unwrap().unwrap().spec, same.spec);
    // Its old bucket may be renamed now; it does not go there any more.
    let bucket_id = BucketId("main".to_owned());
    assert_ne!(stores.two.export(ACME, request).await.unwrap().unwrap().spec.bucket, bucket_id);
}

pub async fn one_of_many_editors_is_first(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let edits = (0..20).map(|n| {
        let store = Arc::clone(if n % 2 == 0 { &stores.one } else { &stores.two });
        let (request, before) = (export.request, export.spec.clone());
        tokio::spawn(async move {
            let after = ExportSpec {
                data: DataSelection::SelectEvents { names: vec![n.to_string()] },
                ..before.clone()
            };
            match store.edit_export(ACME, request, &before, &after, None).await {
                Ok(edited) => Some(edited),
                Err(StoreError::Conflict(_)) => None,
                Err(error) => panic!("{error}"),
            }
        })
    });
    let edited: Vec<_> = join_all(edits).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(edited.len(), 1);
    assert_eq!(stores.two.export(ACME, export.request).await.unwrap().as_ref(), edited.first());
    // Runs may be created all the while.
    let run = stores.two.create_run(&new_run(ACME, export.request, window(0, 9), None, 9)).await;
    assert_eq!(run.unwrap().spec, edited[0].spec);
}
