//! The port: buckets.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{SqliteStore, buckets};
use crate::{
    domain::{AccountId, BlockOutcome, BucketFailure, BucketId, PartnerBucket, SealedKey},
    ports::{BucketStore, StoreError},
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
        account: AccountId,
        id: &BucketId,
        key: &SealedKey,
        failure: &BucketFailure,
        since: Timestamp,
    ) -> Result<BlockOutcome, StoreError> {
        let (id, key, failure) = (id.clone(), key.clone(), failure.clone());
        self.writer.write(move |tx| buckets::block(tx, account, &id, &key, &failure, since)).await
    }

    async fn unblock_bucket(&self, account: AccountId, id: &BucketId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.writer.write(move |tx| buckets::unblock(tx, account, &id)).await
    }
}
