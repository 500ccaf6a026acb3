//! `ts` as `yyyyMMddHHmmss` in the account's time zone (FORMATS, Records).

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

const SECS_PER_DAY: i64 = 86_400;

/// Turns instants into local date-time numbers. Keeps the offset until the zone's next transition and the
/// number of the last day, so that a run of rows costs a few integer operations each.
#[derive(Debug)]
pub(super) struct LocalTime {
    zone: TimeZone,
    /// The seconds since 1970 for which `offset_secs` is right.
    valid: std::ops::Range<i64>,
    offset_secs: i64,
    day: i64,
    /// `yyyyMMdd000000` of `day`.
    day_number: i64,
}

impl LocalTime {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { zone, valid: 0..0, offset_secs: 0, day: 0, day_number: 19_700_101_000_000 }
    }

    /// The number for an instant in microseconds; none outside the local years 1000 to 9999, since an integer cannot keep
    /// the zeros before an earlier year, and would come to mean another time. Fractions of a
    /// second are cut off.
    #[inline]
    pub(super) fn number(&mut self, ts_micros: i64) -> Option<i64> {
        let secs = ts_micros.div_euclid(1_000_000);
        if !self.valid.contains(&secs) {
            self.find_offset(secs)?;
        }
        let local = secs + self.offset_secs;
        let (day, second) = (local.div_euclid(SECS_PER_DAY), local.rem_euclid(SECS_PER_DAY));
        if day != self.day {
            self.day_number = day_number(day)?;
            self.day = day;
        }
        Some(self.day_number + second / 3600 * 10_000 + second / 60 % 60 * 100 + second % 60)
    }

    /// Looks up the offset and between which transitions it holds.
    fn find_offset(&mut self, secs: i64) -> Option<()> {
        let at = Timestamp::from_second(secs).ok()?;
        self.offset_secs = i64::from(self.zone.to_offset(at).seconds());
        // Transitions before a later second are at or before this one.
        let just_after = at.checked_add(1.second()).unwrap_or(at);
        let from =
            self.zone.preceding(just_after).next().map_or(i64::MIN, |found| found.timestamp().as_second());
        let to = self.zone.following(at).next().map_or(i64::MAX, |found| found.timestamp().as_second());
        // Beyond what `Timestamp` can say, nothing is known and the lookup must fail each time.
        let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        self.valid = from.max(first)..to.min(last).max(secs + 1);
        Some(())
    }
}

/// `yyyyMMdd000000` of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
fn day_number(day: i64) -> Option<i64> {
    // Howard Hinnant's `civil_from_days`: years begin in March, so that leap days come last.
    let shifted = day + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (1000..=9999).contains(&year).then(|| ((year * 100 + month) * 100 + day_of_month) * 1_000_000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn number(zone: &str, ts: &str) -> Option<i64> {
        let ts: Timestamp = ts.parse().unwrap();
        LocalTime::new(TimeZone::get(zone).unwrap()).number(ts.as_microsecond())
    }

    #[test]
    fn local_date_time_as_a_number() {
        assert_eq!(number("UTC", "2025-06-11T07:08:09.999999Z"), Some(20_250_611_070_809));
        assert_eq!(number("Asia/Kolkata", "2025-06-11T20:00:00Z"), Some(20_250_612_013_000));
        assert_eq!(number("UTC", "1969-12-31T23:59:59.5Z"), Some(19_691_231_235_959));
        assert_eq!(number("UTC", "1000-01-01T00:00:00Z"), Some(10_000_101_000_000));
        for early in ["0999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "-000001-12-31T23:59:59Z"] {
            assert_eq!(number("UTC", early), None, "{early}");
        }
        assert_eq!(LocalTime::new(TimeZone::UTC).number(i64::MAX), None);
        assert_eq!(LocalTime::new(TimeZone::UTC).number(i64::MIN), None);
    }

    #[test]
    fn both_sides_of_a_transition() {
        assert_eq!(number("Europe/Berlin", "2025-03-30T00:59:59Z"), Some(20_250_330_015_959));
        assert_eq!(number("Europe/Berlin", "2025-03-30T01:00:00Z"), Some(20_250_330_030_000));
        assert_eq!(number("Europe/Berlin", "2025-10-26T00:59:59Z"), Some(20_251_026_025_959));
        assert_eq!(number("Europe/Berlin", "2025-10-26T01:00:00Z"), Some(20_251_026_020_000));
    }

    proptest! {
        /// In any order of instants, also right around transitions, the cache says what the zone says.
        #[test]
        fn agrees_with_the_time_zone_database(
            zone in prop::sample::select(vec![
                "America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia",
                "Asia/Kathmandu", "America/Sao_Paulo", "UTC", "Antarctica/Troll",
            ]),
            instants in prop::collection::vec((-5_000_000_000_i64..9_000_000_000, -2_i64..3), 1..60),
        ) {
            let zone = TimeZone::get(zone).unwrap();
            let mut local = LocalTime::new(zone.clone());
            for (secs, beside) in instants {
                let near = zone.following(Timestamp::from_second(secs).unwrap()).next();
                let secs = near.map_or(secs, |found| if secs % 2 == 0 { found.timestamp().as_second() + beside } else { secs });
                let at = Timestamp::from_second(secs).unwrap();
                let expected = zone.to_datetime(at).strftime("%Y%m%d%H%M%S").to_string();
                prop_assert_eq!(local.number(secs * 1_000_000 + 999).unwrap().to_string(), expected);
            }
        }
    }
}
