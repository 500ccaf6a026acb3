//! The contract where a third of all commits is aborted, and the answers to some that were done are lost.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use spillway::adapters::firestore::CommitFaults;
use spillway_tests::{
    contract::store::{Stores, fixtures::*},
    emulators,
};

use super::connect;

struct Faults {
    rng: Mutex<StdRng>,
    aborts: f64,
    losses: f64,
    done: AtomicU64,
}

impl Faults {
    fn new(aborts: f64, losses: f64) -> Arc<Self> {
        let rng = Mutex::new(StdRng::seed_from_u64(20_261_129));
        Arc::new(Self { rng, aborts, losses, done: AtomicU64::new(0) })
    }

    fn happens(&self, share: f64) -> bool {
        let happens = self.rng.lock().unwrap().random_bool(share);
        self.done.fetch_add(happens.into(), Ordering::Relaxed);
        happens
    }
}

impl CommitFaults for Faults {
    fn aborts(&self) -> bool {
        self.happens(self.aborts)
    }

    fn loses_answer(&self) -> bool {
        self.happens(self.losses)
    }
}

async fn with_faults() -> Stores {
    let (emulator, project) = (emulators::firestore::shared(), emulators::firestore::project_id());
    let faults = Faults::new(0.3, 0.15);
    let [one, two] = [connect(&emulator, &project).await, connect(&emulator, &project).await];
    let one = one.with_faults(faults.clone());
    let two = two.with_faults(faults);
    Stores { one: Arc::new(one), two: Arc::new(two), keep: Box::new(emulator) }
}

mod with_every_fault {
    use super::with_faults;
    spillway_tests::store_contract!(with_faults);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_done_once() {
    let (emulator, project) = (emulators::firestore::shared(), emulators::firestore::project_id());
    let store = connect(&emulator, &project).await;
    with_account(&store, ACME).await;
    // Every answer is lost: each call does its work, looks, and finds it done.
    let faults = Faults::new(0.0, 1.0);
    let losing = store.clone().with_faults(faults.clone());
    let mut requests = vec![];
    for _ in 0..5 {
        requests.push(with_export(&losing, ACME, recurring(), 7).await.request.0 - at(7).as_second());
    }
    assert_eq!(requests, [0, 1, 2, 3, 4], "no export twice");
    assert!(faults.done.load(Ordering::Relaxed) >= 5);
    let run = with_run(&losing, ACME).await;
    let key = with_chunks(&store, &run, "p", &[0]).await.remove(0);
    use spillway::ports::{ChunkStore, RunStore};
    // Not busy by its own hand.
    losing.change_chunk(&key, lease(1, 50), at(1)).await.unwrap();
    losing.change_chunk(&key, complete(1), at(2)).await.unwrap();
    losing.open_run(run.key, &opening_of(1, "p", &run.spec, 3)).await.unwrap();
    let closing = closing(spillway::domain::RunStatus::Done, 4);
    assert!(losing.close_run(run.key, &closing).await.unwrap(), "this call closed it");
    assert!(!losing.close_run(run.key, &closing).await.unwrap());
}

#[tokio::test]
async fn a_store_that_aborts_for_ever_is_unavailable() {
    let (emulator, project) = (emulators::firestore::shared(), emulators::firestore::project_id());
    let store = connect(&emulator, &project).await.with_faults(Faults::new(1.0, 0.0));
    use spillway::ports::{AccountStore, StoreError};
    let account = spillway::domain::Account::new(ACME, Default::default());
    let begin = std::time::Instant::now();
    let answer = store.put_account(&account).await;
    assert!(matches!(&answer, Err(StoreError::Unavailable(why)) if why.contains("abort")), "{answer:?}");
    let took = begin.elapsed().as_secs();
    assert!((15..60).contains(&took), "it gave up after {took} s");
}
