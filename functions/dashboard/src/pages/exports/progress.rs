//! How far a run is, in words and in percent.

use jiff::Timestamp;
use spillway::{domain::RunStatus, steps::RunProgress};

use crate::pages::numbers;

/// The bar of a run that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProgressView {
    /// What is going on.
    pub title: String,
    /// How much is done, in percent.
    pub share: u64,
    /// How long it will take.
    pub left: String,
    /// What is there already.
    pub sums: String,
}

/// How much of a run is done, in percent of its chunks; below 100 until it has ended. Chunks that split themselves make
/// the whole grow.
#[must_use]
pub(crate) fn share(progress: &RunProgress) -> u64 {
    let (done, all) = progress.chunks_of();
    match progress.status {
        RunStatus::Owed => 0,
        // The manifest follows the last file.
        RunStatus::Running => numbers::percent(done, all.max(1)).min(99),
        _ => 100,
    }
}

/// How many seconds a run will still take, if it goes on as it began; none where that cannot be told yet.
#[must_use]
pub(crate) fn secs_left(progress: &RunProgress, now: Timestamp) -> Option<u64> {
    let elapsed = u64::try_from(now.duration_since(progress.opened_at?).as_secs()).ok()?;
    let (done, all) = progress.chunks_of();
    let share = if done == all { share(progress) } else { numbers::percent(done, all) };
    (progress.status == RunStatus::Running && share > 0 && elapsed > 0).then(|| {
        u64::try_from(u128::from(elapsed) * u128::from(100 - share.min(99)) / u128::from(share)).ok()
    })?
}

impl ProgressView {
    /// The bar of a run that has not ended; none of one that has.
    #[must_use]
    pub(crate) fn new(progress: &RunProgress, is_blocked: bool, now: Timestamp) -> Option<Self> {
        if progress.status.is_closed() {
            return None;
        }
        let (done, all) = progress.chunks_of();
        let written = progress.written;
        let sums = if all == 0 {
            String::new()
        } else {
            format!(
                "{} of {} written · {} · {}",
                numbers::count(written.files),
                numbers::counted(all, "file", "files"),
                numbers::counted(written.rows, "row", "rows"),
                numbers::bytes(written.bytes),
            )
        };
        let title = match (progress.status, is_blocked) {
            (_, true) => "The run waits for the bucket".to_owned(),
            (RunStatus::Owed, _) => "The run is being planned".to_owned(),
            (_, _) if done == all && all > 0 => "The manifest is being written".to_owned(),
            _ => format!("{} % delivered", share(progress)),
        };
        let left = match secs_left(progress, now).filter(|_| !is_blocked) {
            Some(secs) => numbers::time_left(secs),
            None if is_blocked => "goes on by itself once the bucket works".to_owned(),
            None if all == 0 => String::new(),
            None => "the time left shows after the first file".to_owned(),
        };
        Some(Self { title, share: share(progress), left, sums })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use spillway::{
        domain::{AccountId, RequestId, RunKey, RunTimestamp},
        ports::{ChunkTally, WrittenSums},
    };

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn progress(status: RunStatus, done: u64, ready: u64) -> RunProgress {
        RunProgress {
            key: RunKey { account: AccountId(1), request: RequestId(1), run: RunTimestamp(1) },
            status,
            chunks: ChunkTally { ready, leased: 0, done, failed: 0 },
            written: WrittenSums { files: done, rows: done * 1_000, bytes: done * 1_000_000 },
            estimated_bytes: Some((done + ready) * 1_000_000),
            opened_at: Some(at("2026-11-25T12:00:00Z")),
            closed_at: None,
        }
    }

    #[test]
    fn what_is_left_takes_as_long_as_what_is_done() {
        let half = progress(RunStatus::Running, 5, 5);
        assert_eq!(share(&half), 50);
        assert_eq!(secs_left(&half, at("2026-11-25T12:05:00Z")), Some(300));
        let begun = progress(RunStatus::Running, 0, 10);
        assert_eq!(secs_left(&begun, at("2026-11-25T12:05:00Z")), None);
        let view = ProgressView::new(&half, false, at("2026-11-25T12:05:00Z")).unwrap();
        assert_eq!(view.title, "50 % delivered");
        assert_eq!(view.left, "about 5 min left");
        assert_eq!(view.sums, "5 of 10 files written · 5,000 rows · 5.0 MB");
    }

    #[test]
    fn a_run_is_whole_when_it_has_ended_and_not_before() {
        assert_eq!(share(&progress(RunStatus::Owed, 0, 0)), 0);
        assert_eq!(share(&progress(RunStatus::Running, 10, 0)), 99);
        assert_eq!(share(&progress(RunStatus::Done, 10, 0)), 100);
        assert_eq!(
            ProgressView::new(&progress(RunStatus::Done, 10, 0), false, at("2026-11-25T12:05:00Z")),
            None
        );
    }

    #[test]
    fn a_blocked_bucket_has_no_time_left() {
        let view =
            ProgressView::new(&progress(RunStatus::Running, 5, 5), true, at("2026-11-25T12:05:00Z")).unwrap();
        assert_eq!(view.title, "The run waits for the bucket");
        assert_eq!(view.left, "goes on by itself once the bucket works");
    }
}
