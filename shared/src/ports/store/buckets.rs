//! Buckets of accounts.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::domain::{
    AccountId, BlockOutcome, BucketCandidate, BucketFailure, BucketId, CandidateId, KeyFacts, PartnerBucket,
    RequestId,
};

/// What became of a bucket that was to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketRemoval {
    /// It is gone; what was written into it stays where it is, at Google.
    Removed,
    /// It stays, for these exports, lowest first: they are active, or what they have begun is still being finished;
    /// or one of their runs is INCOMPLETE, began in it and may be retried, since its export is active.
    InUse(Vec<RequestId>),
}

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
    /// Blocks a bucket from `since` on for a failure that was met while it was as it was `seen`; nothing changes where it
    /// has another key by now, or was opened again. A bucket that is blocked keeps its first `since`, and takes a failure
    /// of another class.
    async fn block_bucket(
        &self,
        seen: &PartnerBucket,
        failure: &BucketFailure,
        since: Timestamp,
    ) -> Result<BlockOutcome, StoreError>;
    /// Opens a bucket again that is blocked as it was `seen`. False, and nothing changes, where it is not.
    async fn unblock_bucket(&self, seen: &PartnerBucket) -> Result<bool, StoreError>;
    /// Forgets a bucket and its key, unless exports still go into it. [`StoreError::NotFound`] where there is none.
    async fn remove_bucket(&self, account: AccountId, id: &BucketId) -> Result<BucketRemoval, StoreError>;

    /// Keeps a new candidate until it expires.
    async fn put_candidate(&self, candidate: &BucketCandidate) -> Result<(), StoreError>;
    /// A candidate that has not expired at `now`.
    async fn candidate(
        &self,
        account: AccountId,
        id: &CandidateId,
        now: Timestamp,
    ) -> Result<Option<BucketCandidate>, StoreError>;
    /// Makes a candidate the bucket that it is for ([`BucketCandidate::promote`]): ready, also where an older key had
    /// it blocked. The candidate is gone with it. A candidate that expired while it was checked counts, while it is
    /// there. [`StoreError::NotFound`] where it is not; [`StoreError::Conflict`] where the rules would not take the
    /// bucket any more.
    async fn promote_candidate(
        &self,
        account: AccountId,
        id: &CandidateId,
        key_facts: &KeyFacts,
    ) -> Result<PartnerBucket, StoreError>;
    /// Deletes the candidates of all accounts that have expired at `now`. Gives how many.
    async fn sweep_candidates(&self, now: Timestamp) -> Result<u64, StoreError>;
}
