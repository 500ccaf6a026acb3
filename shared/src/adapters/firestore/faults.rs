//! What may go wrong with a call, and how long it is tried again.

use std::time::Duration;

use firestore::gcloud_sdk::tonic::{Code, Status};
use rand::RngExt;
use tokio::time::Instant;

use crate::ports::StoreError;

/// For how long one call of the port is begun again, in all.
const PATIENCE: Duration = Duration::from_secs(20);
/// The first wait is up to this long; each further one up to twice as long as that before it.
const FIRST_WAIT: Duration = Duration::from_millis(16);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Why an attempt has failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// Trying again does not help.
    Store(StoreError),
    /// Nothing was done; it may go well the next time.
    Again(String),
    /// It may have been done: no answer came.
    Unknown(String),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    /// Of a read.
    pub(super) fn of_read(status: &Status) -> Self {
        match status.code() {
            Code::Aborted
            | Code::ResourceExhausted
            | Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Internal
            | Code::Unknown => Self::Again(status.to_string()),
            _ => Self::Store(StoreError::Unavailable(status.to_string())),
        }
    }

    /// Of a commit, all of whose conditions are about documents: one that is not met means that somebody else was
    /// faster.
    pub(super) fn of_commit(status: &Status) -> Self {
        match status.code() {
            Code::Aborted
            | Code::FailedPrecondition
            | Code::AlreadyExists
            | Code::NotFound
            | Code::ResourceExhausted => Self::Again(status.to_string()),
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Internal | Code::Unknown => {
                Self::Unknown(status.to_string())
            }
            _ => Self::Store(StoreError::Unavailable(status.to_string())),
        }
    }
}

/// The waits between the attempts of one call: random, so that those who met do not meet again. What counts is the time
/// since the first attempt, with all that attempts took: one that hangs takes much.
pub(super) struct Backoff {
    until: Instant,
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { until: Instant::now() + PATIENCE, next: FIRST_WAIT }
    }

    /// Waits until the next attempt; gives up where the call has waited long enough.
    pub(super) async fn wait(&mut self, why: String) -> Result<(), StoreError> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(StoreError::Unavailable(why));
        }
        tracing::debug!(why, "the store is asked again");
        let wait = rand::rng().random_range(Duration::from_millis(1)..=self.next).min(left);
        self.next = (self.next * 2).min(LONGEST_WAIT);
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// Makes commits fail in tests; see [`FirestoreStore::with_faults`](super::FirestoreStore::with_faults).
pub trait CommitFaults: Send + Sync {
    /// Whether the next commit is aborted as by contention.
    fn aborts(&self) -> bool;
    /// Whether the answer to a commit that was done is lost.
    fn loses_answer(&self) -> bool;
}
