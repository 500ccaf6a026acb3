//! The coarse kinds of an export by which lists are filtered, and the filter.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    BucketId, DataSelection, DateRange, Export, ExportStatus, Format, Frequency, RunTimestamp, ZoneName,
    start_of_day,
};

macro_rules! kind {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// All of them, in the order in which they are offered.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The text in documents, which people and scripts see too.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

kind! {
    /// Which kind of data goes out.
    DataKind {
        /// Every event.
        AllEvents = "all-events",
        /// Named events.
        SelectEvents = "select-events",
        /// User profiles.
        AllProfiles = "all-profiles",
    }
}

kind! {
    /// How an export repeats. Never changes.
    FrequencyKind {
        /// Once.
        OneTime = "one-time",
        /// Every few hours.
        Recurring = "recurring",
        /// Every five minutes.
        Live = "live",
    }
}

kind! {
    /// A status without its reason.
    StatusKind {
        /// Created, or awaiting its next run.
        Pending = "PENDING",
        /// A run is under way.
        Running = "RUNNING",
        /// One-time, finished.
        Done = "DONE",
        /// Ended before its time.
        Stopped = "STOPPED",
    }
}

impl DataSelection {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> DataKind {
        match self {
            Self::AllEvents => DataKind::AllEvents,
            Self::SelectEvents { .. } => DataKind::SelectEvents,
            Self::AllProfiles => DataKind::AllProfiles,
        }
    }
}

impl Frequency {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> FrequencyKind {
        match self {
            Self::OneTime { .. } => FrequencyKind::OneTime,
            Self::Recurring(_) => FrequencyKind::Recurring,
            Self::Live { .. } => FrequencyKind::Live,
        }
    }
}

impl ExportStatus {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> StatusKind {
        match self {
            Self::Pending => StatusKind::Pending,
            Self::Running => StatusKind::Running,
            Self::Done => StatusKind::Done,
            Self::Stopped { .. } => StatusKind::Stopped,
        }
    }
}

impl Export {
    /// Whether it goes on delivering user profiles, recurring or live; an account has one such export at a time.
    #[must_use]
    pub fn keeps_profiles_flowing(&self) -> bool {
        self.is_active() && self.spec.data == DataSelection::AllProfiles && !self.is_one_time()
    }
}

/// Days on which something was exported: a run was created then, whatever came of it (an empty window too). A run
/// is created at its timestamp, the number in its files' names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedOn {
    /// The days.
    pub days: DateRange,
    /// Where they are days: the account's time zone.
    pub zone: ZoneName,
}

impl ExportedOn {
    /// The timestamps of the runs that count: from the first on, before the second.
    #[must_use]
    pub fn runs(&self) -> (RunTimestamp, RunTimestamp) {
        let zone = self.zone.time_zone();
        let end = self.days.last().tomorrow().map_or(Timestamp::MAX, |day| start_of_day(day, &zone));
        (RunTimestamp(start_of_day(self.days.first(), &zone).as_second()), RunTimestamp(end.as_second()))
    }
}

/// Which exports are listed: those for which every part that is given holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportFilter {
    /// Into this bucket, from the next run on.
    pub bucket: Option<BucketId>,
    /// Of this data.
    pub data: Option<DataKind>,
    /// In this format.
    pub format: Option<Format>,
    /// With this status.
    pub status: Option<StatusKind>,
    /// Of this frequency.
    pub frequency: Option<FrequencyKind>,
    /// With a run on one of these days.
    pub exported_on: Option<ExportedOn>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use jiff::civil::date;

    use super::*;

    #[test]
    fn kinds_are_written_as_in_documents() {
        for kind in DataKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        let data = DataSelection::SelectEvents { names: vec![] };
        assert_eq!(serde_json::to_value(&data).unwrap()["kind"], data.kind().as_str());
        let frequency = Frequency::Live { start: date(2026, 1, 1) };
        assert_eq!(serde_json::to_value(frequency).unwrap()["kind"], frequency.kind().as_str());
        let status = ExportStatus::Pending;
        assert_eq!(serde_json::to_value(&status).unwrap()["status"], status.kind().as_str());
    }

    #[test]
    fn exported_on_counts_the_days_of_the_account() {
        // Clocks go forward on 29 March 2026: the day has 23 hours.
        let days = DateRange::new(date(2026, 3, 29), date(2026, 3, 29)).unwrap();
        let on = ExportedOn { days, zone: ZoneName::new("Europe/Berlin").unwrap() };
        let (from, to) = on.runs();
        assert_eq!(Timestamp::from_second(from.0).unwrap().to_string(), "2026-03-28T23:00:00Z");
        assert_eq!(to.0 - from.0, 23 * 3_600);
    }
}
