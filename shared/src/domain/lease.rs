//! The right to work on a chunk.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::instant::after;

/// How long one step on a chunk may take, in seconds. Then it gives up by itself.
pub const STEP_TIMEOUT_SECS: u64 = 480;
/// How long a lease holds, in seconds.
pub const LEASE_SECS: u64 = 520;
/// How long a request to an encoder may take, in seconds.
pub const REQUEST_TIMEOUT_SECS: u64 = 560;
/// How long the queue waits for an answer before it delivers again, in seconds; Pub/Sub's maximum.
pub const ACK_DEADLINE_SECS: u64 = 600;
/// How far the clocks of two workers may be apart, in seconds. What is said to have happened further in the future
/// happened before a clock went back.
pub const CLOCK_SKEW_SECS: i64 = 60;

/// For how long after its end a holder may still be at work by his own clock, in seconds. Nobody minds where the chunk is
/// done again; a stop, which does not do it again, waits for so long.
const LEASE_MARGIN_SECS: i64 = 300;

// Invariant 6: a worker whose lease has ended is no longer working, and a message is not delivered again before.
const _: () = assert!(STEP_TIMEOUT_SECS < LEASE_SECS);
const _: () = assert!(LEASE_SECS < REQUEST_TIMEOUT_SECS);
const _: () = assert!(REQUEST_TIMEOUT_SECS <= ACK_DEADLINE_SECS);

/// Proves who holds a lease; random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseToken(u64);

impl LeaseToken {
    /// A token from random bits.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        // 53 bits, so that every JSON reader keeps it whole.
        Self(bits >> 11)
    }
}

/// A lease on a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    token: LeaseToken,
    expires_at: Timestamp,
}

impl Lease {
    /// A lease for whoever knows `token`.
    #[must_use]
    pub fn new(token: LeaseToken, expires_at: Timestamp) -> Self {
        Self { token, expires_at }
    }

    /// Whether it still holds.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether whoever holds it may still believe so, as his clock is behind.
    #[must_use]
    pub fn may_be_believed(&self, now: Timestamp) -> bool {
        now < after(self.expires_at, LEASE_MARGIN_SECS)
    }

    /// Whether `token` may act under it.
    #[must_use]
    pub fn admits(&self, token: LeaseToken, now: Timestamp) -> bool {
        self.token == token && self.is_valid(now)
    }

    /// The holder's token, for whoever can prove that the holder is gone and acts in its place.
    #[must_use]
    pub fn token(&self) -> LeaseToken {
        self.token
    }

    /// When it ends.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}
