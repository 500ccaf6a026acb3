//! Chunks go onto the queue, a bounded number of messages at a time.

use jiff::Timestamp;

use super::{Parts, StepError};
use crate::{
    domain::{PlanToken, Run, RunKey},
    ports::{ClaimLimits, Work},
};

/// Puts messages of a plan onto the queue until as many are out as may be; such as were published before
/// `lost_before` and are still unfinished count as lost, and go out again. Gives how many were sent.
pub(super) async fn publish(
    parts: &Parts,
    run: RunKey,
    plan: &PlanToken,
    lost_before: Timestamp,
) -> Result<usize, StepError> {
    let limits = ClaimLimits::new(parts.options.outstanding_messages);
    // What is published here must not count as lost to the next round.
    let lost_before = lost_before.min(parts.now());
    let mut sent = 0;
    while sent < limits.most {
        let messages = parts.store.claim_messages(run, plan, lost_before, limits, parts.now()).await?;
        if messages.is_empty() {
            break;
        }
        sent += messages.len();
        for chunks in messages {
            parts.queue.send(Work::Chunks { run, plan: plan.clone(), chunks }).await?;
        }
    }
    Ok(sent)
}

/// Publishes again what was published before `lost_before` and is still unfinished, of a running run. Whoever unblocks
/// a bucket gives the present: the messages of its runs were taken without being worked, and count as out else.
///
/// # Errors
/// [`StepError`].
pub async fn republish(parts: &Parts, run: &Run, lost_before: Timestamp) -> Result<usize, StepError> {
    match &run.plan {
        Some(plan) if !run.status.is_closed() => publish(parts, run.key, &plan.token, lost_before).await,
        _ => Ok(0),
    }
}
