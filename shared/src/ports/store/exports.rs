//! Exports.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::domain::{
    AccountId, BucketId, Export, ExportFilter, ExportSpec, Fingerprint, RequestId, Run, RunKey, StopReason,
    Window, ZoneName,
};

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
    /// By whom and under which key it is created.
    pub origin: Origin,
}

/// By whom and under which key an export is created.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// An e-mail address, where it is known.
    pub created_by: Option<String>,
    /// Under which key the creation may be repeated.
    pub repeatable: Option<Repeatable>,
}

/// A key under which a creation may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeatable {
    /// The caller's; unique in the account.
    pub key: String,
    /// What was asked for.
    pub fingerprint: Fingerprint,
}

/// A creation that was made under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// What it created.
    pub request: RequestId,
    /// What was asked for.
    pub fingerprint: Fingerprint,
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

/// An export that was stopped by failure and is to go on.
#[derive(Debug, Clone)]
pub struct StartAgain {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub request: RequestId,
    /// Now; the successor's request id is this second, or the next one that is free.
    pub now: Timestamp,
    /// When the successor's first run is due.
    pub next_due_at: Option<Timestamp>,
    /// Who starts it again, by e-mail address, where it is known.
    pub started_by: Option<String>,
}

/// What goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedAgain {
    /// The export that takes what comes; a one-time export itself.
    pub export: Export,
    /// Runs of the stopped export that are worked again under its own names, oldest first.
    pub resumed: Vec<RunKey>,
}

/// Exports. See [`Store`](super::Store).
#[async_trait]
pub trait ExportStore: Send + Sync {
    /// Creates an export, PENDING, under a request id that is free in its account and in its bucket *by the
    /// bucket's name at Google*, whichever accounts export there. Never clashes, however many create at once.
    /// [`StoreError::Conflict`] for user profiles where [`ExportStore::profiles_flow`] has an export, and where
    /// [`ExportStore::repeated`] knows its key.
    async fn create_export(&self, new: &NewExport) -> Result<Export, StoreError>;
    /// Creates a one-time export as [`ExportStore::create_export`] does, and its only run for `window` in the same
    /// transaction, so that no export is left behind without its run.
    async fn create_one_time(
        &self,
        new: &NewExport,
        window: Window,
        zone: &ZoneName,
    ) -> Result<(Export, Run), StoreError>;
    /// What was created under a key of the account, within [`IDEMPOTENCY_SECS`](crate::domain::IDEMPOTENCY_SECS)
    /// before `now`. Older keys are forgotten, and may be used again.
    async fn repeated(
        &self,
        account: AccountId,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Repeated>, StoreError>;
    /// An export.
    async fn export(&self, account: AccountId, request: RequestId) -> Result<Option<Export>, StoreError>;
    /// A page of an account's exports that `filter` takes, newest first, up to `limit` (at least one) behind
    /// `cursor`, the request id with which the page before it ended. Exports that are created meanwhile stand before
    /// the first page: whoever follows the cursors gets every export that was there at the start once. One whose
    /// document is damaged is logged and left out, so that it does not hold up the others.
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
    /// request id in its name at Google, and those of stopped exports before it that still finish something;
    /// [`StoreError::NumberTaken`] where one is another account's there.
    async fn edit_export(
        &self,
        account: AccountId,
        request: RequestId,
        expected: &ExportSpec,
        spec: &ExportSpec,
        next_due_at: Option<Timestamp>,
    ) -> Result<Export, StoreError>;
    /// Stops an active export; of one that has ended, nothing changes, nor of one that goes elsewhere than `into`, where
    /// that is given: it was moved meanwhile. Gives the export as it is then. Its owed runs close with it, STOPPED; a
    /// RUNNING one is left to whoever finishes it.
    async fn stop_export(
        &self,
        account: AccountId,
        request: RequestId,
        into: Option<&BucketId>,
        reason: &StopReason,
        now: Timestamp,
    ) -> Result<Export, StoreError>;
    /// Goes on with an export that was stopped by failure, in one transaction. Its runs that were begun are open again,
    /// under its own names; those that are INCOMPLETE stay so, and may be retried. A recurring or live one gets a successor with the same spec, whose first window begins where
    /// those runs end, or, without any, at the last delivered cut, and which is given again where there is one already; a
    /// one-time one goes on itself. [`StoreError::Conflict`] where it was not stopped by failure, or for what
    /// [`ExportStore::create_export`] refuses.
    async fn start_again(&self, start: &StartAgain) -> Result<StartedAgain, StoreError>;
}
