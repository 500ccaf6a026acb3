//! Chunks go onto the queue, a bounded number of messages at a time.

use jiff::Timestamp;

use super::{Parts, StepError};
use crate::{
    domain::{PlanToken, Run, RunKey},
    ports::Work,
};

/// Puts up to `messages` more messages of a plan onto the queue; such as were published before `lost_before` and
/// are still unfinished count as lost. Gives how many were sent.
pub(super) async fn publish(
    parts: &Parts,
    run: RunKey,
    plan: &PlanToken,
    messages: usize,
    lost_before: Timestamp,
) -> Result<usize, StepError> {
    for sent in 0..messages {
        let chunks = parts.store.claim_message(run, plan, lost_before, parts.now()).await?;
        if chunks.is_empty() {
            return Ok(sent);
        }
        parts.queue.send(Work::Chunks { run, plan: plan.clone(), chunks }).await?;
    }
    Ok(messages)
}

/// Publishes again what was published before `lost_before` and is still unfinished, of a running run.
///
/// # Errors
/// [`StepError`].
pub async fn republish(parts: &Parts, run: &Run, lost_before: Timestamp) -> Result<usize, StepError> {
    match &run.plan {
        Some(plan) if !run.status.is_closed() => {
            publish(parts, run.key, &plan.token, parts.options.outstanding_messages, lost_before).await
        }
        _ => Ok(0),
    }
}
