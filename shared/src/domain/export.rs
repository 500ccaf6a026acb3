//! An export: what the customer created.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    AccountId, BucketId, Format, IdentityPriority, Opening, Packaging, Records, RequestId, RunTimestamp,
};

/// Which data goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DataSelection {
    /// Every event of the account.
    AllEvents,
    /// The named events only.
    SelectEvents {
        /// Their names as captured.
        names: Vec<String>,
    },
    /// All user profiles with all their properties.
    AllProfiles,
}

impl DataSelection {
    /// Whether these records are wanted.
    #[must_use]
    pub fn wants(&self, records: &Records) -> bool {
        match records {
            Records::Event(name) => self.wants_event(name),
            Records::Profiles => *self == Self::AllProfiles,
        }
    }

    /// Whether an event of this name is wanted.
    #[must_use]
    pub fn wants_event(&self, event_name: &str) -> bool {
        match self {
            Self::AllEvents => true,
            Self::SelectEvents { names } => names.iter().any(|name| name == event_name),
            Self::AllProfiles => false,
        }
    }
}

/// Whole days of events, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(Date, Date)", into = "(Date, Date)")]
pub struct DateRange {
    first: Date,
    last: Date,
}

/// The last day is before the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the last day, {last}, is before the first, {first}; swap them")]
pub struct BackwardRange {
    first: Date,
    last: Date,
}

impl DateRange {
    /// The days from `first` to `last`, both included.
    ///
    /// # Errors
    /// When `last` is before `first`.
    pub fn new(first: Date, last: Date) -> Result<Self, BackwardRange> {
        if last < first {
            return Err(BackwardRange { first, last });
        }
        Ok(Self { first, last })
    }

    /// The first day.
    #[must_use]
    pub fn first(self) -> Date {
        self.first
    }

    /// The last day.
    #[must_use]
    pub fn last(self) -> Date {
        self.last
    }

    /// Whether the day is one of them.
    #[must_use]
    pub fn contains(self, day: Date) -> bool {
        self.first <= day && day <= self.last
    }
}

impl TryFrom<(Date, Date)> for DateRange {
    type Error = BackwardRange;

    fn try_from((first, last): (Date, Date)) -> Result<Self, Self::Error> {
        Self::new(first, last)
    }
}

impl From<DateRange> for (Date, Date) {
    fn from(range: DateRange) -> Self {
        (range.first, range.last)
    }
}

/// How often an export runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Frequency {
    /// Once, at once. Events take the days; profiles are the state now.
    OneTime {
        /// The days; none for profiles.
        days: Option<DateRange>,
    },
    /// Every few hours.
    Recurring(super::Cycle),
    /// Every five minutes.
    Live {
        /// The day from whose first moment on data counts.
        start: Date,
    },
}

/// All that decides what an export's files are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportSpec {
    /// Where the files go.
    pub bucket: BucketId,
    /// Which data.
    pub data: DataSelection,
    /// Whose identity stands in `identity`; select-events exports use Identity whatever stands here.
    pub identities: IdentityPriority,
    /// How often.
    pub frequency: Frequency,
    /// The format.
    pub format: Format,
    /// How a file is packed.
    pub packaging: Packaging,
    /// Whether property values become strings.
    pub as_string: bool,
    /// JSON events: whether the first line is the event's name.
    pub header_line: bool,
    /// Whether a manifest is written.
    pub manifest: bool,
}

impl ExportSpec {
    /// The priorities that count: they apply to all-events and all-profiles exports only (FORMATS, Records).
    #[must_use]
    pub fn effective_identities(&self) -> IdentityPriority {
        match self.data {
            DataSelection::SelectEvents { .. } => IdentityPriority::default(),
            DataSelection::AllEvents | DataSelection::AllProfiles => self.identities.clone(),
        }
    }
}

/// An export's status, as the customer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "UPPERCASE")]
pub enum ExportStatus {
    /// Created, or recurring and awaiting its next run.
    Pending,
    /// A run is under way.
    Running,
    /// One-time, finished.
    Done,
    /// Ended before its time.
    Stopped {
        /// By whom and when.
        reason: StopReason,
        /// When.
        at: Timestamp,
    },
}

/// Why an export was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum StopReason {
    /// A person stopped it.
    User,
    /// Three days of failure did.
    Failure {
        /// The last failure, as told to the customer.
        message: String,
    },
}

/// What the customer created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Whose it is.
    pub account: AccountId,
    /// Its id.
    pub request: RequestId,
    /// What it delivers from the next run on.
    pub spec: ExportSpec,
    /// What the customer sees.
    #[serde(flatten)]
    pub status: ExportStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// Until where runs have been created.
    pub planned_cut: Option<Timestamp>,
    /// Until where data has been delivered.
    pub delivered_cut: Option<Timestamp>,
    /// When the next run is due; none for a one-time export.
    pub next_due_at: Option<Timestamp>,
    /// Who created it, by e-mail address, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// What its runs came to.
    #[serde(default)]
    pub history: ExportHistory,
    /// The export that goes on where this one was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<RequestId>,
    /// The stopped export where this one goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<RequestId>,
    /// The cut at which it goes on there: where its first window begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins_at: Option<Timestamp>,
    /// Runs of a stopped export that are brought to their end all the same, under its own names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumed_runs: Vec<RunTimestamp>,
}

/// Something was left in a bucket: files, or a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// When its run ended.
    pub at: Timestamp,
    /// In which one.
    pub into: BucketId,
    /// In which opening of that.
    pub opening: Opening,
}

/// What an export's runs came to: for the checker, which does not read them all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExportHistory {
    /// When a run last ended DONE or EMPTY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded_at: Option<Timestamp>,
    /// What such a run last left in a bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Delivery>,
    /// Since when each run has had rows; none where the last one was EMPTY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_since: Option<Timestamp>,
    /// When a run was EMPTY after weeks in which each had rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emptied_at: Option<Timestamp>,
}

impl Export {
    /// Whether runs may still happen.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.status, ExportStatus::Pending | ExportStatus::Running)
    }

    /// Whether a run of it may be worked: it is active, or was started again and finishes what it had begun.
    #[must_use]
    pub fn works_on(&self, run: RunTimestamp) -> bool {
        self.is_active() || self.resumed_runs.contains(&run)
    }
}
