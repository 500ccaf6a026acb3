//! Runs of exports.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::domain::{
    AccountId, RequestId, Run, RunClosing, RunKey, RunOpening, RunStatus, RunTimestamp, Window, ZoneName,
};

/// A run to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Whose.
    pub account: AccountId,
    /// Of which export.
    pub request: RequestId,
    /// What it delivers.
    pub window: Window,
    /// The account's time zone.
    pub zone: ZoneName,
    /// Up to where runs of the export have been created.
    pub expected_cut: Option<Timestamp>,
    /// When the next one is due.
    pub next_due_at: Option<Timestamp>,
    /// Now; the run's timestamp is this second, or the next one that is free in the export.
    pub now: Timestamp,
}

/// A page of runs.
#[derive(Debug, Clone, Default)]
pub struct RunPage {
    /// Newest first, which is by their timestamps.
    pub runs: Vec<Run>,
    /// Behind which the next page begins; none at the end.
    pub next: Option<RunTimestamp>,
}

/// Runs of exports. See [`Store`](super::Store).
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Creates an owed run and advances the export's `planned_cut` to the window's cut and `next_due_at`, where
    /// `planned_cut` is still `expected_cut` and the export is active (else [`StoreError::Conflict`]: another tick
    /// was first, or it was stopped). A one-time run's timestamp is the request id.
    async fn create_run(&self, new: &NewRun) -> Result<Run, StoreError>;
    /// A run.
    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError>;
    /// The runs of an export, oldest first, which is by the cuts of their windows.
    async fn runs(&self, account: AccountId, request: RequestId) -> Result<Vec<Run>, StoreError>;
    /// A page of an export's runs, newest first, up to `limit` (at least one) behind `cursor`, the timestamp with
    /// which the page before it ended. Runs that are created meanwhile stand before the first page.
    async fn runs_page(
        &self,
        account: AccountId,
        request: RequestId,
        cursor: Option<RunTimestamp>,
        limit: usize,
    ) -> Result<RunPage, StoreError>;
    /// Every run of every account that has not ended, oldest first: what a start looks through. Those whose document
    /// is damaged are logged and left out, so that they do not hold up the others.
    async fn open_runs(&self) -> Result<Vec<Run>, StoreError>;
    /// The keys of the same, damaged ones too: reads no document.
    async fn open_run_keys(&self) -> Result<Vec<RunKey>, StoreError>;
    /// The runs of an export that have not ended, oldest first. Served by an index: costs what is open, and reads no
    /// document, so that a damaged one does not hold up the others.
    async fn open_runs_of(&self, account: AccountId, request: RequestId) -> Result<Vec<RunKey>, StoreError>;
    /// How many runs of an export have a status. Reads no document.
    async fn count_runs(
        &self,
        account: AccountId,
        request: RequestId,
        status: RunStatus,
    ) -> Result<u64, StoreError>;
    /// Makes a plan *the* plan of an owed run, freezes the export's spec and its bucket's name at Google, and sets run and export RUNNING.
    /// [`StoreError::Conflict`] where the run has a plan, has ended, was opened again since it was planned, is not the
    /// oldest open run of its export, its export has ended and does not finish it, or the stored chunks of the plan are not as many as it
    /// says: some were swept.
    async fn open_run(&self, key: RunKey, opening: &RunOpening) -> Result<Run, StoreError>;
    /// Closes a run and moves its export on: `delivered_cut` to the window's cut (never back, and not for a
    /// STOPPED run, whose window has not been delivered); a one-time export becomes DONE (it stays RUNNING for an
    /// INCOMPLETE run), others PENDING (RUNNING while another of their runs is); a STOPPED export stays so.
    /// Closing a closed run again with the same status changes nothing, with another it is a
    /// [`StoreError::Conflict`]; so is closing one that was opened again after the caller looked at it. True where
    /// this call closed it. An INCOMPLETE run ends also where its export cannot be read, which then stays as it is.
    async fn close_run(&self, key: RunKey, closing: &RunClosing) -> Result<bool, StoreError>;
    /// Opens an INCOMPLETE run again: RUNNING, and its export too where that has not ended; without a plan it is
    /// OWED.
    /// [`StoreError::Conflict`] for any other run.
    async fn reopen_run(&self, key: RunKey) -> Result<Run, StoreError>;
    /// Gives the plan of a RUNNING run up: it is OWED again, and its active export PENDING. [`StoreError::Conflict`] for
    /// any other, and where it was opened again since it was looked at.
    async fn give_up_plan(&self, key: RunKey, reopened: u32) -> Result<Run, StoreError>;
}
