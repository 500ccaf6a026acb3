//! An export is stopped, by a person or by three days of failure.

use jiff::Timestamp;

use super::{Handled, Parts, StepError, close, finish};
use crate::{
    domain::{AccountId, BucketId, Export, RequestId, StopReason},
    ports::Work,
};

/// Stops an export. Workers notice within seconds; complete files stay; the manifest follows the last lease.
///
/// # Errors
/// [`StepError`].
pub async fn stop_export(
    parts: &Parts,
    account: AccountId,
    request: RequestId,
    reason: &StopReason,
) -> Result<Export, StepError> {
    stop_at(parts, (account, request), None, reason, parts.now()).await
}

/// Stops it as of an instant that somebody remembers, unless it goes elsewhere than `into` by now.
pub(super) async fn stop_at(
    parts: &Parts,
    (account, request): (AccountId, RequestId),
    into: Option<&BucketId>,
    reason: &StopReason,
    at: Timestamp,
) -> Result<Export, StepError> {
    let export = parts.store.stop_export(account, request, into, reason, at).await?;
    if export.is_active() {
        return Ok(export);
    }
    if let Err(error) = end_runs(parts, account, request).await {
        // It is stopped, whatever follows: a round of the checker ends its runs else.
        tracing::warn!(%account, %request, %error, "the runs of a stopped export wait for the checker");
    }
    Ok(export)
}

/// Ends what is open. Whoever opens no keys has it ended by those who plan, and these by those who do: so that a person's
/// dashboard needs no right to speak to encoders.
async fn end_runs(parts: &Parts, account: AccountId, request: RequestId) -> Result<(), StepError> {
    for run in parts.store.open_runs_of(account, request).await? {
        if parts.options.opens_keys {
            let finished = finish::finish(parts, run).await;
            if matches!(close::or_incomplete(parts, run, finished).await?, Handled::Done) {
                continue;
            }
        }
        parts.queue.send(Work::Run { run }).await?;
    }
    Ok(())
}
