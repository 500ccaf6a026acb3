//! Profiles files: what is remembered of each, and the lists that chunks of a plan share.

use std::collections::BTreeMap;

use rusqlite::{Connection, ErrorCode, params};

use super::{
    documents::{account_column, find, run_columns, to_json},
    runs,
};
use crate::{
    domain::{AccountId, DatabaseId, PlanToken, ProfileFile, ProfileNote, RunKey},
    ports::StoreError,
};

pub(super) fn notes(
    connection: &Connection,
    account: AccountId,
    paths: Vec<String>,
) -> Result<BTreeMap<String, ProfileNote>, StoreError> {
    let sql = "SELECT doc FROM profile_notes WHERE account = ?1 AND path = ?2";
    let mut notes = BTreeMap::new();
    for path in paths {
        let params = params![account_column(account), path];
        if let Some(note) = find(connection, sql, params, || format!("the note of lake file `{path}`"))? {
            notes.insert(path, note);
        }
    }
    Ok(notes)
}

pub(super) fn put_notes(
    connection: &Connection,
    account: AccountId,
    notes: &BTreeMap<String, ProfileNote>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO profile_notes (account, path, doc) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET doc = excluded.doc";
    let mut statement = connection.prepare_cached(sql)?;
    for (path, note) in notes {
        statement.execute(params![account_column(account), path, to_json(note)])?;
    }
    Ok(())
}

pub(super) fn put(
    connection: &Connection,
    run: RunKey,
    plan: &PlanToken,
    database: DatabaseId,
    part: u32,
    files: &[ProfileFile],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO profile_lists (account, request, run, plan, database, part, doc)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    let (account, request, timestamp) = run_columns(run);
    let params = params![account, request, timestamp, plan.0, database.0, part, to_json(&files)];
    match connection.prepare_cached(sql)?.execute(params) {
        // The only constraint that is left is that the run exists.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(StoreError::NotFound(runs::name(run)))
        }
        rows => Ok(rows.map(drop)?),
    }
}

pub(super) fn get(
    connection: &Connection,
    run: RunKey,
    plan: &PlanToken,
    database: DatabaseId,
    part: u32,
) -> Result<Option<Vec<ProfileFile>>, StoreError> {
    let sql = "SELECT doc FROM profile_lists WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4
                 AND database = ?5 AND part = ?6";
    let (account, request, timestamp) = run_columns(run);
    let params = params![account, request, timestamp, plan.0, database.0, part];
    find(connection, sql, params, || {
        format!("part {part} of the list of profiles files of shard {} of {}", database.0, runs::name(run))
    })
}

/// Deletes the lists of a run that are not of the plan `keep`.
pub(super) fn sweep(connection: &Connection, run: RunKey, keep: Option<&str>) -> Result<(), StoreError> {
    let sql = "DELETE FROM profile_lists WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan IS NOT ?4";
    let (account, request, timestamp) = run_columns(run);
    connection.prepare_cached(sql)?.execute(params![account, request, timestamp, keep])?;
    Ok(())
}
