//! Chunks: stored, changed, paged, counted, swept.

use std::collections::BTreeSet;

use spillway::{
    domain::{
        Chunk, ChunkCommand, ChunkId, ChunkKey, ChunkRefusal, ChunkState, EndCursor, MAX_ATTEMPTS, PlanToken,
        RowCursor, RunStatus, Written,
    },
    ports::{ChunkTally, Store, StoreError},
};

use super::{Stores, fixtures::*};

fn refused<T: std::fmt::Debug>(answer: Result<T, StoreError>, why: ChunkRefusal) {
    assert!(matches!(&answer, Err(StoreError::Refused(refusal)) if *refusal == why), "{answer:?}");
}

async fn all_pages(store: &dyn Store, key: &ChunkKey, limit: usize) -> Vec<Chunk> {
    let (mut chunks, mut from) = (vec![], None);
    loop {
        let page = store.chunks(key.run, &key.plan, from.as_ref(), limit).await.unwrap();
        assert!(page.chunks.len() <= limit && !page.chunks.is_empty());
        chunks.extend(page.chunks);
        from = page.next;
        if from.is_none() {
            return chunks;
        }
    }
}

pub async fn chunks_are_created_once(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[0, 0]).await;
    let (leased, _) = stores.one.change_chunk(&keys[0], lease(1, 50), at(1)).await.unwrap();
    // A planner that comes again adds what is missing only.
    with_chunks(&*stores.two, &run, "p", &[0, 0, 1]).await;
    assert_eq!(stores.one.chunk(&keys[0]).await.unwrap(), Some(leased));
    assert_eq!(all_pages(&*stores.two, &keys[0], 10).await.len(), 3);
    stores.one.add_chunks(&[]).await.unwrap();
}

pub async fn thousands_of_chunks_are_added_and_paged(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[3; 2_345]).await;
    with_chunks(&*stores.one, &run, "other", &[3; 10]).await;
    let expected = ids(&keys);
    for limit in [7, 469, 2_344, 2_345, 10_000] {
        let chunks = all_pages(&*stores.two, &keys[0], limit).await;
        let found: Vec<ChunkId> = chunks.iter().map(|chunk| chunk.key().id.clone()).collect();
        assert_eq!(found, expected, "each once, in order, in pages of {limit}");
    }
    let none = stores.two.chunks(run.key, &PlanToken("none".to_owned()), None, 5).await.unwrap();
    assert_eq!((none.chunks.len(), none.next), (0, None));
}

pub async fn pages_are_stable_while_chunks_change_and_split(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[0; 40]).await;
    let (mut seen, mut from) = (vec![], None);
    loop {
        let page = stores.two.chunks(run.key, &keys[0].plan, from.as_ref(), 7).await.unwrap();
        seen.extend(page.chunks.iter().map(|chunk| chunk.key().id.clone()));
        // Between two pages some are finished and split, before and behind the page.
        for key in keys.iter().skip(seen.len() % 3).step_by(5) {
            let until = i64::from(u16::MAX);
            if stores.one.change_chunk(key, lease(1, until), at(1)).await.is_ok() {
                let end = EndCursor::Row(RowCursor { file: 0, row: 5 });
                let written = Written { object: Some(intent(1, end)), deleted_profiles: 0 };
                let command = ChunkCommand::Complete { token: token(1), written };
                stores.one.change_chunk(key, command, at(2)).await.unwrap();
            }
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    let once: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(once.len(), seen.len(), "no chunk twice");
    assert!(ids(&keys).iter().all(|id| once.contains(id)), "every chunk that was there at the beginning");
}

pub async fn a_completion_stores_the_successor_with_it(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let key = with_chunks(&*stores.one, &run, "p", &[4]).await.remove(0);
    stores.one.change_chunk(&key, lease(1, 50), at(1)).await.unwrap();
    let end = EndCursor::Row(RowCursor { file: 0, row: 5 });
    let written = Written { object: Some(intent(1, end)), deleted_profiles: 3 };
    let command = ChunkCommand::Complete { token: token(1), written: written.clone() };
    let (done, successor) = stores.one.change_chunk(&key, command, at(2)).await.unwrap();
    assert_eq!(done.state(), &ChunkState::Done(written));
    assert_eq!(stores.two.chunk(&key).await.unwrap(), Some(done));
    let successor = successor.unwrap();
    assert_eq!(successor.plan().index, 1_000_000);
    assert_eq!(stores.two.chunk(successor.key()).await.unwrap().as_ref(), Some(&successor));
    let tally = stores.two.tally(run.key, &key.plan, at(3)).await.unwrap();
    assert_eq!(tally, ChunkTally { ready: 1, done: 1, ..ChunkTally::default() });
    // It has no successor of its own when it reads to the end.
    stores.one.change_chunk(successor.key(), lease(2, 50), at(3)).await.unwrap();
    assert_eq!(stores.one.change_chunk(successor.key(), complete(2), at(4)).await.unwrap().1, None);
}

pub async fn only_the_lease_token_changes_a_leased_chunk(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let key = with_chunks(&*stores.one, &run, "p", &[0]).await.remove(0);
    let change = async |command| stores.two.change_chunk(&key, command, at(5)).await;
    refused(change(complete(1)).await, ChunkRefusal::LeaseLost);
    let (leased, _) = stores.one.change_chunk(&key, lease(1, 50), at(1)).await.unwrap();
    refused(change(lease(2, 60)).await, ChunkRefusal::Busy { until: at(50) });
    refused(change(lease(1, 60)).await, ChunkRefusal::Busy { until: at(50) });
    refused(change(complete(2)).await, ChunkRefusal::LeaseLost);
    let intend = ChunkCommand::Intend { token: token(2), intent: intent(1, EndCursor::End) };
    refused(change(intend).await, ChunkRefusal::LeaseLost);
    refused(change(ChunkCommand::Release { token: token(2) }).await, ChunkRefusal::LeaseLost);
    let fail = ChunkCommand::Fail { token: token(2), reason: "broken".to_owned() };
    refused(change(fail).await, ChunkRefusal::LeaseLost);
    refused(
        change(ChunkCommand::Retry { columns: 0, naming: None }).await,
        ChunkRefusal::Busy { until: at(50) },
    );
    refused(change(ChunkCommand::Publish).await, ChunkRefusal::Busy { until: at(50) });
    assert_eq!(stores.one.chunk(&key).await.unwrap(), Some(leased), "as it was");

    stores.one.change_chunk(&key, complete(1), at(5)).await.unwrap();
    refused(change(complete(1)).await, ChunkRefusal::Done);
    refused(change(lease(2, 60)).await, ChunkRefusal::Done);
}

pub async fn an_expired_lease_is_nobodys(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let key = with_chunks(&*stores.one, &run, "p", &[0]).await.remove(0);
    stores.one.change_chunk(&key, lease(1, 50), at(1)).await.unwrap();
    refused(stores.two.change_chunk(&key, complete(1), at(50)).await, ChunkRefusal::LeaseLost);
    stores.one.change_chunk(&key, lease(2, 90), at(50)).await.unwrap();
    refused(stores.two.change_chunk(&key, complete(1), at(51)).await, ChunkRefusal::LeaseLost);
    stores.two.change_chunk(&key, complete(2), at(51)).await.unwrap();
}

pub async fn intents_are_kept_over_leases(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let key = with_chunks(&*stores.one, &run, "p", &[0]).await.remove(0);
    for (holder, crc32c) in [(1, u32::MAX), (2, 0), (3, 0)] {
        let now = i64::try_from(holder).unwrap() * 100;
        stores.one.change_chunk(&key, lease(holder, now + 50), at(now)).await.unwrap();
        let intent = intent(crc32c, EndCursor::Key { object_id: "u\u{0}☃".to_owned() });
        let command = ChunkCommand::Intend { token: token(holder), intent };
        stores.one.change_chunk(&key, command, at(now + 1)).await.unwrap();
    }
    let known = stores.two.chunk(&key).await.unwrap().unwrap();
    let crcs: Vec<u32> = known.intents().iter().map(|intent| intent.crc32c.0).collect();
    assert_eq!(crcs, [u32::MAX, 0]);
}

pub async fn a_chunk_whose_workers_die_fails(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let key = with_chunks(&*stores.one, &run, "p", &[0]).await.remove(0);
    for attempt in 0..i64::from(MAX_ATTEMPTS) {
        stores.one.change_chunk(&key, lease(1, attempt + 1), at(attempt)).await.unwrap();
    }
    let (failed, _) = stores.one.change_chunk(&key, lease(1, 100), at(50)).await.unwrap();
    assert!(matches!(failed.state(), ChunkState::Failed { .. }));
    assert_eq!(stores.two.chunk(&key).await.unwrap(), Some(failed));
    refused(stores.two.change_chunk(&key, lease(1, 100), at(51)).await, ChunkRefusal::Failed);
}

pub async fn the_tally_counts_expired_leases_as_ready(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[0; 6]).await;
    with_chunks(&*stores.one, &run, "other", &[0; 3]).await;
    for (key, until) in keys[..4].iter().zip([10, 20, 90, 90]) {
        stores.one.change_chunk(key, lease(1, until), at(0)).await.unwrap();
    }
    stores.one.change_chunk(&keys[2], complete(1), at(1)).await.unwrap();
    let fail = ChunkCommand::Fail { token: token(1), reason: "broken".to_owned() };
    stores.one.change_chunk(&keys[3], fail, at(1)).await.unwrap();
    let tally = async |now| stores.two.tally(run.key, &keys[0].plan, at(now)).await.unwrap();
    assert_eq!(tally(9).await, ChunkTally { ready: 2, leased: 2, done: 1, failed: 1 });
    assert_eq!(tally(10).await, ChunkTally { ready: 3, leased: 1, done: 1, failed: 1 });
    assert_eq!(tally(20).await, ChunkTally { ready: 4, leased: 0, done: 1, failed: 1 });
    let none = stores.two.tally(run.key, &PlanToken("none".to_owned()), at(0)).await.unwrap();
    assert_eq!(none, ChunkTally::default());
}

pub async fn sweeping_leaves_the_plan_only(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let kept = with_chunks(&*stores.one, &run, "p", &[0; 3]).await;
    let lost = with_chunks(&*stores.one, &run, "q", &[0; 1_100]).await;
    assert_eq!(stores.one.sweep_chunks(run.key).await.unwrap(), 0, "somebody may be planning");
    stores.one.open_run(run.key, &opening_of(3, "p", &run.spec, 1)).await.unwrap();
    assert_eq!(stores.one.sweep_chunks(run.key).await.unwrap(), 1_100);
    assert_eq!(stores.two.sweep_chunks(run.key).await.unwrap(), 0);
    assert_eq!(stores.two.chunk(&lost[0]).await.unwrap(), None);
    let tally = stores.two.tally(run.key, &lost[0].plan, at(1)).await.unwrap();
    assert_eq!(tally, ChunkTally::default());
    assert_eq!(all_pages(&*stores.two, &kept[0], 10).await.len(), 3);
    stores.one.close_run(run.key, &closing(RunStatus::Done, 2)).await.unwrap();
    assert_eq!(stores.one.sweep_chunks(run.key).await.unwrap(), 0, "the plan's chunks stay");

    let export = stores.one.export(ACME, run.key.request).await.unwrap().unwrap();
    let owed = next_run(&*stores.one, &export, window(0, 10), 10).await.unwrap();
    with_chunks(&*stores.one, &owed, "p", &[0; 4]).await;
    stores.one.close_run(owed.key, &closing(RunStatus::Empty, 11)).await.unwrap();
    assert_eq!(stores.one.sweep_chunks(owed.key).await.unwrap(), 4, "it has ended without a plan");
}

pub async fn unknown_chunks_and_runs_are_not_found(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let key = chunk(&run, "p", 0, 0).key().clone();
    assert_eq!(stores.one.chunk(&key).await.unwrap(), None);
    let changed = stores.one.change_chunk(&key, lease(1, 50), at(1)).await;
    assert!(matches!(changed, Err(StoreError::NotFound(name)) if name.contains(&key.id.0)));
    let mut unknown = run.clone();
    unknown.key.run.0 += 1;
    let added = stores.one.add_chunks(&[chunk(&unknown, "p", 0, 0)]).await;
    assert!(matches!(added, Err(StoreError::NotFound(_))), "{added:?}");
    assert!(matches!(stores.one.sweep_chunks(unknown.key).await, Err(StoreError::NotFound(_))));
}

pub async fn an_abandoned_lease_counts(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let key = with_chunks(&*stores.one, &run, "p", &[0]).await.remove(0);
    let abandon = |holder| ChunkCommand::Abandon { token: token(holder) };
    for _ in 0..MAX_ATTEMPTS {
        stores.one.change_chunk(&key, lease(1, 50), at(1)).await.unwrap();
        refused(stores.two.change_chunk(&key, abandon(2), at(1)).await, ChunkRefusal::LeaseLost);
        let (free, _) = stores.two.change_chunk(&key, abandon(1), at(1)).await.unwrap();
        assert_eq!(free.state(), &ChunkState::Ready);
    }
    let (failed, _) = stores.one.change_chunk(&key, lease(1, 50), at(1)).await.unwrap();
    assert!(matches!(failed.state(), ChunkState::Failed { .. }));
}
