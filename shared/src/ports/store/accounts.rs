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
}
