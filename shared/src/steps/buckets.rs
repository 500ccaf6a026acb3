//! A customer connects a bucket, gives it another key, or removes it.
//!
//! A proposal is sealed and kept as a candidate. The check asks Google, step by step, and makes it the bucket in one
//! transaction; until then an older key stays. A check can be run twice, also at once.

use super::{Parts, StepError, WOKEN_AT_ONCE, close::first_open_runs, publish::republish};
use crate::{
    domain::{
        AccountId, BucketCandidate, BucketFailure, BucketId, CandidateId, CheckStep, Export, ExportFilter,
        FailureClass, KeyFault, KeyIdentity, PartnerBucket, Run, RunStatus, Side, StatusKind, StepReport,
        bucket_check::{self, Checked},
        key_text::{self, KEY_MAX_BYTES},
        names,
        rules::{self, AcceptedBucket, BucketInUse, BucketRefusal, BucketRefused, Refusal},
    },
    ports::{BucketProbe, BucketRemoval, ServiceAccountKey, StoreError, Work},
};

/// What an export needs.
const CREATE: &str = "storage.objects.create";

/// A bucket that a customer wants to connect, or to give another key.
#[derive(Debug)]
pub struct BucketProposal {
    /// The nickname.
    pub nickname: BucketId,
    /// The bucket's name at Google; may be empty where only the key is replaced.
    pub bucket_name: String,
    /// The key, as pasted.
    pub key: ServiceAccountKey,
    /// Whether it is another key of the bucket that has the nickname.
    pub replaces: bool,
}

/// Why a bucket is not taken for a candidate.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// Nobody knows the account.
    #[error("there is no account {0}")]
    NoAccount(AccountId),
    /// The feature is switched off for the account; only keys of buckets that it has are replaced.
    #[error("{}", Refusal::ExportsOff)]
    ExportsOff,
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] BucketRefused),
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Why a check has come to no end.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It was never there, its time is over, or another check has made it a bucket which is gone again.
    #[error("What was to be checked is not kept any more. Enter the bucket and its key again.")]
    NoCandidate,
    /// The account's buckets have changed during the check.
    #[error(transparent)]
    Refused(#[from] BucketRefused),
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Why a bucket is not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// There is none.
    #[error("There is no bucket `{0}`.")]
    NoBucket(BucketId),
    /// Exports still go into it.
    #[error(transparent)]
    InUse(#[from] BucketInUse),
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

macro_rules! from_parts {
    ($($error:ident),*) => { $(
        impl From<StoreError> for $error {
            fn from(error: StoreError) -> Self {
                Self::Step(error.into())
            }
        }
    )* };
}
from_parts!(ProposeError, CheckError, RemoveError);

/// Takes a bucket for a candidate where the rules allow it, its key sealed, and keeps it for a quarter of an hour. What
/// is in the key is looked at by the check.
///
/// # Errors
/// [`ProposeError`].
pub async fn propose_bucket(
    parts: &Parts,
    account: AccountId,
    proposal: BucketProposal,
) -> Result<CandidateId, ProposeError> {
    let BucketProposal { nickname, bucket_name, key, replaces } = proposal;
    let settings = parts.store.account(account).await?.ok_or(ProposeError::NoAccount(account))?;
    // Exports that go on need a key that works.
    if !settings.exports_enabled && !replaces {
        return Err(ProposeError::ExportsOff);
    }
    let known = parts.store.buckets(account).await?;
    let accepted = rules::check_bucket(&nickname, &bucket_name, replaces, &known);
    let AcceptedBucket { nickname, bucket_name } = match (accepted, refused_key(&key)) {
        (Ok(accepted), None) => accepted,
        (Ok(_), Some(refusal)) => return Err(BucketRefused::from(refusal).into()),
        (Err(BucketRefused(mut refusals)), refusal) => {
            refusals.extend(refusal);
            return Err(BucketRefused(refusals).into());
        }
    };
    let now = parts.now();
    let sealed = parts.vault.seal(account, &nickname, &key).await.map_err(StepError::from)?;
    let id = CandidateId::from_random(rand::random());
    let candidate =
        BucketCandidate { account, id, nickname, bucket_name, key: sealed, replaces, created_at: now };
    parts.store.sweep_candidates(now).await?;
    parts.store.put_candidate(&candidate).await?;
    Ok(candidate.id)
}

/// What is not worth being sealed.
fn refused_key(key: &ServiceAccountKey) -> Option<BucketRefusal> {
    match key.expose() {
        text if text.len() > KEY_MAX_BYTES => {
            Some(BucketRefusal::Key(KeyFault::TooLong { bytes: text.len() }))
        }
        text if key_text::trimmed(text).is_empty() => Some(BucketRefusal::Key(KeyFault::Empty)),
        _ => None,
    }
}

/// Checks a candidate, reports each step as it ends, and, where all pass, makes it the account's bucket and gives that.
/// Where one fails, the candidate stays and can be checked again; a bucket whose key it would replace keeps its key.
///
/// # Errors
/// [`CheckError`].
pub async fn check_candidate(
    parts: &Parts,
    account: AccountId,
    id: &CandidateId,
    mut report: impl FnMut(StepReport) + Send,
) -> Result<Option<PartnerBucket>, CheckError> {
    let candidate = parts.store.candidate(account, id, parts.now()).await?;
    let candidate = candidate.ok_or(CheckError::NoCandidate)?;
    let Some((identity, probe)) = open(parts, &candidate, &mut report).await? else { return Ok(None) };
    let checked = Checked { bucket_name: &candidate.bucket_name, client_email: &identity.client_email };
    if !ask(&*probe, checked, &mut report).await {
        return Ok(None);
    }
    let settings = probe.settings().await;
    let settings = settings.inspect_err(|failure| tracing::debug!(%failure, "no settings")).ok();
    report(bucket_check::notes(settings));
    let bucket = promote(parts, &candidate, identity).await?;
    if candidate.replaces {
        wake(parts, &bucket).await;
    }
    Ok(Some(bucket))
}

/// The first step. The key is in the open for no longer than this.
async fn open(
    parts: &Parts,
    candidate: &BucketCandidate,
    report: &mut (impl FnMut(StepReport) + Send),
) -> Result<Option<(KeyIdentity, Box<dyn BucketProbe>)>, CheckError> {
    let BucketCandidate { account, nickname, bucket_name, .. } = candidate;
    let key = parts.vault.open(*account, nickname, &candidate.key).await.map_err(StepError::from)?;
    let identity = match key_text::read(key.expose()) {
        Ok(identity) => identity,
        Err(fault) => {
            report(StepReport::of_key(fault));
            return Ok(None);
        }
    };
    match parts.buckets.probe(bucket_name, &key).await {
        Ok(probe) => {
            report(StepReport::passed(CheckStep::Key));
            Ok(Some((identity, probe)))
        }
        Err(failure) => {
            let checked = Checked { bucket_name, client_email: &identity.client_email };
            report(checked.failed(CheckStep::Key, &failure));
            Ok(None)
        }
    }
}

/// What Google says to it. True where all of it passes.
///
/// An account that may create objects need not be allowed to look at the bucket. So whether there is one follows from
/// the answers to other questions: from the permissions, else from the upload.
async fn ask(
    probe: &dyn BucketProbe,
    checked: Checked<'_>,
    report: &mut (impl FnMut(StepReport) + Send),
) -> bool {
    let held = probe.holds(CREATE).await;
    if let Err(failure) = &held {
        let is_refused =
            matches!(failure.class, FailureClass::CredentialsRejected | FailureClass::KeyUnusable);
        if is_refused || failure.class.side() == Side::Passing {
            report(checked.failed(CheckStep::Google, failure));
            return false;
        }
    }
    report(StepReport::passed(CheckStep::Google));
    let (is_found, is_denied) = match held {
        Ok(held) => (true, !held),
        // Whoever may not even ask may still be allowed to create.
        Err(BucketFailure { class: FailureClass::PermissionMissing { .. }, .. }) => (false, false),
        Err(failure) => {
            report(checked.failed(CheckStep::Bucket, &failure));
            return false;
        }
    };
    if is_found {
        report(StepReport::passed(CheckStep::Bucket));
    }
    if is_denied {
        report(checked.may_not_create());
        return false;
    }
    let uploaded = probe.try_upload(&names::check_object(rand::random())).await;
    match uploaded {
        Ok(()) => {
            if !is_found {
                report(StepReport::passed(CheckStep::Bucket));
            }
            report(StepReport::passed(CheckStep::Create));
            true
        }
        Err(failure) => {
            let is_missing = failure.class == FailureClass::BucketMissing;
            if !is_found && !is_missing {
                report(StepReport::passed(CheckStep::Bucket));
            }
            report(checked.failed(if is_missing { CheckStep::Bucket } else { CheckStep::Create }, &failure));
            false
        }
    }
}

/// Makes it the bucket. Where another check of the same candidate was first, that one's bucket is it.
async fn promote(
    parts: &Parts,
    candidate: &BucketCandidate,
    identity: KeyIdentity,
) -> Result<PartnerBucket, CheckError> {
    let BucketCandidate { account, id, nickname, bucket_name, replaces, .. } = candidate;
    let facts = identity.added_at(candidate.created_at);
    let refused = match parts.store.promote_candidate(*account, id, &facts).await {
        Ok(bucket) => return Ok(bucket),
        Err(error @ (StoreError::NotFound(_) | StoreError::Conflict(_))) => error,
        Err(error) => return Err(error.into()),
    };
    if let Some(bucket) = parts.store.bucket(*account, nickname).await?
        // No two seals are the same.
        && bucket.key == candidate.key
    {
        return Ok(bucket);
    }
    if let StoreError::NotFound(_) = refused {
        return Err(CheckError::NoCandidate);
    }
    let known = parts.store.buckets(*account).await?;
    match rules::check_place(nickname, bucket_name, *replaces, &known) {
        Err(refusal) => Err(BucketRefused::from(refusal).into()),
        // Its number is another's there, or the place has become free again.
        Ok(()) => Err(refused.into()),
    }
}

/// Sends what waited for the bucket on its way: the oldest run of each of its exports, for the others follow as these
/// end; of the newest [`WOKEN_AT_ONCE`] exports, for a bucket may have thousands, and whoever waits for this is not to
/// wait for all. The others are woken by the next ticks and rounds, as many at a time.
pub(super) async fn wake(parts: &Parts, bucket: &PartnerBucket) {
    if let Err(error) = wake_exports(parts, bucket).await {
        tracing::warn!(bucket = %bucket.id, %error, "runs of a mended bucket wait for the next sweep");
    }
}

async fn wake_exports(parts: &Parts, bucket: &PartnerBucket) -> Result<(), StepError> {
    let mut left = WOKEN_AT_ONCE;
    for status in [StatusKind::Running, StatusKind::Pending] {
        let (id, status) = (Some(bucket.id.clone()), Some(status));
        let filter = ExportFilter { bucket: id, status, ..ExportFilter::default() };
        let exports = parts.store.list_exports(bucket.account, &filter, None, left).await?.exports;
        left = left.saturating_sub(exports.len());
        for export in exports {
            wake_first(parts, bucket, &export).await?;
        }
        if left == 0 {
            break;
        }
    }
    Ok(())
}

async fn wake_first(parts: &Parts, bucket: &PartnerBucket, export: &Export) -> Result<(), StepError> {
    for key in first_open_runs(parts, export).await? {
        let run = match parts.store.run(key).await {
            Ok(run) => run,
            Err(error @ StoreError::Unreadable { .. }) => {
                tracing::error!(run = %key, %error, "a damaged run is not woken");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        // One that is owed takes the export's bucket when it is opened.
        let waits = |run: &Run| run.status == RunStatus::Owed || run.spec.bucket == bucket.id;
        if let Some(run) = run.filter(waits) {
            republish(parts, &run, parts.now()).await?;
            parts.queue.send(Work::Run { run: key }).await?;
        }
    }
    Ok(())
}

/// Removes a bucket and its key. Its files stay at Google.
///
/// # Errors
/// [`RemoveError`]: exports that still go into it are named.
pub async fn remove_bucket(parts: &Parts, account: AccountId, id: &BucketId) -> Result<(), RemoveError> {
    match parts.store.remove_bucket(account, id).await {
        Ok(BucketRemoval::Removed) => Ok(()),
        Ok(BucketRemoval::InUse(exports)) => Err(BucketInUse { bucket: id.clone(), exports }.into()),
        Err(StoreError::NotFound(_)) => Err(RemoveError::NoBucket(id.clone())),
        Err(error) => Err(error.into()),
    }
}
