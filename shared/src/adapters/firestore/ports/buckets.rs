//! The port: buckets.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{FirestoreStore, buckets, candidates};
use crate::{
    domain::{
        AccountId, BlockOutcome, BucketCandidate, BucketFailure, BucketId, CandidateId, KeyFacts,
        PartnerBucket,
    },
    ports::{BucketRemoval, BucketStore, StoreError},
};

#[async_trait]
impl BucketStore for FirestoreStore {
    async fn put_bucket(&self, bucket: &PartnerBucket) -> Result<(), StoreError> {
        self.write(|tx| async move { buckets::put(&tx, bucket).await }).await
    }

    async fn bucket(&self, account: AccountId, id: &BucketId) -> Result<Option<PartnerBucket>, StoreError> {
        self.read(|client| async move { buckets::get(&client, account, id).await }).await
    }

    async fn buckets(&self, account: AccountId) -> Result<Vec<PartnerBucket>, StoreError> {
        self.read(|client| async move { buckets::all(&client, account).await }).await
    }

    async fn buckets_named(&self, bucket_name: &str) -> Result<Vec<PartnerBucket>, StoreError> {
        self.read(|client| async move { buckets::named(&client, bucket_name).await }).await
    }

    async fn block_bucket(
        &self,
        seen: &PartnerBucket,
        failure: &BucketFailure,
        since: Timestamp,
    ) -> Result<BlockOutcome, StoreError> {
        self.write(|tx| async move { buckets::block(&tx, seen, failure, since).await }).await
    }

    async fn unblock_bucket(&self, seen: &PartnerBucket) -> Result<bool, StoreError> {
        self.write(|tx| async move { buckets::unblock(&tx, seen).await }).await
    }

    async fn remove_bucket(&self, account: AccountId, id: &BucketId) -> Result<BucketRemoval, StoreError> {
        self.write(|tx| async move { buckets::remove(&tx, account, id).await }).await
    }

    async fn put_candidate(&self, candidate: &BucketCandidate) -> Result<(), StoreError> {
        self.write(|tx| async move {
            candidates::put(&tx, candidate);
            Ok(())
        })
        .await
    }

    async fn candidate(
        &self,
        account: AccountId,
        id: &CandidateId,
        now: Timestamp,
    ) -> Result<Option<BucketCandidate>, StoreError> {
        self.read(|client| async move { candidates::get(&client, account, id, now).await }).await
    }

    async fn promote_candidate(
        &self,
        account: AccountId,
        id: &CandidateId,
        key_facts: &KeyFacts,
    ) -> Result<PartnerBucket, StoreError> {
        self.write(|tx| async move { candidates::promote(&tx, account, id, key_facts).await }).await
    }

    async fn sweep_candidates(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut swept = 0;
        loop {
            let batch = self.write(|tx| async move { candidates::sweep(&tx, now).await }).await?;
            swept += batch as u64;
            if batch < candidates::SWEEP_BATCH {
                return Ok(swept);
            }
        }
    }
}
