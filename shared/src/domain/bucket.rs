//! A customer's bucket as the account knows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountId, BucketFailure};

/// A partner bucket of an account: its nickname, unique in the account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BucketId(pub String);

impl std::fmt::Display for BucketId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A service account key under the vault's seal; only the vault can read it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedKey(pub String);

impl std::fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedKey(…)")
    }
}

/// What may be shown of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// The service account.
    pub client_email: String,
    /// Which of its keys.
    pub key_id: String,
    /// When it was given to us.
    pub added_at: Timestamp,
}

/// A time in which a bucket was open: from when it was connected, or opened again, until it was blocked. Of one bucket later
/// ones are greater, whatever clocks show, so that what happened in one is told apart from what happened in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Opening {
    /// When the bucket was connected. Another one may have the nickname later.
    connected_at: Timestamp,
    /// How often it was opened again.
    number: u64,
}

impl Opening {
    /// The first one of a bucket that is connected then.
    #[must_use]
    pub fn first(connected_at: Timestamp) -> Self {
        Self { connected_at, number: 0 }
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self { number: self.number + 1, ..self }
    }

    /// The one before it, where there is one.
    #[must_use]
    pub fn before(self) -> Option<Self> {
        Some(Self { number: self.number.checked_sub(1)?, ..self })
    }

    /// Whether they are of one bucket, and not of two that had the nickname one after the other.
    #[must_use]
    pub fn is_of_the_same(self, other: Self) -> bool {
        self.connected_at == other.connected_at
    }
}

/// A connected bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerBucket {
    /// Whose it is.
    pub account: AccountId,
    /// The nickname.
    pub id: BucketId,
    /// The bucket's name at Google.
    pub bucket_name: String,
    /// The sealed key.
    pub key: SealedKey,
    /// What may be shown of the key.
    pub key_facts: KeyFacts,
    /// Whether it works.
    pub state: BucketState,
    /// Since when it is open, or was until it was blocked.
    #[serde(default)]
    pub opening: Opening,
}

/// What became of blocking a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockOutcome {
    /// This blocked it.
    Blocked,
    /// It was blocked.
    AlreadyBlocked,
    /// Nothing: since the failure was met it was given another key, or opened again.
    Outdated,
}

/// Whether a bucket takes files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum BucketState {
    /// It does, as far as we know.
    Ready,
    /// The customer's side failed; nothing is tried until a probe succeeds.
    Blocked {
        /// When the first failure was seen.
        since: Timestamp,
        /// What the customer has to mend.
        failure: BucketFailure,
    },
}
