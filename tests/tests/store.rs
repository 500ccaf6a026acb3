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

    /// Far more than any of it takes on a small machine, far less than without an index or a batch.
    const ENOUGH: Duration = Duration::from_secs(90);

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_hundred_thousand_chunks_take_seconds() {
        let stores = super::one_handle().await;
        let (store, run) = (&*stores.one, with_run(&*stores.one, ACME).await);
        let chunks: Vec<Chunk> = (0..100_000).map(|index| chunk(&run, "p", index, index / 50)).collect();
        let plan = PlanToken("p".to_owned());
        let begin = Instant::now();
        store.add_chunks(&chunks).await.unwrap();
        for _ in 0..200 {
            assert_eq!(claim_one(store, run.key, &plan, Timestamp::MIN, 1_000, at(1)).await.len(), 50);
        }
        for _ in 0..2_000 {
            assert_eq!(store.tally(run.key, &plan, at(1)).await.unwrap().ready, 100_000);
        }
        assert_eq!(claim_one(store, run.key, &plan, at(2), 1_000, at(900)).await.len(), 50);
        assert!(begin.elapsed() < ENOUGH, "{:?}", begin.elapsed());
    }
}

mod crash {
    //! A process that is killed in the middle of its work, again and again, on a file that another has open.

    use std::{
        env,
        io::{BufRead, BufReader},
        path::Path,
        process::{Command, Stdio},
    };

    use spillway::{
        adapters::sqlite::SqliteStore,
        domain::{Chunk, ChunkCommand, ChunkId, ChunkKey, ChunkState, EndCursor, RowCursor, Run, Written},
        ports::{ChunkStore, RunStore, Store},
    };
    use spillway_tests::contract::store::fixtures::*;

    const FILE: &str = "SPILLWAY_TEST_CRASH_FILE";
    const LIFE: &str = "SPILLWAY_TEST_CRASH_LIFE";
    const LIVES: usize = 5;
    const ACKNOWLEDGED_A_LIFE: usize = 40;

    async fn chunks(store: &dyn Store, run: &Run) -> Vec<Chunk> {
        let plan = chunk(run, "p", 0, 0).key().plan.clone();
        store.chunks(run.key, &plan, None, 100_000).await.unwrap().chunks
    }

    /// What the killed process does: it completes chunks, each with a successor, for ever, and tells what the store
    /// has acknowledged. As a test of its own it does nothing.
    #[tokio::test]
    async fn child() {
        let Ok(file) = env::var(FILE) else { return };
        let store = SqliteStore::open(Path::new(&file)).unwrap();
        let run = store.open_runs().await.unwrap().remove(0);
        // Leases of earlier lives have ended.
        let now = env::var(LIFE).unwrap().parse::<i64>().unwrap() * 1_000;
        for n in 0.. {
            let free = chunks(&store, &run).await.into_iter().find(|chunk| chunk.is_unfinished()).unwrap();
            store.change_chunk(free.key(), lease(1, now + 900), at(now)).await.unwrap();
            let end = EndCursor::Row(RowCursor { file: 0, row: n });
            let written = Written { object: Some(intent(1, end)), deleted_profiles: 0 };
            let command = ChunkCommand::Complete { token: token(1), written };
            store.change_chunk(free.key(), command, at(now)).await.unwrap();
            eprintln!("done {}", free.key().id.0);
        }
    }

    #[tokio::test]
    async fn what_was_acknowledged_survives_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("spillway.db");
        let store = SqliteStore::open(&file).unwrap();
        let run = with_run(&store, ACME).await;
        let first = with_chunks(&store, &run, "p", &[0]).await.remove(0);
        let mut acknowledged = 0;
        for life in 0..LIVES {
            let mut child = Command::new(env::current_exe().unwrap())
                .args(["--exact", "crash::child", "--nocapture"])
                .env(FILE, &file)
                .env(LIFE, life.to_string())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
            let mut told: Vec<String> = lines.by_ref().take(ACKNOWLEDGED_A_LIFE).collect();
            child.kill().unwrap();
            child.wait().unwrap();
            // What it told between the last line read and its end counts too.
            told.extend(lines);
            // A line that was cut off says nothing.
            let ids = told.iter().filter_map(|line| line.strip_prefix("done ").filter(|id| id.len() == 24));
            let ids: Vec<ChunkId> = ids.map(|id| ChunkId(id.to_owned())).collect();
            assert!(ids.len() >= ACKNOWLEDGED_A_LIFE, "{told:#?}");
            acknowledged += ids.len();
            for id in ids {
                let key = ChunkKey { id, ..first.clone() };
                let kept = store.chunk(&key).await.unwrap().unwrap();
                assert!(matches!(kept.state(), ChunkState::Done(_)));
            }
            // Every completion has its successor: one chunk is unfinished, whenever the process died.
            let all = chunks(&store, &run).await;
            let finished = all.iter().filter(|chunk| !chunk.is_unfinished()).count();
            assert_eq!(finished + 1, all.len());
            assert!((acknowledged..=acknowledged + LIVES).contains(&finished));
            let tally = store.tally(run.key, &first.plan, at(0)).await.unwrap();
            assert_eq!((tally.done, tally.ready + tally.leased), (finished as u64, 1));
        }
        drop(store);
        let again = SqliteStore::open(&file).unwrap();
        assert!(chunks(&again, &run).await.len() > acknowledged);
    }
}
