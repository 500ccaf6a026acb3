//! Chunks go onto the queue, a bounded number of messages at a time.

use futures::future::join_all;
use jiff::Timestamp;

use super::{Parts, StepError};
use crate::{
    domain::{PlanToken, Run, RunKey},
    ports::{ClaimLimits, Work},
};

/// What was put onto the queue.
pub(super) struct Published {
    /// How many messages were sent.
    pub(super) sent: usize,
    /// Whether so many others are out that nothing more was to be sent: whoever works them publishes the next, and looks
    /// whether the run is finished.
    pub(super) are_others_out: bool,
}

/// Puts messages of a plan onto the queue until as many are out as may be; such as were published before
/// `lost_before` and are still unfinished count as lost, and go out again.
pub(super) async fn publish(
    parts: &Parts,
    run: RunKey,
    plan: &PlanToken,
    lost_before: Timestamp,
) -> Result<Published, StepError> {
    let limits = ClaimLimits::new(parts.options.outstanding_messages);
    // What is published here must not count as lost to the next round.
    let lost_before = lost_before.min(parts.now());
    let mut sent = 0;
    while sent < limits.most {
        let claimed = parts.store.claim_messages(run, plan, lost_before, limits, parts.now()).await?;
        let Some(messages) = claimed else { return Ok(Published { sent, are_others_out: true }) };
        if messages.is_empty() {
            break;
        }
        sent += messages.len();
        let works = messages.into_iter().map(|chunks| Work::Chunks { run, plan: plan.clone(), chunks });
        // All are tried, together, before one that failed is told of: they count as out from now on.
        let tried = join_all(works.map(|work| parts.queue.send(work))).await;
        tried.into_iter().collect::<Result<(), _>>()?;
    }
    Ok(Published { sent, are_others_out: false })
}

/// Publishes again what was published before `lost_before` and is still unfinished, of a running run. Whoever unblocks
/// a bucket gives the present: the messages of its runs were taken without being worked, and count as out else.
///
/// # Errors
/// [`StepError`].
pub async fn republish(parts: &Parts, run: &Run, lost_before: Timestamp) -> Result<usize, StepError> {
    match &run.plan {
        Some(plan) if !run.status.is_closed() => {
            Ok(publish(parts, run.key, &plan.token, lost_before).await?.sent)
        }
        _ => Ok(0),
    }
}
