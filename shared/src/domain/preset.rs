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

/// The first of the last `limit_days` days; today is always one of them.
#[must_use]
pub fn earliest_day(today: Date, limit_days: u32) -> Date {
    today.saturating_sub((i64::from(limit_days.max(1)) - 1).days())
}

/// Cuts a range to the last `limit_days` days, today included.
///
/// # Errors
/// When nothing of it remains.
pub fn clip(days: DateRange, today: Date, limit_days: Option<u32>) -> Result<DateRange, BackwardRange> {
    let Some(limit_days) = limit_days else { return Ok(days) };
    DateRange::new(days.first().max(earliest_day(today, limit_days)), days.last())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_presets_of_a_day() {
        let range = |first, last| DateRange::new(first, last).unwrap();
        let today = date(2024, 3, 1);
        let cases = [
            (Preset::Today, range(today, today)),
            (Preset::Yesterday, range(date(2024, 2, 29), date(2024, 2, 29))),
            (Preset::Last7Days, range(date(2024, 2, 24), today)),
            (Preset::Last15Days, range(date(2024, 2, 16), today)),
            (Preset::Last30Days, range(date(2024, 2, 1), today)),
            (Preset::Last60Days, range(date(2024, 1, 2), today)),
            (Preset::ThisMonth, range(today, today)),
            (Preset::PreviousMonth, range(date(2024, 2, 1), date(2024, 2, 29))),
        ];
        assert_eq!(cases.map(|(preset, _)| preset), Preset::ALL);
        for (preset, days) in cases {
            assert_eq!(preset.days(today), days, "{preset:?}");
        }
    }

    #[test]
    fn a_range_is_clipped_to_the_limit() {
        let today = date(2025, 6, 30);
        let wide = DateRange::new(date(2025, 1, 1), today).unwrap();
        let inside = DateRange::new(date(2025, 5, 2), today).unwrap();
        assert_eq!(clip(wide, today, Some(60)), Ok(inside));
        assert_eq!(clip(inside, today, Some(60)), Ok(inside));
        assert_eq!(clip(wide, today, None), Ok(wide));
        let old = DateRange::new(date(2025, 1, 1), date(2025, 1, 2)).unwrap();
        assert!(clip(old, today, Some(60)).is_err());
        // A limit of no days leaves today, as the sentences say.
        let only_today = DateRange::new(today, today).unwrap();
        for limit_days in [0, 1] {
            assert_eq!(clip(wide, today, Some(limit_days)), Ok(only_today));
            assert_eq!(earliest_day(today, limit_days), today);
        }
    }
}
