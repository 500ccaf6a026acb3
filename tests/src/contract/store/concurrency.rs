//! Many at once.

use std::{collections::BTreeSet, sync::Arc};

use futures::{FutureExt, future::join_all};
use jiff::Timestamp;
use spillway::{
    domain::{AccountId, ChunkRefusal, PropertyColumn, PropertyScope, RunStatus},
    ports::{ClaimLimits, NewExport, Origin, Store, StoreError},
};

use super::{Stores, fixtures::*};

/// Runs `count` calls at once, on both handles in turn.
pub async fn at_once<T, F>(stores: &Stores, count: usize, call: impl Fn(Arc<dyn Store>, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks = (0..count).map(|n| {
        let store = Arc::clone(if n % 2 == 0 { &stores.one } else { &stores.two });
        tokio::spawn(call(store, n))
    });
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

pub async fn fifty_creators_get_fifty_request_ids(stores: Stores) {
    for n in 0..10 {
        let account = AccountId(n);
        with_account(&*stores.one, account).await;
        stores.one.put_bucket(&bucket(account, "mine", "shared-lake")).await.unwrap();
    }
    let requests = at_once(&stores, 50, |store, n| async move {
        let (account, spec) = (AccountId(n as u64 % 10), spec("mine", recurring()));
        let new = NewExport { account, spec, now: at(0), next_due_at: None, origin: Origin::default() };
        store.create_export(&new).await.unwrap().request.0
    })
    .await;
    let requests: BTreeSet<i64> = requests.into_iter().collect();
    assert_eq!(requests, (1_700_000_000..1_700_000_050).collect());
}

pub async fn one_of_many_ticks_creates_the_run(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let created = at_once(&stores, 20, |store, n| {
        let new = new_run(ACME, export.request, window(0, 9), None, n as i64);
        async move {
            match store.create_run(&new).await {
                Ok(_) => true,
                Err(StoreError::Conflict(_)) => false,
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await;
    assert_eq!(created.into_iter().filter(|created| *created).count(), 1);
    assert_eq!(stores.two.runs(ACME, export.request).await.unwrap().len(), 1);
}

pub async fn claimers_never_get_the_same_chunk(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let messages: Vec<u32> = (0..300).map(|n| n / 10).collect();
    let keys = with_chunks(&*stores.one, &run, "p", &messages).await;
    let claims = at_once(&stores, 40, |store, _| {
        let (run, plan) = (run.key, keys[0].plan.clone());
        async move { claim_one(&*store, run, &plan, Timestamp::MIN, 100, at(0)).await }
    })
    .await;
    assert_eq!(claims.iter().filter(|claim| claim.is_empty()).count(), 10);
    let mut claimed: Vec<_> = claims.into_iter().flatten().collect();
    claimed.sort();
    assert_eq!(claimed, ids(&keys));
}

pub async fn claimers_never_get_more_messages_than_may_be_out(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let messages: Vec<u32> = (0..60).map(|n| n / 3).collect();
    let keys = with_chunks(&*stores.one, &run, "p", &messages).await;
    let claims = at_once(&stores, 40, |store, _| {
        let (run, plan) = (run.key, keys[0].plan.clone());
        async move { claim_one(&*store, run, &plan, Timestamp::MIN, 7, at(0)).await }
    })
    .await;
    assert_eq!(claims.iter().filter(|claim| !claim.is_empty()).count(), 7);
}

pub async fn claimers_of_several_messages_never_get_more_than_may_be_out(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let messages: Vec<u32> = (0..60).map(|n| n / 3).collect();
    let keys = with_chunks(&*stores.one, &run, "p", &messages).await;
    let claims = at_once(&stores, 20, |store, _| {
        let (run, plan, limits) = (run.key, keys[0].plan.clone(), ClaimLimits::new(9));
        async move { store.claim_messages(run, &plan, Timestamp::MIN, limits, at(0)).await.unwrap() }
    })
    .await;
    let mut counts: Vec<_> = claims.iter().flatten().map(Vec::len).filter(|count| *count > 0).collect();
    counts.sort_unstable();
    assert_eq!(counts, [4, 4]);
    let claimed: BTreeSet<_> = claims.into_iter().flatten().flatten().flatten().collect();
    assert_eq!(claimed.len(), 8 * 3, "none twice");
}

pub async fn one_of_many_leases_is_given(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let key = with_chunks(&*stores.one, &run, "p", &[0]).await.remove(0);
    let holders = at_once(&stores, 20, |store, n| {
        let key = key.clone();
        async move {
            match store.change_chunk(&key, lease(n as u64, 50), at(0)).await {
                Ok(_) => Some(n as u64),
                Err(StoreError::Refused(ChunkRefusal::Busy { .. })) => None,
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await;
    let holders: Vec<u64> = holders.into_iter().flatten().collect();
    assert_eq!(holders.len(), 1);
    stores.two.change_chunk(&key, complete(holders[0]), at(1)).await.unwrap();
}

pub async fn one_of_many_closers_closes(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    stores.one.open_run(run.key, &opening("p", &run.spec, 1)).await.unwrap();
    let closed = at_once(&stores, 20, |store, n| async move {
        store.close_run(run.key, &closing(RunStatus::Done, n as i64)).await.unwrap()
    })
    .await;
    assert_eq!(closed.into_iter().filter(|closed| *closed).count(), 1);
}

pub async fn columns_found_at_once_are_all_kept(stores: Stores) {
    let request = with_export(&*stores.one, ACME, recurring(), 0).await.request;
    let column = |n: usize| PropertyColumn { scope: PropertyScope::Event, key: n.to_string() };
    let lists = at_once(&stores, 20, |store, n| {
        let found = [column(n % 7), column(n)];
        async move { store.append_columns(ACME, request, Some("e"), &found).await.unwrap() }
    })
    .await;
    let all = stores.two.columns(ACME, request, Some("e")).await.unwrap();
    assert_eq!(all.iter().cloned().collect::<BTreeSet<_>>(), (0..20).map(column).collect());
    assert_eq!(all.len(), 20);
    for list in lists {
        assert_eq!(list, all[..list.len()], "a list only ever grows at its end");
    }
}

pub async fn dropped_calls_are_done_wholly_or_not_at_all(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    for n in 1..=20 {
        let known = stores.one.export(ACME, export.request).await.unwrap().unwrap();
        let new = new_run(ACME, export.request, window(0, n), known.planned_cut, n);
        let call = stores.one.create_run(&new);
        // Polled once, so that it is under way, and dropped.
        drop(call.now_or_never());
    }
    // A write of the same handle comes after all that went before it on that handle.
    with_account(&*stores.one, OTHER).await;
    let known = stores.two.export(ACME, export.request).await.unwrap().unwrap();
    let runs = stores.two.runs(ACME, export.request).await.unwrap();
    assert_eq!(runs.last().map(|run| run.window.cut()), known.planned_cut);
    let cuts: BTreeSet<Timestamp> = runs.iter().map(|run| run.window.cut()).collect();
    assert_eq!(cuts.len(), runs.len(), "no window twice");
}
