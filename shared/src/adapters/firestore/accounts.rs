//! Accounts.

use super::{
    client::Client,
    documents::Fields,
    faults::Fault,
    paths,
    queries::Queries,
    query::{Query, name_value},
    transaction::Transaction,
};
use crate::{
    domain::{Account, AccountId},
    ports::StoreError,
};

fn name(id: AccountId) -> String {
    format!("account {id}")
}

pub(super) fn put(tx: &Transaction, account: &Account) {
    tx.put(paths::account(account.id), Fields::of(account));
}

pub(super) async fn get(client: &Client, id: AccountId) -> Result<Option<Account>, Fault> {
    let stored = client.get_one(&paths::account(id)).await?;
    Ok(stored.map(|stored| stored.read(|| name(id))).transpose()?)
}

pub(super) async fn replace(tx: &Transaction, expected: &Account, account: &Account) -> Result<(), Fault> {
    let stored = tx.get(&paths::account(account.id)).await?;
    let known: Option<Account> = stored.map(|stored| stored.read(|| name(account.id))).transpose()?;
    match known {
        None => return Err(StoreError::NotFound(name(account.id)).into()),
        Some(known) if known != *expected => return Err(StoreError::Conflict(name(account.id)).into()),
        Some(_) => put(tx, account),
    }
    Ok(())
}

pub(super) async fn ids(
    client: &Client,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Vec<AccountId>, Fault> {
    let mut query = Query::new(Queries::Accounts, None).only(&["__name__"]).limit(limit.clamp(1, 1 << 20));
    if let Some(after) = after {
        query = query.after(vec![name_value(client.name(&paths::account(after)))]);
    }
    let found = client.query(query, None).await?.documents;
    Ok(found.iter().filter_map(|stored| stored.id().parse().ok().map(AccountId)).collect())
}
