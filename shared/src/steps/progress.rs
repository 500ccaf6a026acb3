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

    /// How much is done, in thousandths of its chunks, which are cut to be alike; chunks that split themselves make the
    /// whole grow. The last hundredth comes with the end: the manifest follows the last file.
    fn thousandths(&self) -> u32 {
        let (done, all) = self.chunks_of();
        match self.status {
            RunStatus::Owed => 0,
            RunStatus::Running => {
                let share = u128::from(done) * 1_000 / u128::from(all.max(1));
                u32::try_from(share).unwrap_or(u32::MAX).min(990)
            }
            _ => 1_000,
        }
    }

    /// How much is done, from 0 to 1; below 1 until it has ended.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        f64::from(self.thousandths()) / 1_000.0
    }

    /// The same in percent, rounded down.
    #[must_use]
    pub fn percent(&self) -> u64 {
        u64::from(self.thousandths() / 10)
    }

    /// How many seconds it will still take, if it goes on as it began; none where that cannot be told, or nothing is left.
    #[must_use]
    pub fn secs_left(&self, now: Timestamp) -> Option<u64> {
        let elapsed_secs = u64::try_from(now.duration_since(self.opened_at?).as_secs()).ok()?;
        let done = u64::from(self.thousandths());
        let can_tell = self.status == RunStatus::Running && done > 0 && elapsed_secs > 0;
        can_tell.then(|| elapsed_secs.saturating_mul(1_000 - done).div_ceil(done))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::RunTimestamp;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn progress(status: RunStatus, done: u64, ready: u64) -> RunProgress {
        RunProgress {
            key: RunKey { account: AccountId(1), request: RequestId(1), run: RunTimestamp(1) },
            status,
            chunks: ChunkTally { ready, leased: 0, done, failed: 0 },
            written: WrittenSums {
                files: done,
                rows: done.saturating_mul(1_000),
                bytes: done.saturating_mul(1_000_000),
            },
            estimated_bytes: Some((done + ready).saturating_mul(1_000_000)),
            opened_at: Some(at("2026-11-25T12:00:00Z")),
            closed_at: None,
        }
    }

    #[test]
    fn what_is_left_takes_as_long_as_what_is_done() {
        let half = progress(RunStatus::Running, 5, 5);
        assert_eq!((half.percent(), half.fraction()), (50, 0.5));
        assert_eq!(half.secs_left(at("2026-11-25T12:05:00Z")), Some(300));
        assert_eq!(half.secs_left(at("2026-11-25T12:00:00Z")), None, "no time has passed");
        let third = progress(RunStatus::Running, 1, 2);
        assert_eq!((third.percent(), third.fraction()), (33, 0.333));
        assert_eq!(progress(RunStatus::Running, 0, 10).secs_left(at("2026-11-25T12:05:00Z")), None);
        assert_eq!(progress(RunStatus::Done, 10, 0).secs_left(at("2026-11-25T12:05:00Z")), None);
    }

    #[test]
    fn a_run_is_whole_when_it_has_ended_and_not_before() {
        let shares = |progress: RunProgress| (progress.percent(), progress.fraction());
        assert_eq!(shares(progress(RunStatus::Owed, 0, 0)), (0, 0.0));
        assert_eq!(shares(progress(RunStatus::Running, 0, 0)), (0, 0.0));
        assert_eq!(shares(progress(RunStatus::Running, 10, 0)), (99, 0.99));
        assert_eq!(shares(progress(RunStatus::Running, u64::MAX / 2, 0)), (99, 0.99));
        assert_eq!(shares(progress(RunStatus::Done, 10, 0)), (100, 1.0));
        assert_eq!(shares(progress(RunStatus::Empty, 0, 0)), (100, 1.0));
    }
}
