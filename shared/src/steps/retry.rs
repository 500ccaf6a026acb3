//! An INCOMPLETE run again, once what was wrong is mended.
//!
//! **Whose a restored file is.** A file that is restored or replaced counts as committed anew, since an object store gives
//! it a new creation time. A run with a plan reads its files by their paths, so that it delivers a restored one all the
//! same, unless a later run of its export takes it too: because the new time lies in the later one's window, and the
//! file's folder is among those listed for that. Then its chunk fails again and says so, since no row goes out twice.
//! What else the chunk was to hold needs a new one-time export. Nothing comes after the run of a one-time export, so
//! that this one delivers whatever is restored. A run without a plan is planned anew, by the commit times as they are now:
//! rows of a file that was outside the layout go in as a new file, whose window is one to come, or, for a one-time
//! export, into a new export.

use super::{
    Parts, StepError, columns,
    open::{Request, abbreviated, readable_footer},
    profile_files,
};
use crate::{
    domain::{
        AnotherBucket, Chunk, ChunkCommand, ChunkContent, ChunkPlan, ChunkRefusal, ChunkState, EventNaming,
        Export, ExportStatus, PlanToken, Run, RunKey, RunStatus, Slice,
    },
    ports::{StoreError, Work},
};

/// How many chunks are looked at in one page.
const PAGE: usize = 500;

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
    /// It would go on in another bucket.
    #[error(transparent)]
    AnotherBucket(#[from] AnotherBucket),
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl From<StoreError> for RetryError {
    fn from(error: StoreError) -> Self {
        Self::Step(error.into())
    }
}

/// Makes the failed chunks of an INCOMPLETE run ready and opens the run again; one that could not be planned is owed
/// again. Gives how many chunks are retried.
///
/// # Errors
/// [`RetryError`].
pub async fn retry_run(parts: &Parts, key: RunKey) -> Result<u64, RetryError> {
    let run = parts.store.run(key).await?.ok_or(RetryError::NoRun(key))?;
    if run.status != RunStatus::Incomplete {
        return Err(RetryError::NotIncomplete(key, run.status.as_str()));
    }
    let export = parts.store.export(key.account, key.request).await?;
    let is_stopped = |export: &Export| matches!(export.status, ExportStatus::Stopped { .. });
    if export.is_some_and(|export| is_stopped(&export) && !export.works_on(key.run)) {
        return Err(RetryError::Stopped(key));
    }
    if let (Some(_), Some(bucket)) = (&run.plan, parts.store.bucket(key.account, &run.spec.bucket).await?) {
        run.check_bucket(&bucket)?;
    }
    let retried = match &run.plan {
        Some(plan) => retry_chunks(parts, &run, &plan.token).await?,
        None => 0,
    };
    // Only now, so that a crash in between leaves a run that can be retried again.
    parts.store.reopen_run(key).await?;
    parts.queue.send(Work::Run { run: key }).await.map_err(StepError::from)?;
    Ok(retried)
}

async fn retry_chunks(parts: &Parts, run: &Run, plan: &PlanToken) -> Result<u64, StepError> {
    let zone = run.zone.time_zone();
    let (account, export) = (run.key.account, Some(run.key.request));
    let request = Request { account, run: None, export, spec: &run.spec, window: run.window, zone: &zone };
    let (mut retried, mut from) = (0, None);
    loop {
        let page = parts.store.chunks(run.key, plan, from.as_ref(), PAGE).await?;
        for chunk in page.chunks.iter().filter(|chunk| !matches!(chunk.state(), ChunkState::Done(_))) {
            let failed = matches!(chunk.state(), ChunkState::Failed { .. });
            let naming = if failed { naming(parts, chunk).await? } else { None };
            let columns = match failed {
                true => {
                    let slice = profile_files::resolve(parts, chunk).await?;
                    columns::for_retry(parts, &request, chunk.plan(), &slice, naming.as_ref()).await?
                }
                false => chunk.plan().columns,
            };
            let retry = ChunkCommand::Retry { columns, naming };
            match parts.store.change_chunk(chunk.key(), retry, parts.now()).await {
                Ok(_) => retried += u64::from(failed),
                // Somebody still works on it; he brings it to its end.
                Err(StoreError::Refused(ChunkRefusal::Busy { .. } | ChunkRefusal::Done)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        from = page.next;
        if from.is_none() {
            return Ok(retried);
        }
    }
}

/// The event's own name where the plan, made while its file was broken, knows only what the folder tells of it. The
/// object goes by it too, unless that name is another chunk's, or an attempt may have left an object under the old one.
async fn naming(parts: &Parts, chunk: &Chunk) -> Result<Option<EventNaming>, StepError> {
    let Some((told, event_name)) = own_name(parts, chunk.plan()).await? else { return Ok(None) };
    let mut renamed = chunk.plan().clone();
    renamed.rename(EventNaming { event_name: event_name.clone(), named_as: None });
    let is_free = chunk.intents().is_empty() && !meets_another(parts, chunk, &renamed).await?;
    Ok(Some(EventNaming { event_name, named_as: (!is_free).then_some(told) }))
}

/// What the folder tells of an event's name, and the name, where the plan took the one for the other.
async fn own_name(parts: &Parts, plan: &ChunkPlan) -> Result<Option<(String, String)>, StepError> {
    let (ChunkContent::Events { event_name, .. }, Slice::Events { files, .. }) = (&plan.content, &plan.slice)
    else {
        return Ok(None);
    };
    for file in files {
        let Some(told) = abbreviated(&file.path).filter(|told| **told == **event_name) else { continue };
        let name = readable_footer(parts, &file.path).await?.and_then(|footer| footer.event_name);
        if let Some(name) = name.filter(|name| **name != *told) {
            return Ok(Some((told.to_string(), name)));
        }
    }
    Ok(None)
}

async fn meets_another(parts: &Parts, chunk: &Chunk, renamed: &ChunkPlan) -> Result<bool, StepError> {
    let (key, mut from) = (chunk.key(), None);
    loop {
        let page = parts.store.chunks(key.run, &key.plan, from.as_ref(), PAGE).await?;
        let mut others = page.chunks.iter().filter(|other| other.key() != key);
        if others.any(|other| renamed.may_meet(other.plan())) {
            return Ok(true);
        }
        from = page.next;
        if from.is_none() {
            return Ok(false);
        }
    }
}
