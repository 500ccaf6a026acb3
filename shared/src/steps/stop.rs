//! A person stops an export.

use super::{Handled, Parts, StepError, finish};
use crate::{
    domain::{AccountId, Export, RequestId, StopReason},
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
    let export = parts.store.stop_export(account, request, reason, parts.now()).await?;
    for run in parts.store.runs(account, request).await?.into_iter().filter(|run| !run.status.is_closed()) {
        if let Handled::Again(_) = finish::finish(parts, run.key).await? {
            parts.queue.send(Work::Run { run: run.key }).await?;
        }
    }
    Ok(export)
}
