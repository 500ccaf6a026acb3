//! A plan of many chunks, and what a chunk costs.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use spillway::{
    adapters::firestore::Operations,
    domain::{Chunk, ChunkCommand, ChunkKey, EndCursor, PlanToken},
    ports::{ChunkStore, ChunkTally},
};
use spillway_tests::{contract::store::fixtures::*, emulators};

use super::connect;

/// Far more than it takes on a small machine, far less than one by one.
const ENOUGH: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_chunks_are_planned_and_claimed() {
    let (emulator, project) = (emulators::firestore::shared(), emulators::firestore::project_id());
    let store = connect(&emulator, &project).await;
    let run = with_run(&store, ACME).await;
    let chunks: Vec<Chunk> = (0..100_000).map(|index| chunk(&run, "p", index, index / 50)).collect();
    let plan = PlanToken("p".to_owned());
    let (begin, before) = (Instant::now(), store.operations());
    store.add_chunks(&chunks).await.unwrap();
    let added = store.operations() - before;
    println!("added in {:?}: {added:?}", begin.elapsed());
    assert!(added.commits <= 202 + added.retries && added.writes >= 100_000, "{added:?}");
    let all = ChunkTally { ready: 100_000, ..ChunkTally::default() };
    assert_eq!(store.tally(run.key, &plan, at(1)).await.unwrap(), all);
    let before = store.operations();
    for n in 0..8 {
        let claimed = claim_one(&store, run.key, &plan, Timestamp::MIN, 8, at(1)).await;
        assert_eq!(claimed.len(), 50, "message {n}");
    }
    assert_eq!(claim_one(&store, run.key, &plan, Timestamp::MIN, 8, at(1)).await, []);
    println!("eight messages claimed: {:?}", store.operations() - before);
    let opening = opening_of(100_000, "p", &run.spec, 2);
    spillway::ports::RunStore::open_run(&store, run.key, &opening).await.unwrap();
    println!("all in {:?}", begin.elapsed());
    assert!(begin.elapsed() < ENOUGH, "{:?}", begin.elapsed());
}

/// A worker's whole round on a chunk: three transactions of one document each, and nothing that others write too.
#[tokio::test]
async fn a_chunk_costs_three_reads_and_three_writes() {
    let (emulator, project) = (emulators::firestore::shared(), emulators::firestore::project_id());
    let store = connect(&emulator, &project).await;
    let run = with_run(&store, ACME).await;
    let keys: Vec<ChunkKey> = with_chunks(&store, &run, "p", &[0; 50]).await;
    let before = store.operations();
    for key in &keys {
        store.change_chunk(key, lease(1, 50), at(1)).await.unwrap();
        let intend = ChunkCommand::Intend { token: token(1), intent: intent(7, EndCursor::End) };
        store.change_chunk(key, intend, at(2)).await.unwrap();
        store.change_chunk(key, complete(1), at(3)).await.unwrap();
    }
    let chunk = Operations { calls: 300, reads: 150, writes: 150, commits: 150, retries: 0 };
    assert_eq!(store.operations() - before, chunk);
    // A message of fifty: its plan, one look at what is out and one at what waits, its chunks; fifty-one writes.
    let keys = with_chunks(&store, &run, "q", &[0; 50]).await;
    let before = store.operations();
    let claimed = claim_one(&store, run.key, &keys[0].plan, Timestamp::MIN, 8, at(1)).await;
    assert_eq!(claimed.len(), 50);
    let message = store.operations() - before;
    assert_eq!((message.calls, message.commits, message.writes, message.retries), (5, 1, 51, 0));
    assert!(message.reads <= 1 + 1 + 60 + 50, "{message:?}");
}
