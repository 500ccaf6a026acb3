//! The steps of an export, each safe to run twice, late, or by two workers at once: create, edit, tick, plan and open a
//! run, work a chunk, finish a run, stop, retry; and those of a bucket. Functions call them; they know ports only.

mod account;
mod buckets;
mod catalogue;
mod check;
mod chunk;
mod close;
mod columns;
mod create;
mod edit;
mod estimate;
mod files;
mod finish;
mod open;
mod plan_token;
mod preview;
mod profile_files;
mod progress;
mod publish;
mod recheck;
mod retry;
mod start_again;
mod stop;
mod sweep;
mod tell;
mod tick;
mod webhook;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use account::{AccountError, AccountSettings, enable_exports, put_account, update_account};
pub use buckets::{
    BucketProposal, CheckError, ProposeError, RemoveError, check_candidate, propose_bucket, remove_bucket,
};
pub use catalogue::{Kept, catalogue, keep_catalogue, keep_catalogues, unseen_events};
pub use check::{Checked, Delivered, Notifier, check, send_mails, send_webhooks};
pub use chunk::encode_slice;
pub use create::{
    CreateError, Created, NewRequest, create_export, create_one_time, create_one_time_by, one_time_window,
};
pub use edit::{EditError, edit_export};
pub use estimate::{EstimateError, days_of_events, estimate};
pub use files::run_files;
pub use preview::{Preview, PreviewChunk, preview};
pub use progress::{RunProgress, run_progress, worked_run};
pub use publish::republish;
pub use recheck::{Rechecked, Verdict, has_exports, recheck_bucket};
pub use retry::{RetryError, retry_run};
pub use start_again::{StartAgainError, start_again};
pub use stop::stop_export;
pub use sweep::{Swept, sweep};
pub use tick::{Ticked, tick};
pub use webhook::{TriedWebhook, deliver_webhook, renew_webhook_secret, test_webhook};

use crate::{
    domain::{
        BucketFailure, BucketId, LEASE_SECS, PartnerBucket, Run, RunKey, STEP_TIMEOUT_SECS, Side,
        plan::PlanLimits,
    },
    encode::{FILE_LIMIT_BYTES, GzipLevel},
    ports::{
        BucketHandle, ChunkQueue, Clock, KeyVault, Lake, LakeError, PartnerBuckets, QueueError, Store,
        StoreError, VaultError, Webhooks, Work,
    },
};

/// How many exports are sent on their way at once, of a bucket that is mended or of an account that is late: as many in
/// each tick and round, so that what thousands of exports owe goes out bit by bit.
const WOKEN_AT_ONCE: usize = 200;

/// Everything that a step works with.
#[derive(Clone)]
pub struct Parts {
    /// Accounts, buckets, exports, runs, chunks.
    pub store: Arc<dyn Store>,
    /// Between planning and encoding.
    pub queue: Arc<dyn ChunkQueue>,
    /// The platform's data.
    pub lake: Arc<dyn Lake>,
    /// The customers' buckets.
    pub buckets: Arc<dyn PartnerBuckets>,
    /// Opens keys, late.
    pub vault: Arc<dyn KeyVault>,
    /// Calls accounts' webhooks.
    pub webhooks: Arc<dyn Webhooks>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Sees what happens.
    pub observer: Arc<dyn Observer>,
    /// When it is cancelled, running chunks are given back.
    pub shutdown: CancellationToken,
    /// The limits.
    pub options: Options,
}

/// The limits of the steps.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The most bytes of a stored file.
    pub file_limit_bytes: u64,
    /// How hard gzip tries.
    pub gzip_level: GzipLevel,
    /// How large chunks are made.
    pub plan: PlanLimits,
    /// How many chunks of a message are under way at once. One of them is encoded; the others wait for the store or their
    /// bucket, with the bytes of small objects only.
    pub chunks_at_once: usize,
    /// How many messages of a run are on the queue at most. They are sent half of them at a time, so that between half and
    /// all of them are out.
    pub outstanding_messages: usize,
    /// From how many chunks on a plan may take more than one request to store.
    pub long_plan_chunks: usize,
    /// How long the work on one chunk may take.
    pub step_timeout: Duration,
    /// How long a lease holds; longer than the step.
    pub lease: Duration,
    /// How often a worker looks whether its export was stopped; at most a few seconds.
    pub stop_poll: Duration,
    /// How long a passing failure is waited out.
    pub passing_delay: Duration,
    /// After how long a message whose chunks are still ready counts as lost.
    pub lost_after: Duration,
    /// Whether this process may open customers' keys. Where it may not (a dashboard, a scheduler), it leaves what needs
    /// one, the manifest at a run's end, to an encoder.
    pub opens_keys: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            file_limit_bytes: FILE_LIMIT_BYTES,
            gzip_level: GzipLevel::default(),
            plan: PlanLimits::default(),
            chunks_at_once: 16,
            outstanding_messages: 32,
            long_plan_chunks: 20_000,
            step_timeout: Duration::from_secs(STEP_TIMEOUT_SECS),
            lease: Duration::from_secs(LEASE_SECS),
            stop_poll: Duration::from_secs(1),
            passing_delay: Duration::from_secs(10),
            lost_after: Duration::from_secs(900),
            opens_keys: true,
        }
    }
}

/// Sees what the steps do, for progress bars and logs. Nothing depends on it.
pub trait Observer: Send + Sync {
    /// Rows were encoded, and this many bytes of the file became final. An attempt that fails takes its part back
    /// by [`Observer::withdrawn`].
    fn encoded(&self, _run: RunKey, _rows: u64, _bytes: u64) {}
    /// What an attempt had encoded does not count.
    fn withdrawn(&self, _run: RunKey, _rows: u64, _bytes: u64) {}
    /// An object is complete.
    fn completed(&self, _run: RunKey, _object: &str) {}
    /// A chunk was given up.
    fn failed(&self, _run: RunKey, _object: &str, _reason: &str) {}
    /// The bucket was blocked.
    fn blocked(&self, _run: RunKey, _failure: &BucketFailure) {}
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// Nothing more is to be done for it.
    Done,
    /// It must be delivered again, not before this much time has passed.
    Again(Duration),
}

/// Why a step broke off. The message must be delivered again: all steps can be repeated. ([`handle`] ends the run
/// instead where that cannot help.)
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The customer's bucket.
    #[error("{0}")]
    Bucket(BucketFailure),
    /// A bug of ours.
    #[error("{0}")]
    Internal(String),
}

impl StepError {
    /// Whether trying again cannot help: somebody of ours has to mend something first.
    fn is_final(&self) -> bool {
        match self {
            Self::Store(error) => {
                matches!(error, StoreError::Unreadable { .. } | StoreError::Rejected { .. })
            }
            Self::Lake(error) => !error.is_passing(),
            Self::Bucket(failure) => failure.class.side() == Side::Ours,
            Self::Internal(_) => true,
            Self::Queue(_) | Self::Vault(_) => false,
        }
    }
}

/// Does what a message asks for. What trying again cannot mend ends the run INCOMPLETE, with the reason kept in it.
///
/// # Errors
/// [`StepError`]; the message must be delivered again.
pub async fn handle(parts: &Parts, work: &Work) -> Result<Handled, StepError> {
    let (key, handled) = match work {
        Work::Run { run } => (*run, open::run(parts, *run).await),
        Work::Chunks { run, plan, chunks } => (*run, chunk::chunks(parts, *run, plan, chunks).await),
    };
    close::or_incomplete(parts, key, handled).await
}

impl Parts {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What was published, or sent on its way, before this instant and is still waiting was lost.
    fn lost_before(&self) -> Timestamp {
        self.now().checked_sub(self.options.lost_after).unwrap_or(Timestamp::MIN)
    }

    /// The bucket into which a run goes.
    async fn bucket_of(&self, run: RunKey, id: &BucketId) -> Result<PartnerBucket, StepError> {
        self.store.bucket(run.account, id).await?.ok_or_else(|| {
            StepError::Internal(format!(
                "bucket `{id}` of run {run} is gone; connect it again under this name, then retry the run"
            ))
        })
    }

    /// The bucket into which an open run goes, while it is the one in which the run was begun.
    async fn bucket_to_write(&self, run: &Run) -> Result<PartnerBucket, StepError> {
        let bucket = self.bucket_of(run.key, &run.spec.bucket).await?;
        run.check_bucket(&bucket).map_err(|elsewhere| StepError::Internal(elsewhere.to_string()))?;
        Ok(bucket)
    }

    /// Opens a bucket under its key; the key is in the open for no longer than that. A seal that does not open is our
    /// vault's fault, never told as the customer's: the run waits, and the operator reads of it.
    async fn open_bucket(&self, bucket: &PartnerBucket) -> Result<Box<dyn BucketHandle>, StepError> {
        let key = self.vault.open(bucket.account, &bucket.id, &bucket.key).await?;
        self.buckets.open(&bucket.bucket_name, &key).await.map_err(StepError::Bucket)
    }
}
