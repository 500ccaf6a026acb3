//! The port: buckets.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{SqliteStore, buckets, candidates};
use crate::{
    domain::{
        AccountId, BlockOutcome, BucketCandidate, BucketFailure, BucketId, CandidateId, KeyFacts,
        PartnerBucket,
    },
    ports::{BucketRemoval, BucketStore, StoreError},
};

#[async_trait]
impl BucketStore for SqliteStore {
    async fn put_bucket(&self, bucket: &PartnerBucket) -> Result<(), StoreError> {
        let bucket = bucket.clone();
        self.writer.write(move |tx| buckets::put(tx, &bucket)).await
    }

    async fn bucket(&self, account: AccountId, id: &BucketId) -> Result<Option<PartnerBucket>, StoreError> {
        let id = id.clone();
        self.reader.read(move |db| buckets::get(db, account, &id)).await
    }

    async fn buckets(&self, account: AccountId) -> Result<Vec<PartnerBucket>, StoreError> {
        self.reader.read(move |db| buckets::all(db, account)).await
    }

    async fn buckets_named(&self, bucket_name: &str) -> Result<Vec<PartnerBucket>, StoreError> {
        let bucket_name = bucket_name.to_owned();
        self.reader.read(move |db| buckets::named(db, &bucket_name)).await
    }

    async fn block_bucket(
        &self,
        seen: &PartnerBucket,
        failure: &BucketFailure,
        since: Timestamp,
    ) -> Result<BlockOutcome, StoreError> {
        let (seen, failure) = (seen.clone(), failure.clone());
        self.writer.write(move |tx| buckets::block(tx, &seen, &failure, since)).await
    }

    async fn unblock_bucket(&self, seen: &PartnerBucket) -> Result<bool, StoreError> {
        let seen = seen.clone();
        self.writer.write(move |tx| buckets::unblock(tx, &seen)).await
    }

    async fn remove_bucket(&self, account: AccountId, id: &BucketId) -> Result<BucketRemoval, StoreError> {
        let id = id.clone();
        self.writer.write(move |tx| buckets::remove(tx, account, &id)).await
    }

    async fn put_candidate(&self, candidate: &BucketCandidate) -> Result<(), StoreError> {
        let candidate = candidate.clone();
        self.writer.write(move |tx| candidates::put(tx, &candidate)).await
    }

    async fn candidate(
        &self,
        account: AccountId,
        id: &CandidateId,
        now: Timestamp,
    ) -> Result<Option<BucketCandidate>, StoreError> {
        let id = id.clone();
        self.reader.read(move |db| candidates::get(db, account, &id, now)).await
    }

    async fn promote_candidate(
        &self,
        account: AccountId,
        id: &CandidateId,
        key_facts: &KeyFacts,
    ) -> Result<PartnerBucket, StoreError> {
        let (id, key_facts) = (id.clone(), key_facts.clone());
        self.writer.write(move |tx| candidates::promote(tx, account, &id, &key_facts)).await
    }

    async fn sweep_candidates(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.writer.write(move |tx| candidates::sweep(tx, now)).await
    }
}
