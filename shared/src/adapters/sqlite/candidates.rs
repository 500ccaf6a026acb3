//! Candidates: kept, promoted to buckets, swept.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    buckets,
    documents::{account_column, find, instant_column, to_json},
};
use crate::{
    domain::{AccountId, BucketCandidate, CandidateId, KeyFacts, PartnerBucket},
    ports::StoreError,
};

fn name(account: AccountId, id: &CandidateId) -> String {
    format!("bucket candidate {id} in account {account}")
}

pub(super) fn put(connection: &Connection, candidate: &BucketCandidate) -> Result<(), StoreError> {
    let sql = "INSERT INTO bucket_candidates (account, id, expires_at, doc) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![
        account_column(candidate.account),
        candidate.id.as_str(),
        instant_column(candidate.expires_at()),
        to_json(candidate),
    ])?;
    Ok(())
}

pub(super) fn get(
    connection: &Connection,
    account: AccountId,
    id: &CandidateId,
    now: Timestamp,
) -> Result<Option<BucketCandidate>, StoreError> {
    let sql = "SELECT doc FROM bucket_candidates WHERE account = ?1 AND id = ?2 AND expires_at > ?3";
    let params = params![account_column(account), id.as_str(), instant_column(now)];
    find(connection, sql, params, || name(account, id))
}

pub(super) fn promote(
    connection: &Connection,
    account: AccountId,
    id: &CandidateId,
    key_facts: &KeyFacts,
) -> Result<PartnerBucket, StoreError> {
    // Also one whose time has run out while it was checked.
    let candidate = get(connection, account, id, Timestamp::MIN)?;
    let candidate = candidate.ok_or_else(|| StoreError::NotFound(name(account, id)))?;
    let known = buckets::all(connection, account)?;
    let bucket = candidate
        .promote(&known, key_facts.clone())
        .map_err(|_| StoreError::Conflict(format!("bucket `{}` in account {account}", candidate.nickname)))?;
    buckets::put(connection, &bucket)?;
    let sql = "DELETE FROM bucket_candidates WHERE account = ?1 AND id = ?2";
    connection.prepare_cached(sql)?.execute(params![account_column(account), id.as_str()])?;
    Ok(bucket)
}

pub(super) fn sweep(connection: &Connection, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "DELETE FROM bucket_candidates WHERE expires_at <= ?1";
    Ok(connection.prepare_cached(sql)?.execute([instant_column(now)])? as u64)
}
