//! Accounts.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{Account, AccountId};

/// Accounts. See [`Store`](super::Store).
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Creates or replaces an account's settings.
    async fn put_account(&self, account: &Account) -> Result<(), StoreError>;
    /// An account.
    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError>;
    /// Replaces the settings of `account` where they are still `expected`; else [`StoreError::Conflict`]. The id says
    /// whose they are.
    async fn replace_account(&self, expected: &Account, account: &Account) -> Result<(), StoreError>;
    /// The ids of accounts, in the order of their numbers, up to `limit` (at least one) behind `after`: for the
    /// scheduler, never for customers.
    async fn account_ids(&self, after: Option<AccountId>, limit: usize)
    -> Result<Vec<AccountId>, StoreError>;
}
