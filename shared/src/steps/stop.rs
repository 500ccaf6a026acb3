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
    for run in parts.store.open_runs_of(account, request).await? {
        let finished = finish::finish(parts, run).await;
        if let Handled::Again(_) = close::or_incomplete(parts, run, finished).await? {
            parts.queue.send(Work::Run { run }).await?;
        }
    }
    Ok(export)
}
