//! Buckets of accounts.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::domain::{AccountId, BlockOutcome, BucketFailure, BucketId, PartnerBucket, SealedKey};

/// Buckets of accounts. See [`Store`](super::Store).
#[async_trait]
pub trait BucketStore: Send + Sync {
    /// Creates or replaces a bucket. Where it comes to mean another bucket at Google, the account's active exports
    /// into it take their request ids there; [`StoreError::Conflict`] where one of those is another's.
    async fn put_bucket(&self, bucket: &PartnerBucket) -> Result<(), StoreError>;
    /// A bucket.
    async fn bucket(&self, account: AccountId, id: &BucketId) -> Result<Option<PartnerBucket>, StoreError>;
    /// An account's buckets, by nickname.
    async fn buckets(&self, account: AccountId) -> Result<Vec<PartnerBucket>, StoreError>;
    /// Every account's bucket of this name at Google, by account: for operators, never for customers.
    async fn buckets_named(&self, bucket_name: &str) -> Result<Vec<PartnerBucket>, StoreError>;
    /// Blocks a bucket from `since` on for a failure that was seen under `key`; nothing changes where it has another
    /// one by now. A bucket that is blocked keeps its first `since`, and takes a failure of another class.
    async fn block_bucket(
        &self,
        account: AccountId,
        id: &BucketId,
        key: &SealedKey,
        failure: &BucketFailure,
        since: Timestamp,
    ) -> Result<BlockOutcome, StoreError>;
    /// Unblocks a bucket. True where it was blocked.
    async fn unblock_bucket(&self, account: AccountId, id: &BucketId) -> Result<bool, StoreError>;
}
