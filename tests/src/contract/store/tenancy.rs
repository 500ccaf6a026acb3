//! No account sees or touches what is another's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use spillway::{
    domain::{
        AccountId, BucketId, ChunkKey, ExportFilter, FailureClass, PropertyColumn, PropertyScope, Run,
        RunKey, RunStatus, StopReason,
    },
    ports::{ChunkTally, NewExport, Origin, StoreError},
};

use super::{
    Stores,
    candidates::{candidate, facts},
    fixtures::*,
};

/// One of each document of [`ACME`], and the keys under which [`OTHER`] would look for them.
async fn documents(stores: &Stores) -> (Run, RunKey, ChunkKey) {
    let run = with_run(&*stores.one, ACME).await;
    let key = with_chunks(&*stores.one, &run, "p", &[0]).await.remove(0);
    let column = PropertyColumn { scope: PropertyScope::Event, key: "secret".to_owned() };
    stores.one.append_columns(ACME, run.key.request, Some("e"), &[column]).await.unwrap();
    stores.one.put_scanned_keys(ACME, "path", "[]").await.unwrap();
    stores.one.put_ratios(ACME, "json", &BTreeMap::from([("e".to_owned(), 1.0)])).await.unwrap();
    stores.one.put_candidate(&candidate(ACME, 7, "new", 0)).await.unwrap();
    let theirs = RunKey { account: OTHER, ..run.key };
    let chunk = ChunkKey { run: theirs, ..key };
    (run, theirs, chunk)
}

pub async fn nothing_is_found_across_accounts(stores: Stores) {
    let (_, key, chunk) = documents(&stores).await;
    let store = &stores.two;
    assert_eq!(store.account(OTHER).await.unwrap(), None);
    assert_eq!(store.bucket(OTHER, &BucketId("main".to_owned())).await.unwrap(), None);
    assert_eq!(store.buckets(OTHER).await.unwrap(), []);
    let waiting = candidate(OTHER, 7, "new", 0);
    assert_eq!(store.candidate(OTHER, &waiting.id, at(0)).await.unwrap(), None);
    assert_eq!(store.export(OTHER, key.request).await.unwrap(), None);
    let listed = store.list_exports(OTHER, &ExportFilter::default(), None, 10).await.unwrap();
    assert_eq!(listed.exports, []);
    assert_eq!(store.profiles_flow(OTHER).await.unwrap(), None);
    assert_eq!(store.run(key).await.unwrap(), None);
    assert_eq!(store.runs(OTHER, key.request).await.unwrap(), []);
    assert_eq!(store.open_runs_of(OTHER, key.request).await.unwrap(), []);
    assert_eq!(store.chunk(&chunk).await.unwrap(), None);
    assert_eq!(store.chunks(key, &chunk.plan, None, 10).await.unwrap().chunks, []);
    assert_eq!(store.tally(key, &chunk.plan, at(0)).await.unwrap(), ChunkTally::default());
    assert_eq!(claim_one(&**store, key, &chunk.plan, Timestamp::MAX, 9, at(0)).await, []);
    assert_eq!(store.columns(OTHER, key.request, Some("e")).await.unwrap(), []);
    assert_eq!(store.scanned_keys(OTHER, "path").await.unwrap(), None);
    assert_eq!(store.ratios(OTHER, "json").await.unwrap(), BTreeMap::new());
}

fn is_not_found<T>(answer: Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::NotFound(_)))
}

pub async fn nothing_is_changed_across_accounts(stores: Stores) {
    let (run, key, chunk) = documents(&stores).await;
    let store = &stores.two;
    let (others, failure) = (bucket(OTHER, "main", ""), failure(FailureClass::Hold));
    assert!(is_not_found(store.block_bucket(&others, &failure, at(0)).await));
    assert!(is_not_found(store.unblock_bucket(&others).await));
    assert!(is_not_found(store.remove_bucket(OTHER, &others.id).await));
    let waiting = candidate(OTHER, 7, "new", 0);
    assert!(is_not_found(store.promote_candidate(OTHER, &waiting.id, &facts("k")).await));
    let new = NewExport {
        account: OTHER,
        spec: run.spec.clone(),
        now: at(0),
        next_due_at: None,
        origin: Origin::default(),
    };
    assert!(is_not_found(store.create_export(&new).await));
    assert!(is_not_found(store.stop_export(OTHER, key.request, None, &StopReason::User, at(0)).await));
    assert!(is_not_found(store.edit_export(OTHER, key.request, &run.spec, &run.spec, None).await));
    let new = new_run(OTHER, key.request, window(0, 10), Some(at(0)), 0);
    assert!(is_not_found(store.create_run(&new).await));
    assert!(is_not_found(store.open_run(key, &opening("p", &run.spec, 0)).await));
    assert!(is_not_found(store.close_run(key, &closing(RunStatus::Done, 0)).await));
    assert!(is_not_found(store.reopen_run(key).await));
    assert!(is_not_found(store.change_chunk(&chunk, lease(1, 50), at(0)).await));
    assert!(is_not_found(store.sweep_chunks(key).await));

    // The same keys in the other account are documents of their own.
    let theirs = with_run(&*stores.one, OTHER).await;
    assert_eq!(theirs.key, key);
    stores.one.open_run(key, &opening("p", &theirs.spec, 1)).await.unwrap();
    let chunks = with_chunks(&*stores.one, &theirs, "p", &[0]).await;
    assert_eq!(chunks, std::slice::from_ref(&chunk));
    stores.one.change_chunk(&chunk, lease(1, 50), at(1)).await.unwrap();
    store.append_columns(OTHER, key.request, Some("e"), &[]).await.unwrap();
    store.put_ratios(OTHER, "json", &BTreeMap::from([("e".to_owned(), 2.0)])).await.unwrap();
    stores.one.stop_export(OTHER, key.request, None, &StopReason::User, at(2)).await.unwrap();

    stores.one.put_candidate(&waiting).await.unwrap();
    stores.one.promote_candidate(OTHER, &waiting.id, &facts("k")).await.unwrap();
    stores.one.remove_bucket(OTHER, &waiting.nickname).await.unwrap();
    assert_eq!(store.candidate(ACME, &waiting.id, at(0)).await.unwrap(), Some(candidate(ACME, 7, "new", 0)));
    assert_eq!(store.run(run.key).await.unwrap(), Some(run.clone()));
    assert!(store.export(ACME, key.request).await.unwrap().unwrap().is_active());
    let ours = ChunkKey { run: run.key, ..chunk };
    let tally = store.tally(run.key, &ours.plan, at(3)).await.unwrap();
    assert_eq!(tally, ChunkTally { ready: 1, ..ChunkTally::default() });
    assert_eq!(store.chunk(&ours).await.unwrap().unwrap().published_at(), None);
    assert_eq!(store.ratios(ACME, "json").await.unwrap()["e"], 1.0);
    let bucket = store.bucket(ACME, &others.id).await.unwrap().unwrap();
    assert_eq!((bucket.account, bucket.bucket_name.as_str()), (AccountId(1), "1-main"));
}
