//! A bucket that a customer wants to connect, sealed and kept until the check has passed.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    AccountId, BucketId, BucketState, KeyFacts, Opening, PartnerBucket, SealedKey,
    rules::{self, BucketRefusal},
};

/// How long a candidate is kept, in minutes.
pub const CANDIDATE_MINUTES: i64 = 15;

/// Which candidate: 128 random bits in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CandidateId(String);

/// The text is no id of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a candidate's id has 32 of the digits 0-9 and a-f")]
pub struct NotCandidateId;

impl CandidateId {
    /// An id from random bits.
    #[must_use]
    pub fn from_random(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CandidateId {
    type Err = NotCandidateId;

    fn from_str(text: &str) -> Result<Self, NotCandidateId> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for CandidateId {
    type Error = NotCandidateId;

    fn try_from(text: String) -> Result<Self, NotCandidateId> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(is_digit) { Ok(Self(text)) } else { Err(NotCandidateId) }
    }
}

impl From<CandidateId> for String {
    fn from(id: CandidateId) -> Self {
        id.0
    }
}

impl fmt::Display for CandidateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A bucket to be connected, or to be given another key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketCandidate {
    /// Whose it is.
    pub account: AccountId,
    /// Which.
    pub id: CandidateId,
    /// The nickname that it is to have, or has.
    pub nickname: BucketId,
    /// The bucket's name at Google.
    pub bucket_name: String,
    /// The key, sealed for the account and the nickname.
    pub key: SealedKey,
    /// Whether it is another key of a bucket that is connected.
    pub replaces: bool,
    /// When it was given to us.
    pub created_at: Timestamp,
}

impl BucketCandidate {
    /// From when on it does not count any more.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        let kept = SignedDuration::from_mins(CANDIDATE_MINUTES);
        self.created_at.checked_add(kept).unwrap_or(Timestamp::MAX)
    }

    /// The bucket that it becomes among the account's `buckets`: ready, whatever an older key made of it.
    ///
    /// # Errors
    /// [`BucketRefusal`] where the account's buckets have changed so that the rules would not take it now.
    pub fn promote(
        &self,
        buckets: &[PartnerBucket],
        key_facts: KeyFacts,
    ) -> Result<PartnerBucket, BucketRefusal> {
        rules::check_place(&self.nickname, &self.bucket_name, self.replaces, buckets)?;
        let known = buckets.iter().find(|bucket| bucket.id == self.nickname);
        let opening = match known {
            None => Opening::first(key_facts.added_at),
            Some(PartnerBucket { opening, state: BucketState::Ready, .. }) => *opening,
            Some(PartnerBucket { opening, .. }) => opening.next(),
        };
        Ok(PartnerBucket {
            account: self.account,
            id: self.nickname.clone(),
            bucket_name: self.bucket_name.clone(),
            key: self.key.clone(),
            key_facts,
            state: BucketState::Ready,
            opening,
        })
    }
}
