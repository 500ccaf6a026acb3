//! Buckets.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    client::Client,
    documents::{Fields, Stored, account_text, flag_value, text_value},
    exports,
    faults::Fault,
    paths::{self, DocPath, text_id},
    queries::Queries,
    query::Query,
    request_ids,
    transaction::Transaction,
};
use crate::{
    domain::{
        AccountId, BlockOutcome, BucketFailure, BucketId, BucketState, PartnerBucket, RequestId, RunStatus,
    },
    ports::{BucketRemoval, StoreError},
};

fn name(account: AccountId, id: &str) -> String {
    format!("bucket `{id}` in account {account}")
}

pub(super) fn path(account: AccountId, id: &BucketId) -> DocPath {
    paths::account(account).child("buckets", &text_id(&id.0))
}

/// A bucket whose nickname is not known otherwise, as its document is what tells it.
fn of_document(account: AccountId, stored: &Stored) -> Result<PartnerBucket, StoreError> {
    stored.read(|| name(account, stored.id()))
}

/// Where the bucket comes to mean another one at Google, the exports that go on into it take their request ids
/// there too, so that no other account gets them.
pub(super) async fn put(tx: &Transaction, bucket: &PartnerBucket) -> Result<(), Fault> {
    let before = find(tx, bucket.account, &bucket.id).await?;
    let is_renamed = before.as_ref().is_some_and(|before| before.bucket_name != bucket.bucket_name);
    if is_renamed || before.is_none() {
        guard(tx, bucket.account).await?;
    }
    // Behind the guard, so that no export is created between.
    if is_renamed {
        request_ids::move_to(tx, bucket).await?;
    }
    save(tx, bucket);
    Ok(())
}

/// Keeps others from changing which exports go into which buckets until this transaction is done.
pub(super) async fn guard(tx: &Transaction, account: AccountId) -> Result<(), Fault> {
    let guard = paths::bucket_guard(account);
    tx.get(&guard).await?;
    tx.put(guard, Fields::default());
    Ok(())
}

fn save(tx: &Transaction, bucket: &PartnerBucket) {
    let fields = Fields::of(bucket)
        .text("account", account_text(bucket.account))
        .text("bucket_name", &bucket.bucket_name)
        .flag("blocked", matches!(bucket.state, BucketState::Blocked { .. }));
    tx.put(path(bucket.account, &bucket.id), fields);
}

pub(super) async fn get(
    client: &Client,
    account: AccountId,
    id: &BucketId,
) -> Result<Option<PartnerBucket>, Fault> {
    let stored = client.get_one(&path(account, id)).await?;
    Ok(stored.map(|stored| stored.read(|| name(account, &id.0))).transpose()?)
}

async fn find(tx: &Transaction, account: AccountId, id: &BucketId) -> Result<Option<PartnerBucket>, Fault> {
    let stored = tx.get(&path(account, id)).await?;
    Ok(stored.map(|stored| stored.read(|| name(account, &id.0))).transpose()?)
}

pub(super) async fn existing(
    tx: &Transaction,
    account: AccountId,
    id: &BucketId,
) -> Result<PartnerBucket, Fault> {
    Ok(find(tx, account, id).await?.ok_or_else(|| StoreError::NotFound(name(account, &id.0)))?)
}

/// All buckets of an account; the transaction rests on those that it writes.
pub(super) async fn known(tx: &Transaction, account: AccountId) -> Result<Vec<PartnerBucket>, Fault> {
    let found = tx.query(Query::new(Queries::Buckets, Some(&paths::account(account)))).await?;
    Ok(found.iter().map(|stored| of_document(account, stored)).collect::<Result<_, _>>()?)
}

pub(super) async fn all(client: &Client, account: AccountId) -> Result<Vec<PartnerBucket>, Fault> {
    let found = client.query(Query::new(Queries::Buckets, Some(&paths::account(account))), None).await?;
    let buckets = found.documents.iter().map(|stored| of_document(account, stored));
    let mut buckets: Vec<PartnerBucket> = buckets.collect::<Result<_, _>>()?;
    buckets.sort_by(|a, b| a.id.0.cmp(&b.id.0));
    Ok(buckets)
}

pub(super) async fn named(client: &Client, bucket_name: &str) -> Result<Vec<PartnerBucket>, Fault> {
    let query = Query::new(Queries::BucketsNamed, None).equal("bucket_name", text_value(bucket_name));
    let found = client.query(query, None).await?.documents;
    let read = |stored: &Stored| stored.read(|| format!("bucket `{}`", stored.id()));
    let mut buckets: Vec<PartnerBucket> = found.iter().map(read).collect::<Result<_, _>>()?;
    buckets.sort_by(|a, b| (a.account, &a.id.0).cmp(&(b.account, &b.id.0)));
    Ok(buckets)
}

pub(super) async fn block(
    tx: &Transaction,
    seen: &PartnerBucket,
    failure: &BucketFailure,
    since: Timestamp,
) -> Result<BlockOutcome, Fault> {
    let mut bucket = existing(tx, seen.account, &seen.id).await?;
    let outcome = bucket.block(seen, failure, since);
    save(tx, &bucket);
    Ok(outcome)
}

pub(super) async fn unblock(tx: &Transaction, seen: &PartnerBucket) -> Result<bool, Fault> {
    let mut bucket = existing(tx, seen.account, &seen.id).await?;
    let unblocked = bucket.unblock(seen);
    save(tx, &bucket);
    Ok(unblocked)
}

/// A bucket is in use by exports that are active, and while what they have begun is still being finished or may be
/// retried. Who makes an
/// export active, or moves one here, holds the guard too; runs are created of active exports only.
pub(super) async fn remove(
    tx: &Transaction,
    account: AccountId,
    id: &BucketId,
) -> Result<BucketRemoval, Fault> {
    existing(tx, account, id).await?;
    guard(tx, account).await?;
    let active = request_ids::active_into(tx, account, id).await?;
    let unfinished = Query::new(Queries::RunsIntoBucket, None)
        .equal("account", text_value(account_text(account)))
        .equal("bucket", text_value(&id.0))
        .equal("unfinished", flag_value(true))
        .only(&["status"]);
    let mut using: BTreeSet<RequestId> = active.into_iter().collect();
    for run in tx.query(unfinished).await? {
        let Some(request) = run.parts().get(3).and_then(|id| id.parse().ok()).map(RequestId) else {
            continue;
        };
        // Of an export that has ended nothing is retried.
        let is_over = run.text("status") == Some(RunStatus::Incomplete.as_str());
        if !is_over || exports::existing(tx, account, request).await?.export.is_active() {
            using.insert(request);
        }
    }
    if !using.is_empty() {
        return Ok(BucketRemoval::InUse(using.into_iter().collect()));
    }
    tx.delete(path(account, id));
    Ok(BucketRemoval::Removed)
}
