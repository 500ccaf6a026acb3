//! Buckets.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    documents::{account_column, find, list, to_json},
    exports,
};
use crate::{
    domain::{AccountId, BlockOutcome, BucketFailure, BucketId, PartnerBucket, RequestId},
    ports::{BucketRemoval, StoreError},
};

fn name(account: AccountId, id: &str) -> String {
    format!("bucket `{id}` in account {account}")
}

/// Where the bucket comes to mean another one at Google, the exports that go on into it take their request ids
/// there too, so that no other account gets them.
pub(super) fn put(connection: &Connection, bucket: &PartnerBucket) -> Result<(), StoreError> {
    let before = get(connection, bucket.account, &bucket.id)?;
    if before.is_some_and(|before| before.bucket_name != bucket.bucket_name) {
        exports::move_to(connection, bucket)?;
    }
    let sql = "INSERT INTO buckets (account, id, doc) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET doc = excluded.doc";
    let account = account_column(bucket.account);
    connection.prepare_cached(sql)?.execute(params![account, bucket.id.0, to_json(bucket)])?;
    Ok(())
}

pub(super) fn get(
    connection: &Connection,
    account: AccountId,
    id: &BucketId,
) -> Result<Option<PartnerBucket>, StoreError> {
    let sql = "SELECT doc FROM buckets WHERE account = ?1 AND id = ?2";
    find(connection, sql, params![account_column(account), id.0], || name(account, &id.0))
}

pub(super) fn existing(
    connection: &Connection,
    account: AccountId,
    id: &BucketId,
) -> Result<PartnerBucket, StoreError> {
    get(connection, account, id)?.ok_or_else(|| StoreError::NotFound(name(account, &id.0)))
}

pub(super) fn all(connection: &Connection, account: AccountId) -> Result<Vec<PartnerBucket>, StoreError> {
    let sql = "SELECT doc, id FROM buckets WHERE account = ?1 ORDER BY id";
    list(connection, sql, [account_column(account)], |id| name(account, id))
}

pub(super) fn named(connection: &Connection, bucket_name: &str) -> Result<Vec<PartnerBucket>, StoreError> {
    let sql = "SELECT doc, id FROM buckets WHERE doc ->> 'bucket_name' = ?1 ORDER BY account, id";
    list(connection, sql, [bucket_name], |id| format!("bucket `{id}`"))
}

pub(super) fn block(
    connection: &Connection,
    seen: &PartnerBucket,
    failure: &BucketFailure,
    since: Timestamp,
) -> Result<BlockOutcome, StoreError> {
    let mut bucket = existing(connection, seen.account, &seen.id)?;
    let outcome = bucket.block(seen, failure, since);
    put(connection, &bucket)?;
    Ok(outcome)
}

pub(super) fn unblock(connection: &Connection, seen: &PartnerBucket) -> Result<bool, StoreError> {
    let mut bucket = existing(connection, seen.account, &seen.id)?;
    let unblocked = bucket.unblock(seen);
    put(connection, &bucket)?;
    Ok(unblocked)
}

/// By which exports a bucket is in use: they are active, what they have begun is still being finished, or it may be
/// retried, which it may while its export is active.
pub(super) const IN_USE: &str = "
    SELECT request FROM exports INDEXED BY exports_of_bucket WHERE account = ?1 AND bucket = ?2 AND active
    UNION SELECT request FROM runs INDEXED BY runs_open_of_export
      WHERE open AND account = ?1 AND CASE WHEN json_valid(doc) THEN doc ->> '$.spec.bucket' END = ?2
    UNION SELECT runs.request FROM runs INDEXED BY runs_incomplete JOIN exports USING (account, request)
      WHERE runs.status = 'INCOMPLETE' AND account = ?1 AND exports.active
        AND CASE WHEN json_valid(runs.doc) THEN runs.doc ->> '$.spec.bucket' END = ?2
    ORDER BY request";

pub(super) fn remove(
    connection: &Connection,
    account: AccountId,
    id: &BucketId,
) -> Result<BucketRemoval, StoreError> {
    existing(connection, account, id)?;
    let params = params![account_column(account), id.0];
    let mut statement = connection.prepare_cached(IN_USE)?;
    let exports = statement.query_map(params, |row| row.get(0).map(RequestId))?;
    let exports: Vec<_> = exports.collect::<Result<_, _>>()?;
    if !exports.is_empty() {
        return Ok(BucketRemoval::InUse(exports));
    }
    connection.prepare_cached("DELETE FROM buckets WHERE account = ?1 AND id = ?2")?.execute(params)?;
    Ok(BucketRemoval::Removed)
}
