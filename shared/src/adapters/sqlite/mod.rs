//! The store in an SQLite file.
//!
//! Two threads own a connection each: one writes, one reads, so that counting and paging do not wait for the disk.
//! In WAL mode the reader sees all that has been committed, also by other processes on the same file.

mod accounts;
mod buckets;
mod candidates;
mod catalogue;
mod chunks;
mod claims;
mod columns;
mod creations;
mod documents;
mod export_lists;
mod exports;
mod incidents;
mod lake_notes;
mod ports;
mod profile_lists;
mod run_files;
mod runs;
mod schema;
mod starts;
#[cfg(test)]
mod tests;
mod worker;

use std::path::Path;

use self::worker::Worker;
use crate::ports::StoreError;

/// The store in an SQLite file. Any number of processes may have it open; what was answered survives the end of
/// any of them, however sudden.
pub struct SqliteStore {
    writer: Worker,
    reader: Worker,
}

impl SqliteStore {
    /// Opens the store; creates the file, for its owner only, where there is none. Blocks for as long as another
    /// process holds the file.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the file cannot be opened, is another program's, or was written by a
    /// newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let writer = Worker::start("store-writer", schema::open(path)?)?;
        let reader = Worker::start("store-reader", schema::open(path)?)?;
        Ok(Self { writer, reader })
    }
}
