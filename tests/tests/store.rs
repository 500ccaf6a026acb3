//! The SQLite store keeps the store's contract, on one handle and on two, and survives sudden ends.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use spillway::{adapters::sqlite::SqliteStore, ports::Store};
use spillway_tests::contract::store::Stores;

fn open(folder: &tempfile::TempDir) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(&folder.path().join("spillway.db")).unwrap())
}

async fn one_handle() -> Stores {
    let folder = tempfile::tempdir().unwrap();
    let one = open(&folder);
    Stores { two: Arc::clone(&one), one, keep: Box::new(folder) }
}

async fn two_handles() -> Stores {
    let folder = tempfile::tempdir().unwrap();
    Stores { one: open(&folder), two: open(&folder), keep: Box::new(folder) }
}

mod on_one_handle {
    use super::one_handle;
    spillway_tests::store_contract!(one_handle);
}

mod on_two_handles {
    use super::two_handles;
    spillway_tests::store_contract!(two_handles);
}

mod at_size {
    //! A hundred thousand chunks.

    use std::time::{Duration, Instant};

    use jiff::Timestamp;
    use spillway::domain::{Chunk, PlanToken};
    use spillway_tests::contract::store::fixtures::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_hundred_thousand_chunks_take_seconds() {
        let stores = super::one_handle().await;
        let (store, run) = (&*stores.one, with_run(&*stores.one, ACME).await);
        let chunks: Vec<Chunk> = (0..100_000).map(|index| chunk(&run, "p", index, index / 50)).collect();
        let begin = Instant::now();
        store.add_chunks(&chunks).await.unwrap();
        println!("added in {:?}", begin.elapsed());
        let plan = PlanToken("p".to_owned());
        let begin = Instant::now();
        for _ in 0..200 {
            assert_eq!(store.claim_message(run.key, &plan, Timestamp::MIN, at(1)).await.unwrap().len(), 50);
        }
        println!("200 claims in {:?}", begin.elapsed());
        let begin = Instant::now();
        for _ in 0..20 {
            assert_eq!(store.tally(run.key, &plan, at(1)).await.unwrap().ready, 100_000);
        }
        println!("20 tallies in {:?}", begin.elapsed());
        let begin = Instant::now();
        assert_eq!(store.claim_message(run.key, &plan, at(2), at(900)).await.unwrap().len(), 50);
        println!("lost claim in {:?}", begin.elapsed());
        let begin = Instant::now();
        let id = chunks[77].key();
        store.change_chunk(id, lease(1, 2_000), at(1_000)).await.unwrap();
        store.change_chunk(id, complete(1), at(1_001)).await.unwrap();
        println!("lease and complete in {:?}", begin.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(60));
    }
}
