//! The file: how it is opened, its tables and their versions.
//!
//! A row is a document: `doc` is the JSON text of the domain's type, and beside it stand only the columns that
//! keys, orders and counts need. Instants in columns are nanoseconds since 1970.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::documents::is_out_of_storage;
use crate::ports::StoreError;

/// How long a step waits for another process that writes, in seconds.
const BUSY_TIMEOUT_SECS: u64 = 20;
/// How often opening asks again whether another process has done switching the file to WAL, in milliseconds.
const WAL_RETRY_MILLIS: u64 = 5;
/// Marks a file as Spillway's (`PRAGMA application_id`): "SPLW".
const APPLICATION_ID: i64 = 0x5350_4c57;

/// What makes version n+1 of version n.
const MIGRATIONS: [&str; 8] = [
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
];

/// The version that files are brought to.
#[cfg(test)]
pub(super) const VERSION: i64 = MIGRATIONS.len().cast_signed() as i64;

/// Opens a connection; creates the file and brings its tables up to date where needed.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let fault = |wrong: &dyn std::fmt::Display| {
        StoreError::Unavailable(format!("store file `{}`: {wrong}", path.display()))
    };
    create_private(path).map_err(|error| fault(&error))?;
    let mut connection = Connection::open(path).map_err(|error| fault(&error))?;
    match prepare(&mut connection) {
        Ok(()) => Ok(connection),
        Err(OpenError::Sqlite(error)) if is_out_of_storage(&error) => {
            Err(StoreError::Full(format!("store file `{}`: {error}", path.display())))
        }
        Err(error) => Err(fault(&error)),
    }
}

/// The file holds sealed keys and the names of customers' things; SQLite's own files beside it take its mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("it was written by a newer version of Spillway (its tables have version {0}); run that version")]
    Newer(i64),
    #[error("it is the file of another program; name another file")]
    Foreign,
}

fn prepare(connection: &mut Connection) -> Result<(), OpenError> {
    connection.busy_timeout(Duration::from_secs(BUSY_TIMEOUT_SECS))?;
    connection.set_prepared_statement_cache_capacity(64);
    switch_to_wal(connection)?;
    // FULL: an intent must be on the disk before the upload it announces ends, power failures included; otherwise
    // an object could stand in the bucket that no intent explains. What may be lost says so by itself (`worker`).
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    migrate(connection)?;
    // From here on a savepoint changes some pages; a file to undo them costs more than the step.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// SQLite does not wait for the lock that switching takes while others open the new file too.
fn switch_to_wal(connection: &Connection) -> rusqlite::Result<()> {
    let give_up = Instant::now() + Duration::from_secs(BUSY_TIMEOUT_SECS);
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)) {
            Err(error) if is_busy(&error) && Instant::now() < give_up => {
                thread::sleep(Duration::from_millis(WAL_RETRY_MILLIS));
            }
            answer => return answer.map(drop),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables = "SELECT count(*) FROM sqlite_schema";
    let is_empty = transaction.query_row(tables, [], |row| row.get::<_, i64>(0))? == 0;
    if !is_empty && pragma("application_id")? != APPLICATION_ID {
        return Err(OpenError::Foreign);
    }
    let version = pragma("user_version")?;
    let done = usize::try_from(version).ok().filter(|done| *done <= MIGRATIONS.len());
    let done = done.ok_or(OpenError::Newer(version))?;
    for (migration, to) in MIGRATIONS.iter().zip(1_i64..).skip(done) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", to)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}
