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
}

/// What became of blocking a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockOutcome {
    /// This blocked it.
    Blocked,
    /// It was blocked.
    AlreadyBlocked,
    /// Nothing: it has another key than the one under which the failure was seen.
    KeyReplaced,
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
