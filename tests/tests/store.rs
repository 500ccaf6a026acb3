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
