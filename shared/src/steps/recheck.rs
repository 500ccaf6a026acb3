//! Blocked buckets are looked at again, each once a round by the call that an export makes; what waited for one that
//! works goes on.

use std::collections::BTreeSet;

use super::{Parts, StepError, buckets::wake};
use crate::{
    domain::{AccountId, BucketState, PartnerBucket, Run, RunStatus, names},
    ports::VaultError,
};

/// Looks at the blocked buckets for which one of these open runs waits. Gives those that work again, which are open
/// from then on, and those that could not be looked at.
pub(super) async fn blocked_buckets(
    parts: &Parts,
    open: &[Run],
) -> (Vec<PartnerBucket>, Vec<(AccountId, StepError)>) {
    let (mut healed, mut failed) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for run in open {
        let looked = async {
            let bucket = bucket_of(parts, run).await?;
            let Some(bucket) = bucket.filter(|bucket| {
                matches!(bucket.state, BucketState::Blocked { .. })
                    && seen.insert((bucket.account, bucket.id.clone()))
            }) else {
                return Ok(None);
            };
            if !works(parts, &bucket).await? {
                return Ok(None);
            }
            parts.store.unblock_bucket(bucket.account, &bucket.id).await?;
            wake(parts, &bucket).await;
            Ok::<_, StepError>(Some(bucket))
        };
        match looked.await {
            Ok(bucket) => healed.extend(bucket),
            Err(error) => failed.push((run.key.account, error)),
        }
    }
    (healed, failed)
}

/// Where a run goes: one that is owed takes the export's bucket when it is opened.
async fn bucket_of(parts: &Parts, run: &Run) -> Result<Option<PartnerBucket>, StepError> {
    let account = run.key.account;
    let id = match run.status {
        RunStatus::Owed => match parts.store.export(account, run.key.request).await? {
            Some(export) => export.spec.bucket,
            None => return Ok(None),
        },
        _ => run.spec.bucket.clone(),
    };
    Ok(parts.store.bucket(account, &id).await?)
}

/// Whether an upload can be begun; it is cancelled, and nothing is left behind.
async fn works(parts: &Parts, bucket: &PartnerBucket) -> Result<bool, StepError> {
    let key = match parts.vault.open(bucket.account, &bucket.id, &bucket.key).await {
        Ok(key) => key,
        Err(VaultError::Unreadable { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let tried = match parts.buckets.probe(&bucket.bucket_name, &key).await {
        Ok(probe) => probe.try_upload(&names::check_object(rand::random())).await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = &tried {
        tracing::debug!(bucket = %bucket.id, %failure, "a blocked bucket does not work yet");
    }
    Ok(tried.is_ok())
}
