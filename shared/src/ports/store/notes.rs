//! What planning has found out and must not find out again.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{AccountId, PropertyColumn, RequestId};

/// What planning has found out and must not find out again. See [`Store`](super::Store).
#[async_trait]
pub trait NoteStore: Send + Sync {
    /// The property columns of an export's event (`None`: of its profiles), in their stable order.
    async fn columns(
        &self,
        account: AccountId,
        request: RequestId,
        event_name: Option<&str>,
    ) -> Result<Vec<PropertyColumn>, StoreError>;
    /// Appends those of `found` that the list does not have, in the given order, and gives the whole list.
    async fn append_columns(
        &self,
        account: AccountId,
        request: RequestId,
        event_name: Option<&str>,
        found: &[PropertyColumn],
    ) -> Result<Vec<PropertyColumn>, StoreError>;
    /// The property keys that a scan found in a lake file whose footer does not list them, so that a planning
    /// that is interrupted does not scan it again.
    async fn scanned_keys(&self, account: AccountId, path: &str) -> Result<Option<String>, StoreError>;
    /// Keeps what a scan found.
    async fn put_scanned_keys(&self, account: AccountId, path: &str, keys: &str) -> Result<(), StoreError>;
    /// Bytes of output per byte of lake file, as seen per event name (`""`: profiles) in this format.
    async fn ratios(&self, account: AccountId, format_key: &str)
    -> Result<BTreeMap<String, f64>, StoreError>;
    /// Merges newly seen ratios into those known; those that are no finite numbers are passed over.
    async fn put_ratios(
        &self,
        account: AccountId,
        format_key: &str,
        ratios: &BTreeMap<String, f64>,
    ) -> Result<(), StoreError>;
}
