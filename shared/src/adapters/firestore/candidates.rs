//! Candidates: kept, promoted to buckets, swept. Firestore forgets them itself too, within a day (TTL).

use jiff::Timestamp;

use super::{
    buckets,
    client::Client,
    documents::{Fields, Stored, instant_value},
    faults::Fault,
    paths::{DocPath, number_id, text_id},
    queries::Queries,
    query::Query,
    transaction::Transaction,
};
use crate::{
    domain::{AccountId, BucketCandidate, CandidateId, KeyFacts, PartnerBucket},
    ports::StoreError,
};

/// How many one transaction deletes.
pub(super) const SWEEP_BATCH: usize = 400;

fn name(account: AccountId, id: &CandidateId) -> String {
    format!("bucket candidate {id} in account {account}")
}

/// At the top, so that those of all accounts are one collection, swept by one query.
fn path(account: AccountId, id: &CandidateId) -> DocPath {
    DocPath::top("candidates", &format!("{}-{}", number_id(account.0), text_id(id.as_str())))
}

fn read(stored: &Stored, account: AccountId, id: &CandidateId) -> Result<BucketCandidate, StoreError> {
    stored.read(|| name(account, id))
}

pub(super) fn put(tx: &Transaction, candidate: &BucketCandidate) {
    let fields = Fields::of(candidate).instant("expires_at", candidate.expires_at());
    tx.create(path(candidate.account, &candidate.id), fields);
}

pub(super) async fn get(
    client: &Client,
    account: AccountId,
    id: &CandidateId,
    now: Timestamp,
) -> Result<Option<BucketCandidate>, Fault> {
    let Some(stored) = client.get_one(&path(account, id)).await? else { return Ok(None) };
    Ok(Some(read(&stored, account, id)?).filter(|candidate| candidate.expires_at() > now))
}

/// Also one whose time has run out while it was checked.
pub(super) async fn promote(
    tx: &Transaction,
    account: AccountId,
    id: &CandidateId,
    key_facts: &KeyFacts,
) -> Result<PartnerBucket, Fault> {
    let stored = tx.get(&path(account, id)).await?;
    let stored = stored.ok_or_else(|| StoreError::NotFound(name(account, id)))?;
    let candidate = read(&stored, account, id)?;
    // First, so that a bucket that is not among them cannot come to be before this is done: whoever makes one writes the
    // guard too.
    buckets::guard(tx, account).await?;
    let known = buckets::known(tx, account).await?;
    let bucket = candidate
        .promote(&known, key_facts.clone())
        .map_err(|_| StoreError::Conflict(format!("bucket `{}` in account {account}", candidate.nickname)))?;
    buckets::put(tx, &bucket).await?;
    tx.delete(path(account, id));
    Ok(bucket)
}

/// Deletes up to [`SWEEP_BATCH`]; gives how many.
pub(super) async fn sweep(tx: &Transaction, now: Timestamp) -> Result<usize, Fault> {
    let expired = Query::new(Queries::ExpiredCandidates, None)
        .upto(instant_value(now))
        .only(&["__name__"])
        .limit(SWEEP_BATCH);
    let expired = tx.query(expired).await?;
    let count = expired.len();
    expired.into_iter().for_each(|stored| tx.delete(stored.path));
    Ok(count)
}
