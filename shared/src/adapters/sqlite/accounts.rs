//! Accounts.

use rusqlite::{Connection, params};

use super::documents::{account_column, find, to_json};
use crate::{
    domain::{Account, AccountId},
    ports::StoreError,
};

pub(super) fn put(connection: &Connection, account: &Account) -> Result<(), StoreError> {
    let sql = "INSERT INTO accounts (account, doc) VALUES (?1, ?2)
               ON CONFLICT DO UPDATE SET doc = excluded.doc";
    connection.prepare_cached(sql)?.execute(params![account_column(account.id), to_json(account)])?;
    Ok(())
}

pub(super) fn get(connection: &Connection, id: AccountId) -> Result<Option<Account>, StoreError> {
    let sql = "SELECT doc FROM accounts WHERE account = ?1";
    find(connection, sql, [account_column(id)], || format!("account {id}"))
}

pub(super) fn replace(
    connection: &Connection,
    expected: &Account,
    account: &Account,
) -> Result<(), StoreError> {
    let name = format!("account {}", account.id);
    match get(connection, account.id)? {
        None => Err(StoreError::NotFound(name)),
        Some(known) if known != *expected => Err(StoreError::Conflict(name)),
        Some(_) => put(connection, account),
    }
}

// Columns hold the same 64 bits as a signed number: the upper half of the accounts would come first, were it not for the
// order by sign.
const IDS: &str = "
    SELECT account FROM accounts WHERE ?1 IS NULL OR (account < 0, account) > (?1 < 0, ?1)
      ORDER BY account < 0, account LIMIT ?2";

pub(super) fn ids(
    connection: &Connection,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Vec<AccountId>, StoreError> {
    let limit = limit.clamp(1, 1 << 20).cast_signed() as i64;
    let mut statement = connection.prepare_cached(IDS)?;
    let rows = statement.query_map(params![after.map(account_column), limit], |row| {
        Ok(AccountId(row.get::<_, i64>(0)?.cast_unsigned()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
