//! What planning has found out and must not find out again.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{
    AccountId, DatabaseId, PlanToken, ProfileFile, ProfileNote, PropertyColumn, RequestId, RunKey,
};

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
    /// What is remembered of those of an account's profiles files of which something is. Callers name a few hundred
    /// at a time.
    async fn profile_notes(
        &self,
        account: AccountId,
        paths: &[String],
    ) -> Result<BTreeMap<String, ProfileNote>, StoreError>;
    /// Remembers what profiles files' footers said, by path, in place of what was remembered before. A few hundred
    /// at a time.
    async fn put_profile_notes(
        &self,
        account: AccountId,
        notes: &BTreeMap<String, ProfileNote>,
    ) -> Result<(), StoreError>;
    /// Stores a part of a plan's list of a shard's profiles files, create-only; one that exists stays as it is.
    /// It is swept with the plan's chunks. [`StoreError::NotFound`] without its run.
    async fn put_profile_list(
        &self,
        run: RunKey,
        plan: &PlanToken,
        database: DatabaseId,
        part: u32,
        files: &[ProfileFile],
    ) -> Result<(), StoreError>;
    /// A part of such a list.
    async fn profile_list(
        &self,
        run: RunKey,
        plan: &PlanToken,
        database: DatabaseId,
        part: u32,
    ) -> Result<Option<Vec<ProfileFile>>, StoreError>;
}
