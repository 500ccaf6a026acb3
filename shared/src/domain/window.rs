//! Windows: which part of the lake a run delivers, and when the next one is due.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    DateRange,
    lake::{Dataset, captured_folder},
};

/// How long a lake gets to list a file before a cut may pass over it, in seconds.
pub const SETTLE_LAG_SECS: i64 = 120;

/// What a run delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Window {
    /// Whole event dates, as committed up to the cut.
    EventDate {
        /// The days.
        days: DateRange,
        /// The instant on the lake's clock up to which files count.
        cut: Timestamp,
    },
    /// What was committed in (`after`, `upto`], whatever the event's date. A first profiles run begins at the
    /// beginning of time.
    Committed {
        /// Exclusive.
        after: Timestamp,
        /// Inclusive; the cut.
        upto: Timestamp,
    },
}

impl Window {
    /// The instant up to which committed files count.
    #[must_use]
    pub fn cut(self) -> Timestamp {
        match self {
            Self::EventDate { cut, .. } => cut,
            Self::Committed { upto, .. } => upto,
        }
    }

    /// Whether a file belongs to it.
    #[must_use]
    pub fn takes(self, committed: Timestamp, date: Option<Date>) -> bool {
        match self {
            Self::EventDate { days, cut } => committed <= cut && date.is_none_or(|day| days.contains(day)),
            Self::Committed { after, upto } => after < committed && committed <= upto,
        }
    }

    /// The first and last `captured` hour whose folders are listed. A one-time window lists from 48 hours before
    /// the first day's midnight; a committed one from two hours before to one after (DESIGN, Which rows).
    #[must_use]
    pub fn captured_hours(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let hour = SignedDuration::from_hours(1);
        match self {
            Self::EventDate { days, cut } => {
                let from =
                    start_of_day(days.first(), zone).saturating_sub(hour * 48).unwrap_or(Timestamp::MIN);
                (from, cut.saturating_add(hour).unwrap_or(Timestamp::MAX))
            }
            Self::Committed { after, upto } => (
                after.saturating_sub(hour * 2).unwrap_or(Timestamp::MIN),
                upto.saturating_add(hour).unwrap_or(Timestamp::MAX),
            ),
        }
    }

    /// Whether a file's `captured` hour is one of those whose folders are listed; of profiles all up to the cut are.
    #[must_use]
    pub fn lists(self, path: &str, dataset: Dataset, zone: &TimeZone) -> bool {
        let (first, last) = self.captured_hours(zone);
        let (first, last) = (captured_folder(first), captured_folder(last));
        let is_listed =
            |hour: &str| (dataset == Dataset::Profiles || first.as_str() <= hour) && hour <= last.as_str();
        path.split('/').any(|part| part.starts_with("captured=") && is_listed(part))
    }

    /// From and to as the manifest tells them: for days the local midnights around them.
    #[must_use]
    pub fn bounds(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        match self {
            Self::EventDate { days, .. } => {
                let end = days.last().tomorrow().map_or(Timestamp::MAX, |day| start_of_day(day, zone));
                (start_of_day(days.first(), zone), end)
            }
            Self::Committed { after, upto } => (after, upto),
        }
    }
}

/// The first moment of a day in a zone, also where midnight does not exist.
#[must_use]
pub fn start_of_day(day: Date, zone: &TimeZone) -> Timestamp {
    day.to_zoned_datetime(zone.clone()).map_or(Timestamp::MAX, |start| start.timestamp())
}

/// How many hours lie between the runs of a recurring export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct EveryHours(u8);

/// The product offers other cycles only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("every {0} hours is not offered; choose 4, 6, 8, 12 or 24")]
pub struct NotOffered(pub u8);

impl TryFrom<u8> for EveryHours {
    type Error = NotOffered;

    fn try_from(hours: u8) -> Result<Self, Self::Error> {
        if matches!(hours, 4 | 6 | 8 | 12 | 24) { Ok(Self(hours)) } else { Err(NotOffered(hours)) }
    }
}

impl From<EveryHours> for u8 {
    fn from(every: EveryHours) -> Self {
        every.0
    }
}

/// An hour of the day, 0 (12:00 a.m., the default) to 23, to which a cycle is anchored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct AnchorHour(u8);

/// A day has no such hour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a day has no hour {0}; choose an hour from 0 (12:00 a.m.) to 23 (11:00 p.m.)")]
pub struct NoSuchHour(pub u8);

impl TryFrom<u8> for AnchorHour {
    type Error = NoSuchHour;

    fn try_from(hour: u8) -> Result<Self, Self::Error> {
        if hour < 24 { Ok(Self(hour)) } else { Err(NoSuchHour(hour)) }
    }
}

impl From<AnchorHour> for u8 {
    fn from(hour: AnchorHour) -> Self {
        hour.0
    }
}

/// When a recurring export runs: at an hour of the start date and every few hours after it, by the wall clock of
/// the account, so that a cycle of six hours is due at the same four times of every day, also across DST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// The distance.
    pub every: EveryHours,
    /// The first day; the first window begins at its 12:00 a.m.
    pub start: Date,
    /// The hour of the day to which the cycle is anchored.
    pub anchor_hour: AnchorHour,
}

impl Cycle {
    /// The first due time after `after`. Times are strictly increasing, also where a zone skips hours or a day.
    #[must_use]
    pub fn next_due(&self, after: Timestamp, zone: &TimeZone) -> Timestamp {
        let from = start_of_day(self.start, zone);
        let mut day = after.to_zoned_datetime(zone.clone()).date().max(self.start);
        // One day earlier: where a clock is set back over midnight, the due times of "yesterday" may lie ahead.
        day = day.yesterday().unwrap_or(day).max(self.start);
        loop {
            let due = self.times_of(day, zone).filter(|due| *due > after && *due > from).min();
            match (due, day.tomorrow()) {
                (Some(due), _) => return due,
                (None, Ok(next)) => day = next,
                (None, Err(_)) => return Timestamp::MAX,
            }
        }
    }

    fn times_of(&self, day: Date, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
        let (every, anchor) = (i64::from(self.every.0), i64::from(self.anchor_hour.0));
        (0..24 / every).filter_map(move |n| {
            let hour = (anchor + n * every) % 24;
            let at = day.at(0, 0, 0, 0).checked_add(hour.hours()).ok()?;
            Some(at.to_zoned_datetime(zone.clone()).ok()?.timestamp())
        })
    }
}

/// The first five-minute mark after `after`.
#[must_use]
pub fn next_live_due(after: Timestamp) -> Timestamp {
    let next_secs = (after.as_second().div_euclid(300) + 1) * 300;
    Timestamp::from_second(next_secs).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
