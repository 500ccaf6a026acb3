//! The property columns of an export's CSV files.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::documents::{account_column, find, to_json};
use crate::{
    domain::{AccountId, PropertyColumn, RequestId},
    ports::StoreError,
};

/// Whose columns, as in the table.
pub(super) fn records_key(event_name: Option<&str>) -> String {
    event_name.map_or_else(|| "profiles".to_owned(), |name| format!("event:{name}"))
}

pub(super) fn get(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
    records: &str,
) -> Result<Vec<PropertyColumn>, StoreError> {
    let sql = "SELECT doc FROM columns WHERE account = ?1 AND request = ?2 AND records = ?3";
    let params = params![account_column(account), request.0, records];
    let name = || format!("list of columns `{records}` of export {request} in account {account}");
    Ok(find(connection, sql, params, name)?.unwrap_or_default())
}

pub(super) fn append(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
    records: &str,
    found: &[PropertyColumn],
) -> Result<Vec<PropertyColumn>, StoreError> {
    let mut columns = get(connection, account, request, records)?;
    let before = columns.len();
    let mut known: HashSet<PropertyColumn> = columns.iter().cloned().collect();
    columns.extend(found.iter().filter(|column| known.insert((*column).clone())).cloned());
    if columns.len() > before {
        let sql = "INSERT INTO columns (account, request, records, doc) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT DO UPDATE SET doc = excluded.doc";
        let params = params![account_column(account), request.0, records, to_json(&columns)];
        connection.prepare_cached(sql)?.execute(params)?;
    }
    Ok(columns)
}
