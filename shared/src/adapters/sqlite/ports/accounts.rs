//! The port: accounts.

use async_trait::async_trait;

use super::super::{SqliteStore, accounts};
use crate::{
    domain::{Account, AccountId},
    ports::{AccountStore, StoreError},
};

#[async_trait]
impl AccountStore for SqliteStore {
    async fn put_account(&self, account: &Account) -> Result<(), StoreError> {
        let account = account.clone();
        self.writer.write(move |tx| accounts::put(tx, &account)).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.reader.read(move |db| accounts::get(db, id)).await
    }

    async fn replace_account(&self, expected: &Account, account: &Account) -> Result<(), StoreError> {
        let (expected, account) = (expected.clone(), account.clone());
        self.writer.write(move |tx| accounts::replace(tx, &expected, &account)).await
    }

    async fn account_ids(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.reader.read(move |db| accounts::ids(db, after, limit)).await
    }
}
