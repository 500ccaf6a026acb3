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
            _ => format!("{} % delivered", progress.percent()),
        };
        let left = match progress.secs_left(now).filter(|_| !is_blocked) {
            Some(secs) => numbers::time_left(secs),
            None if is_blocked => "goes on by itself once the bucket works".to_owned(),
            None if all == 0 => String::new(),
            None => "the time left shows after the first file".to_owned(),
        };
        Some(Self { title, share: progress.percent(), left, sums })
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
    fn the_bar_tells_what_is_done_and_what_is_left() {
        let half = progress(RunStatus::Running, 5, 5);
        let view = ProgressView::new(&half, false, at("2026-11-25T12:05:00Z")).unwrap();
        assert_eq!((view.title.as_str(), view.share), ("50 % delivered", 50));
        assert_eq!(view.left, "about 5 min left");
        assert_eq!(view.sums, "5 of 10 files written · 5,000 rows · 5.0 MB");
        let ended = progress(RunStatus::Done, 10, 0);
        assert_eq!(ProgressView::new(&ended, false, at("2026-11-25T12:05:00Z")), None);
    }

    #[test]
    fn a_blocked_bucket_has_no_time_left() {
        let view =
            ProgressView::new(&progress(RunStatus::Running, 5, 5), true, at("2026-11-25T12:05:00Z")).unwrap();
        assert_eq!(view.title, "The run waits for the bucket");
        assert_eq!(view.left, "goes on by itself once the bucket works");
    }
}
