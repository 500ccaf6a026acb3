//! Blocked buckets are looked at again, each once a round by the call that an export makes; what waited for one that
//! works goes on.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::{Parts, StepError, buckets::wake, open};
use crate::domain::{
    AccountId, BucketFailure, BucketId, BucketState, ExportFilter, PartnerBucket, RequestId, Run, RunStatus,
    Side, StatusKind, names,
};

/// How many exports are read at once.
const READ_AT_ONCE: usize = 16;

/// The statuses by which active exports are asked for, one after the other: one may begin to run between two questions.
pub(super) const ACTIVE: [StatusKind; 3] = [StatusKind::Pending, StatusKind::Running, StatusKind::Pending];

/// How many buckets are looked at at once: one whose side does not answer holds up few others.
const PROBED_AT_ONCE: usize = 16;

/// How a round found a bucket that was blocked.
#[derive(Debug)]
pub struct Rechecked {
    /// The bucket as it was before.
    pub bucket: PartnerBucket,
    /// Since when it was blocked.
    pub since: Timestamp,
    /// Whether an active export goes into it.
    pub has_exports: bool,
    /// What was found.
    pub verdict: Verdict,
}

/// What a blocked bucket answered.
#[derive(Debug)]
pub enum Verdict {
    /// An upload could be begun; the bucket is open from then on.
    Works,
    /// The customer has still to mend something.
    Fails(BucketFailure),
    /// Nobody waits for it, so that it was not asked.
    Unasked(BucketFailure),
    /// It cannot be told: Google, or a part of ours, did not work.
    Unclear(BucketFailure, StepError),
}

/// The open runs into a bucket: ours, and those of other places.
#[derive(Default)]
struct Waiting {
    ours: usize,
    others: usize,
}

type Place = (AccountId, BucketId);

/// Looks at the blocked buckets into which something is to go. Those of which all open runs are not ours (`is_ours`) are
/// left to whoever works these.
pub(super) async fn blocked_buckets(
    parts: &Parts,
    open_runs: &[Run],
    is_ours: impl Fn(&Run) -> bool + Send + Sync,
) -> Result<(Vec<Rechecked>, Vec<(AccountId, StepError)>), StepError> {
    let blocked = parts.store.blocked_buckets().await?;
    let (mut rechecked, mut failed) = (Vec::new(), Vec::new());
    if blocked.is_empty() {
        return Ok((rechecked, failed));
    }
    let accounts: BTreeSet<AccountId> = blocked.iter().map(|bucket| bucket.account).collect();
    let open: Vec<&Run> = open_runs.iter().filter(|run| accounts.contains(&run.key.account)).collect();
    let goes_to = owed_into(parts, &open, &mut failed).await;
    let mut waiting: BTreeMap<Place, Waiting> = BTreeMap::new();
    for run in open {
        let bucket = match run.status {
            RunStatus::Owed => goes_to.get(&(run.key.account, run.key.request)),
            _ => Some(&run.spec.bucket),
        };
        if let Some(bucket) = bucket {
            let waiting = waiting.entry((run.key.account, bucket.clone())).or_default();
            if is_ours(run) { waiting.ours += 1 } else { waiting.others += 1 }
        }
    }
    let mut looks = Vec::new();
    for bucket in blocked {
        let waiting = waiting.remove(&(bucket.account, bucket.id.clone())).unwrap_or_default();
        if waiting.ours > 0 || waiting.others == 0 {
            looks.push(async move { (bucket.account, recheck(parts, bucket, waiting.ours > 0).await) });
        }
    }
    // In their order: what a round does follows from what it found alone.
    let mut looks = stream::iter(looks).buffered(PROBED_AT_ONCE);
    while let Some((account, found)) = looks.next().await {
        match found {
            Ok(found) => rechecked.extend(found),
            Err(error) => failed.push((account, error)),
        }
    }
    Ok((rechecked, failed))
}

async fn recheck(parts: &Parts, bucket: PartnerBucket, waits: bool) -> Result<Option<Rechecked>, StepError> {
    let BucketState::Blocked { since, failure: known } = bucket.state.clone() else { return Ok(None) };
    let has_exports = has_exports(parts, &bucket).await?;
    if !waits && !has_exports {
        return Ok(Some(Rechecked { bucket, since, has_exports, verdict: Verdict::Unasked(known) }));
    }
    let verdict = match probe(parts, &bucket).await {
        Ok(()) => {
            parts.store.unblock_bucket(&bucket).await?;
            wake(parts, &bucket).await;
            Verdict::Works
        }
        Err(StepError::Bucket(failure)) if failure.class.side() == Side::Customer => {
            if failure.class != known.class {
                // The customer reads what is wrong now.
                parts.store.block_bucket(&bucket, &failure, parts.now()).await?;
            }
            Verdict::Fails(failure)
        }
        Err(error) => Verdict::Unclear(known, error),
    };
    Ok(Some(Rechecked { bucket, since, has_exports, verdict }))
}

/// Looks at a bucket of an account now, blocked or not: what waited for one that works goes on, and one that fails is
/// blocked, so that all say the same of it. None where there is no such bucket.
///
/// # Errors
/// [`StepError`] where it cannot be looked at.
pub async fn recheck_bucket(
    parts: &Parts,
    account: AccountId,
    id: &BucketId,
) -> Result<Option<Verdict>, StepError> {
    let Some(bucket) = parts.store.bucket(account, id).await? else { return Ok(None) };
    let known = match &bucket.state {
        BucketState::Blocked { failure, .. } => Some(failure),
        BucketState::Ready => None,
    };
    Ok(Some(match probe(parts, &bucket).await {
        Ok(()) => {
            if known.is_some() {
                parts.store.unblock_bucket(&bucket).await?;
                wake(parts, &bucket).await;
            }
            Verdict::Works
        }
        Err(StepError::Bucket(failure)) if failure.class.side() == Side::Customer => {
            if known.is_none_or(|known| known.class != failure.class) {
                parts.store.block_bucket(&bucket, &failure, parts.now()).await?;
            }
            Verdict::Fails(failure)
        }
        // Google, or we: what it is, not what it was.
        Err(StepError::Bucket(failure)) => Verdict::Unclear(failure.clone(), StepError::Bucket(failure)),
        Err(error) => return Err(error),
    }))
}

/// Whether an active export goes into the bucket.
///
/// # Errors
/// [`StepError`] where the store does not answer.
pub async fn has_exports(parts: &Parts, bucket: &PartnerBucket) -> Result<bool, StepError> {
    for status in ACTIVE {
        let (bucket_id, status) = (Some(bucket.id.clone()), Some(status));
        let filter = ExportFilter { bucket: bucket_id, status, ..ExportFilter::default() };
        let mut cursor = None;
        loop {
            let page = parts.store.list_exports(bucket.account, &filter, cursor, 1).await?;
            if !page.exports.is_empty() {
                return Ok(true);
            }
            // A page without any was of a damaged one.
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(false)
}

/// Where the exports of owed runs go: these take the export's bucket when they are opened. Each export is read once,
/// however many windows it owes.
async fn owed_into(
    parts: &Parts,
    open: &[&Run],
    failed: &mut Vec<(AccountId, StepError)>,
) -> BTreeMap<(AccountId, RequestId), BucketId> {
    let owed = open.iter().filter(|run| run.status == RunStatus::Owed);
    let firsts: BTreeMap<_, _> =
        owed.rev().map(|run| ((run.key.account, run.key.request), run.key)).collect();
    let reads: Vec<_> = firsts
        .into_iter()
        .map(|(export, first)| async move { (export, open::spec_now(parts, first).await) })
        .collect();
    let mut reads = stream::iter(reads).buffer_unordered(READ_AT_ONCE);
    let mut goes_to = BTreeMap::new();
    while let Some((export, spec)) = reads.next().await {
        match spec {
            Ok(spec) => goes_to.extend(spec.map(|spec| (export, spec.bucket))),
            Err(error) => failed.push((export.0, error)),
        }
    }
    goes_to
}

/// Whether an upload can be begun; it is cancelled, and nothing is left behind.
async fn probe(parts: &Parts, bucket: &PartnerBucket) -> Result<(), StepError> {
    let key = parts.vault.open(bucket.account, &bucket.id, &bucket.key).await?;
    let probe = parts.buckets.probe(&bucket.bucket_name, &key).await.map_err(StepError::Bucket)?;
    probe.try_upload(&names::check_object(rand::random())).await.map_err(StepError::Bucket)
}
