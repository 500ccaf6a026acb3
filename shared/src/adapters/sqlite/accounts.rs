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
