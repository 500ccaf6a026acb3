//! Documents as rows: JSON text in and out, and the forms that ids and instants take in columns.

use jiff::Timestamp;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Params, ffi,
    types::{FromSql, FromSqlResult, ValueRef},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    domain::{AccountId, RunKey},
    ports::StoreError,
};

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&rusqlite::Error> for StoreError {
    fn from(error: &rusqlite::Error) -> Self {
        if is_out_of_storage(error) {
            Self::Full(error.to_string())
        } else {
            Self::Unavailable(error.to_string())
        }
    }
}

/// Whether nothing can be written until somebody mends the disk.
pub(super) fn is_out_of_storage(error: &rusqlite::Error) -> bool {
    let Some(told) = error.sqlite_error() else { return false };
    matches!(told.code, ErrorCode::DiskFull | ErrorCode::ReadOnly)
        // The disk takes no more for a reason that SQLite has no name for, or the index of the log could not grow.
        || matches!(
            told.extended_code,
            ffi::SQLITE_IOERR_WRITE
                | ffi::SQLITE_IOERR_TRUNCATE
                | ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_SHMSIZE
        )
}

/// JSON text as it lies in a row; whether it is any is told by whoever knows the document's name.
struct Json(Vec<u8>);

impl FromSql for Json {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_bytes().map(|bytes| Self(bytes.to_vec()))
    }
}

pub(super) fn to_json(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("the domain's types have text keys and always serialise")
}

fn from_json<T: DeserializeOwned>(json: &Json, name: impl FnOnce() -> String) -> Result<T, StoreError> {
    serde_json::from_slice(&json.0)
        .map_err(|error| StoreError::Unreadable { document: name(), wrong: error.to_string() })
}

/// The document in the first column of the only row.
pub(super) fn find<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    name: impl FnOnce() -> String,
) -> Result<Option<T>, StoreError> {
    let json = connection.prepare_cached(sql)?.query_row(params, |row| row.get::<_, Json>(0)).optional()?;
    json.map(|json| from_json(&json, name)).transpose()
}

/// The documents in the first column; the second is what tells one from the others in its name.
pub(super) fn list<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    name: impl Fn(&str) -> String,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| Ok((row.get::<_, Json>(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| row.map_err(StoreError::from).and_then(|(json, id)| from_json(&json, || name(&id))))
        .collect()
}

/// As [`list`], each with the second column: none in the place of a damaged one, which is logged, and holds up nobody
/// else's.
pub(super) fn list_each<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    name: impl Fn(&str) -> String,
) -> Result<Vec<(Option<T>, String)>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| Ok((row.get::<_, Json>(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (json, id) = row?;
        Ok((readable(from_json(&json, || name(&id))), id))
    })
    .collect()
}

/// As [`list`], up to `limit` of those that can be read; no more rows than that are looked at.
pub(super) fn list_readable<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    name: impl Fn(&str) -> String,
    limit: usize,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let (json, id): (Json, String) = (row.get(0)?, row.get(1)?);
        found.extend(readable(from_json(&json, || name(&id))));
    }
    Ok(found)
}

fn readable<T>(document: Result<T, StoreError>) -> Option<T> {
    document.inspect_err(|error| tracing::error!(%error, "a document is passed over")).ok()
}

/// As [`list`], each with the text in the third column, by which it is paged.
pub(super) fn list_keyed<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    name: impl Fn(&str) -> String,
) -> Result<Vec<(T, String)>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| {
        Ok((row.get::<_, Json>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    rows.map(|row| {
        let (json, id, key) = row?;
        Ok((from_json(&json, || name(&id))?, key))
    })
    .collect()
}

/// An account as a column: the same 64 bits.
pub(super) fn account_column(account: AccountId) -> i64 {
    account.0.cast_signed()
}

/// A run's key as columns.
pub(super) fn run_columns(key: RunKey) -> (i64, i64, i64) {
    (account_column(key.account), key.request.0, key.run.0)
}

/// An instant as a column. Instants beyond the years 1677 to 2262 become the ends of the range, so order stays.
pub(super) fn instant_column(at: Timestamp) -> i64 {
    let nanos = at.as_nanosecond().clamp(i64::MIN.into(), i64::MAX.into());
    i64::try_from(nanos).expect("clamped")
}

/// The instant of a column.
pub(super) fn instant_of_column(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into())
        .expect("an i64 of nanoseconds lies within the years of a timestamp")
}
