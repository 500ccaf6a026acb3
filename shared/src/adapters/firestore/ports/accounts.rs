//! The port: accounts.

use async_trait::async_trait;

use super::super::{FirestoreStore, accounts};
use crate::{
    domain::{Account, AccountId},
    ports::{AccountStore, StoreError},
};

#[async_trait]
impl AccountStore for FirestoreStore {
    async fn put_account(&self, account: &Account) -> Result<(), StoreError> {
        self.write(|tx| async move { Ok(accounts::put(&tx, account)) }).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.read(|client| async move { accounts::get(&client, id).await }).await
    }

    async fn replace_account(&self, expected: &Account, account: &Account) -> Result<(), StoreError> {
        self.write(|tx| async move { accounts::replace(&tx, expected, account).await }).await
    }

    async fn account_ids(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.read(|client| async move { accounts::ids(&client, after, limit).await }).await
    }
}
