//! What state something is in, as a pill: a word, an icon and a colour, none of which is needed to know the others.

use spillway::domain::{BucketState, Export, ExportStatus, Run, RunStatus, StopReason};

/// A pill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pill {
    /// The word.
    pub text: &'static str,
    /// The style's class.
    pub class: &'static str,
    /// The icon's name.
    pub icon: &'static str,
    /// What the word means.
    pub meaning: &'static str,
}

impl Pill {
    const fn new(text: &'static str, class: &'static str, icon: &'static str, meaning: &'static str) -> Self {
        Self { text, class, icon, meaning }
    }

    /// Of an export as people see it: of one that is active, what its `newest` run lacks, or that its bucket is blocked.
    #[must_use]
    pub(crate) fn of_export_with(export: &Export, newest: Option<&Run>, is_bucket_blocked: bool) -> Self {
        match newest.filter(|run| run.status == RunStatus::Incomplete) {
            Some(run) if export.is_active() => Self::of_run(run.status, is_bucket_blocked),
            _ => Self::of_active_export(&export.status, is_bucket_blocked),
        }
    }

    /// Of an export by its status alone.
    #[must_use]
    pub(crate) fn of_export(status: &ExportStatus) -> Self {
        match status {
            ExportStatus::Pending => Self::new("PENDING", "idle", "clock", "Waits for its next run"),
            ExportStatus::Running => Self::new("RUNNING", "busy", "spin", "A run is under way"),
            ExportStatus::Done => Self::new("DONE", "good", "check", "Everything was delivered"),
            ExportStatus::Stopped { reason: StopReason::User, .. } => {
                Self::new("STOPPED", "idle", "square", "Stopped by a person")
            }
            ExportStatus::Stopped { reason: StopReason::Failure { .. }, .. } => {
                Self::new("STOPPED", "bad", "square", "Stopped after three days of failure")
            }
        }
    }

    /// Of a run. One that has not ended is blocked where its bucket is.
    #[must_use]
    pub(crate) fn of_run(status: RunStatus, is_bucket_blocked: bool) -> Self {
        match status {
            RunStatus::Owed | RunStatus::Running if is_bucket_blocked => {
                Self::new("BLOCKED", "bad", "pause", "Goes on once the bucket takes files again")
            }
            RunStatus::Owed => Self::new("OWED", "idle", "clock", "Its time has come; it waits for its turn"),
            RunStatus::Running => Self::new("RUNNING", "busy", "spin", "Files are being written"),
            RunStatus::Done => Self::new("DONE", "good", "check", "Everything was delivered"),
            RunStatus::Empty => Self::new("EMPTY", "idle", "none", "There was nothing in its window"),
            RunStatus::Stopped => Self::new("STOPPED", "idle", "square", "Stopped; complete files stay"),
            RunStatus::Incomplete => {
                Self::new("INCOMPLETE", "warn", "alert", "Some files are missing, for a fault of ours")
            }
        }
    }

    /// Of an export whose bucket may be blocked: one that is active cannot go on then, whatever it waits for.
    #[must_use]
    pub(crate) fn of_active_export(status: &ExportStatus, is_bucket_blocked: bool) -> Self {
        match status {
            ExportStatus::Pending | ExportStatus::Running if is_bucket_blocked => {
                Self::of_run(RunStatus::Running, true)
            }
            status => Self::of_export(status),
        }
    }

    /// Of a bucket.
    #[must_use]
    pub(crate) fn of_bucket(state: &BucketState) -> Self {
        match state {
            BucketState::Ready => Self::new("WORKING", "good", "check", "It takes files"),
            BucketState::Blocked { .. } => Self::new(
                "BLOCKED",
                "bad",
                "pause",
                "It takes no files; something at Google has to be mended",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_has_not_ended_is_blocked_with_its_bucket() {
        let texts = |is_blocked| {
            use RunStatus::{Done, Empty, Incomplete, Owed, Running, Stopped};
            [Owed, Running, Done, Empty, Stopped, Incomplete]
                .map(|status| Pill::of_run(status, is_blocked).text)
        };
        assert_eq!(texts(false), ["OWED", "RUNNING", "DONE", "EMPTY", "STOPPED", "INCOMPLETE"]);
        assert_eq!(texts(true), ["BLOCKED", "BLOCKED", "DONE", "EMPTY", "STOPPED", "INCOMPLETE"]);
    }

    #[test]
    fn being_stopped_by_a_failure_looks_otherwise_than_by_a_person() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let by = |reason| Pill::of_export(&ExportStatus::Stopped { reason, at });
        let (person, failure) = (by(StopReason::User), by(StopReason::Failure { message: String::new() }));
        assert_eq!((person.text, failure.text), ("STOPPED", "STOPPED"));
        assert_ne!(person.class, failure.class);
        assert_ne!(person.meaning, failure.meaning);
    }
}
