//! An INCOMPLETE run again, once the lake is mended.

use super::{Parts, StepError, columns, open::Request, profile_files};
use crate::{
    domain::{ChunkCommand, ChunkState, ExportStatus, RunKey, RunStatus},
    ports::Work,
};

/// Why a run is not retried.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// There is none.
    #[error("there is no run {0}")]
    NoRun(RunKey),
    /// Nothing failed in it.
    #[error("run {0} is {1}; only an INCOMPLETE run can be retried")]
    NotIncomplete(RunKey, &'static str),
    /// Its export was stopped: workers would leave the chunks alone.
    #[error("the export of run {0} was stopped; what it did not deliver needs a new export")]
    Stopped(RunKey),
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Makes the failed chunks of an INCOMPLETE run ready and opens the run again. Gives how many chunks are retried.
///
/// # Errors
/// [`RetryError`].
pub async fn retry_run(parts: &Parts, key: RunKey) -> Result<u64, RetryError> {
    let run = parts.store.run(key).await.map_err(StepError::from)?.ok_or(RetryError::NoRun(key))?;
    let plan = match (run.status, &run.plan) {
        (RunStatus::Incomplete, Some(plan)) => &plan.token,
        (status, _) => return Err(RetryError::NotIncomplete(key, status.as_str())),
    };
    let export = parts.store.export(key.account, key.request).await.map_err(StepError::from)?;
    if export.is_some_and(|export| matches!(export.status, ExportStatus::Stopped { .. })) {
        return Err(RetryError::Stopped(key));
    }
    let zone = run.zone.time_zone();
    let (spec, window) = (&run.spec, run.window);
    let request = Request { account: key.account, export: Some(key.request), spec, window, zone: &zone };
    let (mut retried, mut from) = (0, None);
    loop {
        let page = parts.store.chunks(key, plan, from.as_ref(), 500).await.map_err(StepError::from)?;
        for chunk in page.chunks.iter().filter(|chunk| matches!(chunk.state(), ChunkState::Failed { .. })) {
            let slice = profile_files::resolve(parts, chunk).await?;
            let columns = columns::for_retry(parts, &request, chunk.plan(), &slice).await?;
            let retry = ChunkCommand::Retry { columns };
            parts.store.change_chunk(chunk.key(), retry, parts.now()).await.map_err(StepError::from)?;
            retried += 1;
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    // Only now, so that a crash in between leaves a run that can be retried again.
    parts.store.reopen_run(key).await.map_err(StepError::from)?;
    parts.queue.send(Work::Run { run: key }).await.map_err(StepError::from)?;
    Ok(retried)
}
