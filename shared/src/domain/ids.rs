//! The identifiers, each a type of its own, so that one never stands where another belongs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

integer_id! {
    /// One tenant.
    AccountId(u64)
}
integer_id! {
    /// An export: its creation time in epoch seconds, unique in its account and in its bucket.
    RequestId(i64)
}
integer_id! {
    /// A run of an export: epoch seconds, unique in its export.
    RunTimestamp(i64)
}
integer_id! {
    /// The shard of a user, 0–23; the last number of every object's name.
    DatabaseId(u8)
}

impl RequestId {
    /// The next candidate when this second is taken.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl RunTimestamp {
    /// The next candidate when this second is taken.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Which run: account, export and run together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunKey {
    /// The tenant.
    pub account: AccountId,
    /// The export.
    pub request: RequestId,
    /// The run.
    pub run: RunTimestamp,
}

impl fmt::Display for RunKey {
    /// As in the names of objects and on the command line: `<request id>-<run timestamp>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.request, self.run)
    }
}
