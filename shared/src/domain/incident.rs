//! An incident: the story of a customer's bucket that fails, from the first failure until files are delivered again.
//!
//! One incident is one series of notices, however many exports go into the bucket. [`Incident::observe`] moves it on.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountId, BucketFailure, BucketId, Opening, PartnerBucket, instant::after};

/// For how long a bucket may fail before its exports are stopped, in seconds: three days.
pub const STOP_AFTER_SECS: i64 = 72 * 3_600;
/// After how long a customer is reminded, in seconds: a day.
pub const REMIND_AFTER_SECS: i64 = 24 * 3_600;
/// For how long a bucket must work after a good delivery until the incident is over, in seconds: a day. What fails
/// sooner belongs to the same incident.
pub const SETTLED_AFTER_SECS: i64 = 24 * 3_600;
/// The most that the time between two rounds of the checker counts, in seconds: three hours. What is longer is a checker
/// that did not run, or a clock that jumped, and neither is the customer's failure.
pub const LONGEST_GAP_SECS: i64 = 3 * 3_600;

/// Which incident of an account: when it was found and a random number, for clocks may show an instant twice. Later ones
/// sort behind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(String);

impl IncidentId {
    /// The incident that is found then, with a number that was drawn for it.
    #[must_use]
    pub fn new(found_at: Timestamp, drawn: u32) -> Self {
        Self(format!("{:012}-{drawn:08x}", found_at.as_second().max(0)))
    }

    /// The id of this text, wherever it comes from; there may be no such incident.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a customer is told of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The bucket fails.
    Detected,
    /// It has failed for a day.
    StillFailing,
    /// It has failed for three days, and the exports were stopped.
    Stopped,
    /// It works again.
    Recovered,
}

impl NoticeKind {
    /// The text in documents and payloads.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::StillFailing => "still_failing",
            Self::Stopped => "stopped",
            Self::Recovered => "recovered",
        }
    }
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum IncidentPhase {
    /// The bucket is blocked, and the time until the stop runs.
    Failing,
    /// An upload could be begun, or the customer has given another key; nothing has been delivered yet.
    Resumed,
    /// A run was delivered. It may still fail again.
    Recovered {
        /// When that was seen.
        at: Timestamp,
        /// When the incident is over, unless the bucket fails before.
        settled_at: Timestamp,
    },
    /// Three days have passed; the exports are being stopped.
    Stopping {
        /// When that was decided; the stopped exports say the same.
        at: Timestamp,
    },
    /// The exports are stopped.
    Stopped {
        /// When.
        at: Timestamp,
    },
    /// It is over: the bucket has worked for a day, or nothing goes into it any more.
    Ended {
        /// When.
        at: Timestamp,
    },
}

impl IncidentPhase {
    /// The text in documents and payloads.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Resumed => "resumed",
            Self::Recovered { .. } => "recovered",
            Self::Stopping { .. } => "stopping",
            Self::Stopped { .. } => "stopped",
            Self::Ended { .. } => "ended",
        }
    }
}

/// A notice that an incident has given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldNotice {
    /// Which.
    pub kind: NoticeKind,
    /// When it became due.
    pub at: Timestamp,
}

/// The story of a bucket that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub id: IncidentId,
    /// The bucket's nickname.
    pub bucket: BucketId,
    /// The bucket's name at Google.
    pub bucket_name: String,
    /// What fails, as last seen: the class, and Google's code and message.
    pub failure: BucketFailure,
    /// When the series began.
    pub began_at: Timestamp,
    /// Since when nothing has been delivered. After a relapse that is later than [`Incident::began_at`].
    pub failing_since: Timestamp,
    /// When its exports will be stopped: three days of failure that counts. It moves on where time passed that does not
    /// count, and with a clock that jumps.
    pub stop_at: Timestamp,
    /// The newest opening of the bucket that had ended when it was last seen. Where a later one has ended, it has failed
    /// anew; what is delivered in a later one is a sign that it works.
    #[serde(default)]
    pub ended_opening: Option<Opening>,
    /// When the checker last looked.
    pub seen_at: Timestamp,
    /// Where it stands.
    #[serde(flatten)]
    pub phase: IncidentPhase,
    /// How often it failed again after a good delivery.
    #[serde(default)]
    pub relapses: u32,
    /// Whether the last thing that the customer was told is that the bucket fails.
    #[serde(default)]
    pub announced: bool,
    /// Whether the customer was reminded since nothing is delivered.
    #[serde(default)]
    pub reminded: bool,
    /// What the customer was told, oldest first.
    #[serde(default)]
    pub notices: Vec<ToldNotice>,
}

impl Incident {
    /// An incident of a bucket that is found blocked. The time that counts begins with the failure, but not long before
    /// it was found: a checker that did not run is not the customer's failure. `drawn` is random.
    #[must_use]
    pub fn begin(
        bucket: &PartnerBucket,
        since: Timestamp,
        failure: &BucketFailure,
        now: Timestamp,
        drawn: u32,
    ) -> Self {
        let failing_since = counted_from(since, now);
        Self {
            account: bucket.account,
            id: IncidentId::new(now, drawn),
            bucket: bucket.id.clone(),
            bucket_name: bucket.bucket_name.clone(),
            failure: failure.clone(),
            began_at: failing_since,
            failing_since,
            stop_at: after(failing_since, STOP_AFTER_SECS),
            ended_opening: Some(bucket.opening),
            seen_at: failing_since,
            phase: IncidentPhase::Resumed,
            relapses: 0,
            announced: false,
            reminded: false,
            notices: Vec::new(),
        }
    }

    /// Whether something may still come of it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.phase, IncidentPhase::Stopped { .. } | IncidentPhase::Ended { .. })
    }

    /// Whether the customer has to act: nothing goes into the bucket.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        matches!(self.phase, IncidentPhase::Failing | IncidentPhase::Stopping { .. })
    }

    /// When the customer is reminded.
    #[must_use]
    pub fn remind_at(&self) -> Timestamp {
        after(self.stop_at, REMIND_AFTER_SECS - STOP_AFTER_SECS)
    }
}

/// From when on a failure counts that is found at `now`.
pub(super) fn counted_from(since: Timestamp, now: Timestamp) -> Timestamp {
    since.max(after(now, -LONGEST_GAP_SECS)).min(now)
}
