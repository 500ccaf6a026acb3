//! What was learned of an account's lake: property keys of scanned files, and ratios of output to input.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::documents::account_column;
use crate::{domain::AccountId, ports::StoreError};

pub(super) fn scanned_keys(
    connection: &Connection,
    account: AccountId,
    path: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT keys FROM scanned_keys WHERE account = ?1 AND path = ?2";
    let params = params![account_column(account), path];
    Ok(connection.prepare_cached(sql)?.query_row(params, |row| row.get(0)).optional()?)
}

pub(super) fn put_scanned_keys(
    connection: &Connection,
    account: AccountId,
    path: &str,
    keys: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO scanned_keys (account, path, keys) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET keys = excluded.keys";
    connection.prepare_cached(sql)?.execute(params![account_column(account), path, keys])?;
    Ok(())
}

pub(super) fn ratios(
    connection: &Connection,
    account: AccountId,
    format_key: &str,
) -> Result<BTreeMap<String, f64>, StoreError> {
    let sql = "SELECT event_name, ratio FROM ratios WHERE account = ?1 AND format_key = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![account_column(account), format_key], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ratios that are no numbers say nothing and are passed over.
pub(super) fn put_ratios(
    connection: &Connection,
    account: AccountId,
    format_key: &str,
    ratios: &BTreeMap<String, f64>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO ratios (account, format_key, event_name, ratio) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET ratio = excluded.ratio";
    let mut statement = connection.prepare_cached(sql)?;
    for (event_name, ratio) in ratios.iter().filter(|(_, ratio)| ratio.is_finite()) {
        statement.execute(params![account_column(account), format_key, event_name, ratio])?;
    }
    Ok(())
}
