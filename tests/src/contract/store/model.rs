//! The chunk protocol against a model of it: lists of operations on a few chunks, checked after each.

mod chunks;

use jiff::Timestamp;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    test_runner::{Config, TestRunner},
};
use spillway::{
    domain::{ChunkCommand, ChunkId, ChunkKey, ChunkRefusal, EndCursor, RowCursor, Run, Written},
    ports::{Store, StoreError},
};

use self::chunks::{ModelChunk, ModelPlan};
use super::{Stores, fixtures::*};

/// How many lists of operations are tried.
const CASES: u32 = 96;

/// One thing that may happen. Chunks are chosen among those that exist, holders are few, so that they meet.
#[derive(Debug, Clone)]
enum Operation {
    Advance { secs: i64 },
    Lease { chunk: usize, holder: u64, secs: i64 },
    Intend { chunk: usize, holder: u64, crc32c: u32 },
    Complete { chunk: usize, holder: u64, kind: Completion },
    Release { chunk: usize, holder: u64 },
    Abandon { chunk: usize, holder: u64 },
    Fail { chunk: usize, holder: u64 },
    Retry { chunk: usize },
    Publish { chunk: usize },
    Claim { lost_secs: i64, most: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Completion {
    Whole,
    Split,
    NoRows,
}

fn operation() -> impl Strategy<Value = Operation> {
    let (chunk, holder, secs) = (any::<usize>(), 0..3_u64, 1..60_i64);
    let kind = prop_oneof![Just(Completion::Whole), Just(Completion::Split), Just(Completion::NoRows)];
    prop_oneof![
        2 => secs.clone().prop_map(|secs| Operation::Advance { secs }),
        // A clock goes back.
        1 => (-100..0_i64).prop_map(|secs| Operation::Advance { secs }),
        6 => (chunk, holder.clone(), secs.clone())
            .prop_map(|(chunk, holder, secs)| Operation::Lease { chunk, holder, secs }),
        2 => (chunk, holder.clone(), 0..3_u32)
            .prop_map(|(chunk, holder, crc32c)| Operation::Intend { chunk, holder, crc32c }),
        3 => (chunk, holder.clone(), kind)
            .prop_map(|(chunk, holder, kind)| Operation::Complete { chunk, holder, kind }),
        2 => (chunk, holder.clone()).prop_map(|(chunk, holder)| Operation::Release { chunk, holder }),
        1 => (chunk, holder.clone()).prop_map(|(chunk, holder)| Operation::Abandon { chunk, holder }),
        1 => (chunk, holder).prop_map(|(chunk, holder)| Operation::Fail { chunk, holder }),
        1 => chunk.prop_map(|chunk| Operation::Retry { chunk }),
        1 => chunk.prop_map(|chunk| Operation::Publish { chunk }),
        3 => (secs, 1..4_usize).prop_map(|(lost_secs, most)| Operation::Claim { lost_secs, most }),
    ]
}

/// Lists of operations on a plan of four chunks in three messages.
pub fn the_chunk_protocol_follows_its_model<F: Future<Output = Stores>>(open: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (stores, export) = runtime.block_on(async {
        let stores = open().await;
        let export = with_export(&*stores.one, ACME, recurring(), 0).await;
        (stores, export)
    });
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&vec(operation(), 1..80), |operations| {
        runtime.block_on(async {
            let run = next_run(&*stores.one, &export, window(0, 1), 0).await.unwrap();
            World::new(&stores, run).await.play(&operations).await;
        });
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// A run in the store, and what should be in it.
struct World<'a> {
    stores: &'a Stores,
    run: Run,
    now: i64,
    model: ModelPlan,
    keys: Vec<ChunkKey>,
}

impl<'a> World<'a> {
    async fn new(stores: &'a Stores, run: Run) -> Self {
        let messages = [2, 0, 0, 1];
        let keys = with_chunks(&*stores.one, &run, "p", &messages).await;
        let model = ModelPlan::new(&messages);
        Self { stores, run, now: 0, model, keys }
    }

    async fn play(&mut self, operations: &[Operation]) {
        for (operation, n) in operations.iter().zip(0..) {
            let handles = [&self.stores.one, &self.stores.two];
            self.step(&**handles[n % 2], operation).await;
            self.compare(&**handles[(n + 1) % 2]).await;
        }
    }

    async fn step(&mut self, store: &dyn Store, operation: &Operation) {
        let now = self.now;
        let at_index = |chunk: usize| chunk % self.keys.len();
        match *operation {
            Operation::Advance { secs } => self.now += secs,
            Operation::Claim { lost_secs, most } => self.claim(store, now - lost_secs, most).await,
            Operation::Lease { chunk, holder, secs } => {
                let expected = self.model.chunk(at_index(chunk)).lease(holder, now + secs, now);
                self.change(store, chunk, lease(holder, now + secs), expected).await;
            }
            Operation::Intend { chunk, holder, crc32c } => {
                let expected = self.model.chunk(at_index(chunk)).intend(holder, crc32c, now);
                let intent = intent(crc32c, EndCursor::End);
                self.change(store, chunk, ChunkCommand::Intend { token: token(holder), intent }, expected)
                    .await;
            }
            Operation::Complete { chunk, holder, kind } => {
                let split = kind == Completion::Split;
                let end_row = self.model.chunk(at_index(chunk)).from_row + 10;
                let (expected, successor) = self.model.complete(at_index(chunk), holder, split, now);
                let end = match kind {
                    Completion::Split => EndCursor::Row(RowCursor { file: 0, row: end_row }),
                    _ => EndCursor::End,
                };
                let object = (kind != Completion::NoRows).then(|| intent(9, end));
                let written = Written { object, deleted_profiles: 0 };
                let command = ChunkCommand::Complete { token: token(holder), written };
                let made = self.change(store, chunk, command, expected).await;
                assert_eq!(made.is_some(), successor);
                self.keys.extend(made);
            }
            Operation::Release { chunk, holder } => {
                let expected = self.model.chunk(at_index(chunk)).release(holder, now);
                self.change(store, chunk, ChunkCommand::Release { token: token(holder) }, expected).await;
            }
            Operation::Abandon { chunk, holder } => {
                let expected = self.model.chunk(at_index(chunk)).abandon(holder, now);
                self.change(store, chunk, ChunkCommand::Abandon { token: token(holder) }, expected).await;
            }
            Operation::Fail { chunk, holder } => {
                let expected = self.model.chunk(at_index(chunk)).fail(holder, now);
                let reason = "broken".to_owned();
                self.change(store, chunk, ChunkCommand::Fail { token: token(holder), reason }, expected)
                    .await;
            }
            Operation::Retry { chunk } => {
                let expected = self.model.chunk(at_index(chunk)).retry(now);
                self.change(store, chunk, ChunkCommand::Retry { columns: 0, naming: None }, expected).await;
            }
            Operation::Publish { chunk } => {
                let expected = self.model.chunk(at_index(chunk)).publish(now);
                self.change(store, chunk, ChunkCommand::Publish, expected).await;
            }
        }
    }

    /// Changes a chunk, and gives the successor's key.
    async fn change(
        &self,
        store: &dyn Store,
        chunk: usize,
        command: ChunkCommand,
        expected: Result<(), ChunkRefusal>,
    ) -> Option<ChunkKey> {
        let key = &self.keys[chunk % self.keys.len()];
        match store.change_chunk(key, command, at(self.now)).await {
            Ok((changed, successor)) => {
                assert_eq!(expected, Ok(()));
                assert_eq!(changed.key(), key);
                successor.map(|successor| successor.key().clone())
            }
            Err(StoreError::Refused(refusal)) => {
                assert_eq!(expected, Err(refusal));
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn claim(&mut self, store: &dyn Store, lost_before: i64, most: usize) {
        let mut expected: Vec<ChunkId> = self
            .model
            .claim(lost_before, most, self.now)
            .into_iter()
            .map(|index| self.keys[index].id.clone())
            .collect();
        expected.sort();
        let (run, plan) = (self.run.key, &self.keys[0].plan);
        let mut claimed = claim_one(store, run, plan, at(lost_before), most, at(self.now)).await;
        claimed.sort();
        assert_eq!(claimed, expected);
    }

    async fn compare(&self, store: &dyn Store) {
        let (run, plan) = (self.run.key, &self.keys[0].plan);
        let page = store.chunks(run, plan, None, 1_000).await.unwrap();
        assert_eq!(page.chunks.len(), self.keys.len());
        for stored in &page.chunks {
            let index = self.keys.iter().position(|key| key == stored.key()).unwrap();
            assert_eq!(ModelChunk::of(stored), self.model.chunks[index]);
        }
        assert_eq!(store.tally(run, plan, at(self.now)).await.unwrap(), self.model.tally(self.now));
    }
}

/// Seconds of the tests' time.
fn secs(at_instant: Timestamp) -> i64 {
    at_instant.as_second() - at(0).as_second()
}
