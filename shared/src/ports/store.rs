//! Where accounts, buckets, exports, runs and chunks are kept.
//!
//! Each method is one transaction. Chunk transactions touch the chunk alone (and create its successor), never
//! its run or export, so that they scale. Every method names the account: nothing is found across tenants.

use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::BTreeMap;

use crate::domain::{
    Account, AccountId, BucketFailure, BucketId, Chunk, ChunkCommand, ChunkId, ChunkKey, ChunkRefusal,
    Export, ExportFilter, ExportSpec, PartnerBucket, PlanToken, PropertyColumn, RequestId, Run, RunKey,
    RunPlan, RunStatus, RunTotals, StopReason, Window, ZoneName,
};

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such document.
    #[error("there is no {0}")]
    NotFound(String),
    /// The chunk's state does not allow it.
    #[error(transparent)]
    Refused(#[from] ChunkRefusal),
    /// Somebody else changed it first; read it again and decide anew.
    #[error("{0} has changed meanwhile")]
    Conflict(String),
    /// In the bucket at Google the number names another account's export; its files' names would clash.
    #[error(
        "export {request} cannot go to bucket `{bucket_name}`, where another export has its number; create a new \
         export instead"
    )]
    NumberTaken {
        /// Whose number.
        request: RequestId,
        /// The bucket's name at Google.
        bucket_name: String,
    },
    /// A document is damaged, or of a newer version; trying again does not help.
    #[error("{document} cannot be read: {wrong}; restore it, or run the version of Spillway that wrote it")]
    Unreadable {
        /// Which.
        document: String,
        /// What is wrong with it.
        wrong: String,
    },
    /// The store does not work just now; try again.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

/// An export to be created.
#[derive(Debug, Clone)]
pub struct NewExport {
    /// Whose.
    pub account: AccountId,
    /// What.
    pub spec: ExportSpec,
    /// Now; the request id is this second, or the next one that is free in the account and in the bucket.
    pub now: Timestamp,
    /// When its first run is due.
    pub next_due_at: Option<Timestamp>,
}

/// A page of exports.
#[derive(Debug, Clone, Default)]
pub struct ExportPage {
    /// Newest first, which is by request id.
    pub exports: Vec<Export>,
    /// Behind which the next page begins; none at the end.
    pub next: Option<RequestId>,
}

/// An export whose next run is due. Its document is read apart, so that a damaged one stops nobody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueExport {
    /// Since when.
    pub next_due_at: Timestamp,
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub request: RequestId,
}

/// A page of chunks.
#[derive(Debug, Clone, Default)]
pub struct ChunkPage {
    /// In the order of their ids.
    pub chunks: Vec<Chunk>,
    /// Where the next page begins; none at the end.
    pub next: Option<ChunkId>,
}

/// How the chunks of a plan stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChunkTally {
    /// Waiting, or leased with a lease that has ended.
    pub ready: u64,
    /// Under a valid lease.
    pub leased: u64,
    /// Done.
    pub done: u64,
    /// Given up.
    pub failed: u64,
}

/// How a run is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunClosing {
    /// A closed status.
    pub status: RunStatus,
    /// What was delivered.
    pub totals: RunTotals,
    /// Now.
    pub now: Timestamp,
}

/// The store. Reads see every earlier write.
#[async_trait]
pub trait Store: Send + Sync {
    /// Creates or replaces an account's settings.
    async fn put_account(&self, account: &Account) -> Result<(), StoreError>;
    /// An account.
    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError>;

    /// Creates or replaces a bucket. Where it comes to mean another bucket at Google, the account's active exports
    /// into it take their request ids there; [`StoreError::Conflict`] where one of those is another's.
    async fn put_bucket(&self, bucket: &PartnerBucket) -> Result<(), StoreError>;
    /// A bucket.
    async fn bucket(&self, account: AccountId, id: &BucketId) -> Result<Option<PartnerBucket>, StoreError>;
    /// An account's buckets, by nickname.
    async fn buckets(&self, account: AccountId) -> Result<Vec<PartnerBucket>, StoreError>;
    /// Every account's bucket of this name at Google, by account: for operators, never for customers.
    async fn buckets_named(&self, bucket_name: &str) -> Result<Vec<PartnerBucket>, StoreError>;
    /// Blocks a bucket from `since` on. A bucket that is blocked keeps its first `since`, and takes a failure of
    /// another class. True where this call blocked it.
    async fn block_bucket(
        &self,
        account: AccountId,
        id: &BucketId,
        failure: &BucketFailure,
        since: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Unblocks a bucket. True where it was blocked.
    async fn unblock_bucket(&self, account: AccountId, id: &BucketId) -> Result<bool, StoreError>;

    /// Creates an export, PENDING, under a request id that is free in its account and in its bucket *by the
    /// bucket's name at Google*, whichever accounts export there. Never clashes, however many create at once.
    /// [`StoreError::Conflict`] for user profiles where [`Store::profiles_flow`] has an export.
    async fn create_export(&self, new: &NewExport) -> Result<Export, StoreError>;
    /// Creates a one-time export as [`Store::create_export`] does, and its only run for `window` in the same
    /// transaction, so that no export is left behind without its run.
    async fn create_one_time(
        &self,
        new: &NewExport,
        window: Window,
        zone: &ZoneName,
    ) -> Result<(Export, Run), StoreError>;
    /// An export.
    async fn export(&self, account: AccountId, request: RequestId) -> Result<Option<Export>, StoreError>;
    /// A page of an account's exports that `filter` takes, newest first, up to `limit` (at least one) behind
    /// `cursor`, the request id with which the page before it ended. Exports that are created meanwhile stand before
    /// the first page: whoever follows the cursors gets every export that was there at the start once.
    async fn list_exports(
        &self,
        account: AccountId,
        filter: &ExportFilter,
        cursor: Option<RequestId>,
        limit: usize,
    ) -> Result<ExportPage, StoreError>;
    /// The account's active recurring or live export of user profiles; there is one at a time.
    async fn profiles_flow(&self, account: AccountId) -> Result<Option<RequestId>, StoreError>;
    /// The active exports of all accounts whose next run is due at `now`, longest due first, up to `limit` (at least
    /// one) behind `after`. Served by an index: costs what is due.
    async fn due_exports(
        &self,
        now: Timestamp,
        after: Option<&DueExport>,
        limit: usize,
    ) -> Result<Vec<DueExport>, StoreError>;
    /// Gives an export another spec, which counts from the next run on, and moves its next run to `next_due_at` where
    /// that is given. Whether the rules allow it is decided before, over the spec `expected`:
    /// [`StoreError::Conflict`] where the export has another one meanwhile, or has ended. Another bucket takes the
    /// request id in its name at Google; [`StoreError::NumberTaken`] where that is another account's there.
    async fn edit_export(
        &self,
        account: AccountId,
        request: RequestId,
        expected: &ExportSpec,
        spec: &ExportSpec,
        next_due_at: Option<Timestamp>,
    ) -> Result<Export, StoreError>;
    /// Stops an active export; of one that has ended, nothing changes. Gives the export as it is then. Its owed
    /// runs close with it, STOPPED; a RUNNING one is left to whoever finishes it.
    async fn stop_export(
        &self,
        account: AccountId,
        request: RequestId,
        reason: &StopReason,
        now: Timestamp,
    ) -> Result<Export, StoreError>;

    /// Creates an owed run and advances the export's `planned_cut` to the window's cut and `next_due_at`, where
    /// `planned_cut` is still `expected_cut` and the export is active (else [`StoreError::Conflict`]: another tick
    /// was first, or it was stopped). The run's timestamp is `now` in seconds or the next one that is free in the export; a
    /// one-time run's is the request id.
    #[allow(clippy::too_many_arguments, reason = "each says a thing of its own")]
    async fn create_run(
        &self,
        account: AccountId,
        request: RequestId,
        window: Window,
        zone: &ZoneName,
        expected_cut: Option<Timestamp>,
        next_due_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Run, StoreError>;
    /// A run.
    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError>;
    /// The runs of an export, oldest first, which is by the cuts of their windows.
    async fn runs(&self, account: AccountId, request: RequestId) -> Result<Vec<Run>, StoreError>;
    /// Every run of every account that has not ended, oldest first: what a start or the checker looks through.
    async fn open_runs(&self) -> Result<Vec<Run>, StoreError>;

    /// Makes `plan` *the* plan of an owed run, freezes the export's spec as `spec` and sets run and export
    /// RUNNING. [`StoreError::Conflict`] where the run has a plan, has ended, is not the oldest open run of its
    /// export, or its export has ended.
    async fn open_run(
        &self,
        key: RunKey,
        plan: &RunPlan,
        spec: &ExportSpec,
        now: Timestamp,
    ) -> Result<Run, StoreError>;
    /// Closes a run and moves its export on: `delivered_cut` to the window's cut (never back, and not for a
    /// STOPPED run, whose window has not been delivered); a one-time export becomes DONE (it stays RUNNING for an
    /// INCOMPLETE run), others PENDING (RUNNING while another of their runs is); a STOPPED export stays so.
    /// Closing a closed run again with the same status changes nothing, with another it is a
    /// [`StoreError::Conflict`]. True where this call closed it.
    async fn close_run(&self, key: RunKey, closing: &RunClosing) -> Result<bool, StoreError>;
    /// Opens an INCOMPLETE run again: RUNNING, and its export too where that has not ended.
    /// [`StoreError::Conflict`] for any other run.
    async fn reopen_run(&self, key: RunKey) -> Result<Run, StoreError>;

    /// Stores chunks of a plan that is not yet the run's, create-only; those that exist stay as they are. Any
    /// number; the adapter cuts them into batches, each a transaction. [`StoreError::NotFound`] without their run.
    async fn add_chunks(&self, chunks: &[Chunk]) -> Result<(), StoreError>;
    /// A chunk.
    async fn chunk(&self, key: &ChunkKey) -> Result<Option<Chunk>, StoreError>;
    /// Applies a command to a chunk, and stores its successor with it ([`Chunk::apply`]). Gives the chunk as it
    /// is then, and the successor.
    async fn change_chunk(
        &self,
        key: &ChunkKey,
        command: ChunkCommand,
        now: Timestamp,
    ) -> Result<(Chunk, Option<Chunk>), StoreError>;
    /// A page of a plan's chunks, up to `limit` (at least one), by id, from `from` on.
    async fn chunks(
        &self,
        run: RunKey,
        plan: &PlanToken,
        from: Option<&ChunkId>,
        limit: usize,
    ) -> Result<ChunkPage, StoreError>;
    /// Counts a plan's chunks by state, by count queries.
    async fn tally(&self, run: RunKey, plan: &PlanToken, now: Timestamp) -> Result<ChunkTally, StoreError>;
    /// Takes the next message and marks its chunks as published now: of the chunks that are ready (or whose lease
    /// has ended) and were not published, or not since `lost_before`, those with the lowest message number, up to
    /// 50. Empty where there is none. Two callers never get the same chunk.
    async fn claim_message(
        &self,
        run: RunKey,
        plan: &PlanToken,
        lost_before: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<ChunkId>, StoreError>;
    /// Deletes chunks of a run that are not of its plan (all of them where it has none and has ended).
    async fn sweep_chunks(&self, key: RunKey) -> Result<u64, StoreError>;

    /// The property columns of an export's event (`None`: of its profiles), in their stable order.
    async fn columns(
        &self,
        account: AccountId,
        request: RequestId,
        event_name: Option<&str>,
    ) -> Result<Vec<PropertyColumn>, StoreError>;
    /// Appends those of `found` that the list does not have, in the given order, and gives the whole list.
    async fn append_columns(
        &self,
        account: AccountId,
        request: RequestId,
        event_name: Option<&str>,
        found: &[PropertyColumn],
    ) -> Result<Vec<PropertyColumn>, StoreError>;

    /// The property keys that a scan found in a lake file whose footer does not list them, so that a planning
    /// that is interrupted does not scan it again.
    async fn scanned_keys(&self, account: AccountId, path: &str) -> Result<Option<String>, StoreError>;
    /// Keeps what a scan found.
    async fn put_scanned_keys(&self, account: AccountId, path: &str, keys: &str) -> Result<(), StoreError>;

    /// Bytes of output per byte of lake file, as seen per event name (`""`: profiles) in this format.
    async fn ratios(&self, account: AccountId, format_key: &str)
    -> Result<BTreeMap<String, f64>, StoreError>;
    /// Merges newly seen ratios into those known; those that are no finite numbers are passed over.
    async fn put_ratios(
        &self,
        account: AccountId,
        format_key: &str,
        ratios: &BTreeMap<String, f64>,
    ) -> Result<(), StoreError>;
}
