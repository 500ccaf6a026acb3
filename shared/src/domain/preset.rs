//! The one-time presets, in the account's time zone.

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

use super::{BackwardRange, DateRange};

/// A range of days named relative to today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The day that has begun.
    Today,
    /// The day before it.
    Yesterday,
    /// Today and the six days before it.
    Last7Days,
    /// Today and the 14 days before it.
    Last15Days,
    /// Today and the 29 days before it.
    Last30Days,
    /// Today and the 59 days before it.
    Last60Days,
    /// From the first of this month to today.
    ThisMonth,
    /// The whole month before this one.
    PreviousMonth,
}

impl Preset {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 8] = [
        Self::Today,
        Self::Yesterday,
        Self::Last7Days,
        Self::Last15Days,
        Self::Last30Days,
        Self::Last60Days,
        Self::ThisMonth,
        Self::PreviousMonth,
    ];

    /// The days that it means on `today`.
    #[must_use]
    pub fn days(self, today: Date) -> DateRange {
        let back = |days: i64| today.saturating_sub(days.days());
        let (first, last) = match self {
            Self::Today => (today, today),
            Self::Yesterday => (back(1), back(1)),
            Self::Last7Days => (back(6), today),
            Self::Last15Days => (back(14), today),
            Self::Last30Days => (back(29), today),
            Self::Last60Days => (back(59), today),
            Self::ThisMonth => (today.first_of_month(), today),
            Self::PreviousMonth => {
                let last = today.first_of_month().saturating_sub(1.day());
                (last.first_of_month(), last)
            }
        };
        DateRange::new(first, last).expect("every arm puts the earlier day first")
    }
}

/// A range that is within the account's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clipped {
    /// The days that remain.
    pub days: DateRange,
    /// Whether earlier days were cut off.
    pub clipped: bool,
}

/// Cuts a range to the last `limit_days` days, today included.
///
/// # Errors
/// When nothing of it remains.
pub fn clip(days: DateRange, today: Date, limit_days: Option<u32>) -> Result<Clipped, BackwardRange> {
    let Some(limit_days) = limit_days else { return Ok(Clipped { days, clipped: false }) };
    let earliest = today.saturating_sub((i64::from(limit_days) - 1).days());
    let first = days.first().max(earliest);
    Ok(Clipped { days: DateRange::new(first, days.last())?, clipped: first > days.first() })
}
