//! When an export runs next, and where its next window begins.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{DataSelection, Export, ExportSpec, Frequency, Window, next_live_due, start_of_day};

impl Frequency {
    /// The first day of a recurring or live export's data.
    #[must_use]
    pub fn start(&self) -> Option<Date> {
        match self {
            Self::OneTime { .. } => None,
            Self::Recurring(cycle) => Some(cycle.start),
            Self::Live { start } => Some(*start),
        }
    }

    /// When the first run after `after` is due; none for a one-time export.
    #[must_use]
    pub fn next_due(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::OneTime { .. } => None,
            Self::Recurring(cycle) => Some(cycle.next_due(after, zone)),
            Self::Live { start } => Some(next_live_due(after.max(start_of_day(*start, zone)))),
        }
    }
}

impl ExportSpec {
    /// Where the first window of a recurring or live export begins: for events at 12:00 a.m. of the start date, for
    /// profiles at the beginning of time, since the first run is complete (DESIGN, Which rows).
    #[must_use]
    pub fn first_window_begin(&self, zone: &TimeZone) -> Option<Timestamp> {
        let start = self.frequency.start()?;
        Some(match self.data {
            DataSelection::AllProfiles => Timestamp::UNIX_EPOCH,
            DataSelection::AllEvents | DataSelection::SelectEvents { .. } => start_of_day(start, zone),
        })
    }
}

impl Export {
    /// The window of the next run of a recurring or live export up to `cut`: it begins where the one before it ended.
    /// None where `cut` does not get beyond that, and for a one-time export.
    #[must_use]
    pub fn next_window(&self, cut: Timestamp, zone: &TimeZone) -> Option<Window> {
        let after = match (self.planned_cut, self.spec.first_window_begin(zone)) {
            (_, None) => return None,
            (Some(planned), _) => planned,
            (None, Some(begin)) => begin,
        };
        (after < cut).then_some(Window::Committed { after, upto: cut })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use jiff::civil::date;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn live_is_due_every_five_minutes_from_its_start_on() {
        let (live, berlin) =
            (Frequency::Live { start: date(2026, 3, 10) }, TimeZone::get("Europe/Berlin").unwrap());
        let due = |after| live.next_due(at(after), &berlin).unwrap();
        assert_eq!(due("2026-03-01T00:00:00Z"), at("2026-03-09T23:05:00Z"));
        assert_eq!(due("2026-03-10T12:00:00Z"), at("2026-03-10T12:05:00Z"));
        assert_eq!(due("2026-03-10T12:04:59.9Z"), at("2026-03-10T12:05:00Z"));
        assert_eq!(Frequency::OneTime { days: None }.next_due(at("2026-03-10T12:00:00Z"), &berlin), None);
    }
}
