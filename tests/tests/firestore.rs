//! The Firestore store keeps the store's contract on Google's emulator, on two handles, also where commits are aborted
//! and answers are lost.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "firestore/aborted.rs"]
mod aborted;
#[path = "firestore/at_size.rs"]
mod at_size;
#[path = "firestore/indexes.rs"]
mod indexes;

use std::sync::Arc;

use spillway::adapters::firestore::{FirestoreOptions, FirestoreStore};
use spillway_tests::{contract::store::Stores, emulators};

/// A handle on a database of the test's own.
async fn connect(emulator: &emulators::Emulator, project_id: &str) -> FirestoreStore {
    let options = FirestoreOptions {
        project_id: project_id.to_owned(),
        database_id: "(default)".to_owned(),
        emulator_host: Some(emulator.address().to_owned()),
    };
    FirestoreStore::connect(options).await.unwrap()
}

async fn two_handles() -> Stores {
    let (emulator, project) = (emulators::firestore::shared(), emulators::firestore::project_id());
    let (one, two) = (connect(&emulator, &project).await, connect(&emulator, &project).await);
    Stores { one: Arc::new(one), two: Arc::new(two), keep: Box::new(emulator) }
}

mod on_two_handles {
    use super::two_handles;
    spillway_tests::store_contract!(two_handles);
}
