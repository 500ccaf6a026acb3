//! How far a run is, for whoever watches it: a few sums, whatever the number of its chunks.

use jiff::Timestamp;

use super::{Parts, StepError};
use crate::{
    domain::{AccountId, RequestId, Run, RunKey, RunStatus},
    ports::{ChunkTally, WrittenSums},
};

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunProgress {
    /// Which run.
    pub key: RunKey,
    /// Where it stands.
    pub status: RunStatus,
    /// Its chunks by state; none before it is planned. Splitting adds more.
    pub chunks: ChunkTally,
    /// What is in the bucket.
    pub written: WrittenSums,
    /// How large all its objects are thought to become; none before it is planned.
    pub estimated_bytes: Option<u64>,
    /// Since when it is worked.
    pub opened_at: Option<Timestamp>,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
}

impl RunProgress {
    /// The chunks that nothing more is to be done for, and all.
    #[must_use]
    pub fn chunks_of(&self) -> (u64, u64) {
        let ChunkTally { ready, leased, done, failed } = self.chunks;
        (done + failed, ready + leased + done + failed)
    }
}

/// The run of an export that is worked: the oldest one that has not ended, since the others wait for it.
///
/// # Errors
/// [`StepError`].
pub async fn worked_run(
    parts: &Parts,
    account: AccountId,
    request: RequestId,
) -> Result<Option<Run>, StepError> {
    match parts.store.open_runs_of(account, request).await?.first() {
        Some(first) => Ok(parts.store.run(*first).await?),
        None => Ok(None),
    }
}

/// How far a run is.
///
/// # Errors
/// [`StepError`].
pub async fn run_progress(parts: &Parts, run: &Run) -> Result<RunProgress, StepError> {
    let key = run.key;
    let (chunks, written) = match &run.plan {
        Some(plan) => (
            parts.store.tally(key, &plan.token, parts.now()).await?,
            parts.store.written(key, &plan.token).await?,
        ),
        None => (ChunkTally::default(), WrittenSums::default()),
    };
    Ok(RunProgress {
        key,
        status: run.status,
        chunks,
        written,
        estimated_bytes: run.plan.as_ref().map(|plan| plan.estimated_bytes),
        opened_at: run.opened_at,
        closed_at: run.closed_at,
    })
}
