//! A run ends: it is closed, the next one of its export is woken, and what a dead planner left is swept.

use std::time::Duration;

use super::{Handled, Parts, StepError, finish, tell};
use crate::{
    domain::{AccountId, Export, RequestId, RunClosing, RunKey, RunStatus, RunTotals},
    ports::{StoreError, Work},
};

/// Closes a run.
pub(super) async fn close(parts: &Parts, key: RunKey, closing: &RunClosing) -> Result<Handled, StepError> {
    match parts.store.close_run(key, closing).await {
        Ok(is_news) => {
            if is_news {
                let (status, rows) = (closing.status.as_str(), closing.totals.rows);
                // Alerts count these lines.
                tracing::info!(run = %key, status, rows, "a run is closed");
            }
            hand_on(parts, key).await
        }
        // It was closed otherwise, or opened again, since it was looked at: that must be looked at anew.
        Err(StoreError::Conflict(_)) => Ok(Handled::Again(Duration::ZERO)),
        Err(error) => Err(error.into()),
    }
}

/// What follows a closed run. Whoever meets one does it again, since whoever closed it may have died before he could.
pub(super) async fn hand_on(parts: &Parts, closed: RunKey) -> Result<Handled, StepError> {
    wake_first(parts, closed.account, closed.request).await?;
    tell::webhook(parts, closed).await?;
    // Chunks of a planner that died before it could sweep them.
    parts.store.sweep_chunks(closed).await?;
    Ok(Handled::Done)
}

/// Sends the oldest run of an export that has not ended on its way.
async fn wake_first(parts: &Parts, account: AccountId, request: RequestId) -> Result<(), StepError> {
    if let Some(first) = parts.store.open_runs_of(account, request).await?.first() {
        parts.queue.send(Work::Run { run: *first }).await?;
    }
    Ok(())
}

/// The oldest run that has not ended, of an export and of each stopped one before it in whose place it goes on: these may
/// have begun runs to finish, which wait, and move, with the export.
pub(super) async fn first_open_runs(parts: &Parts, export: &Export) -> Result<Vec<RunKey>, StepError> {
    let (mut firsts, mut request, mut before) = (Vec::new(), export.request, export.predecessor);
    loop {
        firsts.extend(parts.store.open_runs_of(export.account, request).await?.into_iter().next());
        // Each was created before the one after it, so that this ends.
        let Some(predecessor) = before else { return Ok(firsts) };
        let known = parts.store.export(export.account, predecessor).await?;
        (request, before) = (predecessor, known.and_then(|known| known.predecessor));
    }
}

/// A step that broke off over what trying again cannot mend ends its run: INCOMPLETE, with the reason kept in it, so
/// that the operator reads it and later windows go on.
pub(super) async fn or_incomplete(
    parts: &Parts,
    key: RunKey,
    handled: Result<Handled, StepError>,
) -> Result<Handled, StepError> {
    let error = match handled {
        Err(error) if error.is_final() => error,
        handled => return handled,
    };
    let reason = error.to_string();
    tracing::error!(run = %key, reason, "a run cannot go on");
    let run = match parts.store.run(key).await {
        Ok(Some(run)) if !run.status.is_closed() => run,
        Ok(_) => return Ok(Handled::Done),
        // It is the run's own document that cannot be read: nothing can be kept in it, and no message helps.
        Err(error @ StoreError::Unreadable { .. }) => {
            tracing::error!(run = %key, %error, "its message is given up");
            return Ok(Handled::Done);
        }
        Err(error) => return Err(error.into()),
    };
    let export = parts.store.export(key.account, key.request).await;
    let is_stopped = export.is_ok_and(|export| export.is_none_or(|export| !export.works_on(key.run)));
    // A chunk under a valid lease may still complete: what a stopped run has delivered is not known before.
    if let (true, Some(plan)) = (is_stopped, &run.plan)
        && parts.store.tally(key, &plan.token, parts.now()).await?.leased > 0
    {
        return Ok(Handled::Again(parts.options.passing_delay));
    }
    let status = if is_stopped { RunStatus::Stopped } else { RunStatus::Incomplete };
    let totals = match &run.plan {
        Some(plan) => finish::totals(parts, &run, plan).await,
        None => Ok(RunTotals::default()),
    };
    let totals = totals.unwrap_or_else(|error| {
        tracing::error!(run = %key, %error, "what the run has delivered cannot be counted");
        RunTotals::default()
    });
    let reason = Some(reason);
    let closing = RunClosing { totals, reason, ..RunClosing::new(&run, status, parts.now()) };
    close(parts, key, &closing).await
}
