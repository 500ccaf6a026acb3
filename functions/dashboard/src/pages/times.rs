//! Times in the account's zone.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use spillway::domain::{Export, Frequency, ZoneName};

/// The account's clock: its zone, and what time it is.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    zone: TimeZone,
    name: String,
    now: Timestamp,
}

/// An instant, for a `<time>` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// What is read: `25 Nov, 03:00`, with the year where it is another one.
    pub text: String,
    /// With seconds and the zone.
    pub full: String,
    /// RFC 3339, in UTC.
    pub iso: String,
}

impl Times {
    /// The clock of an account at `now`.
    #[must_use]
    pub(crate) fn new(zone: &ZoneName, now: Timestamp) -> Self {
        Self { zone: zone.time_zone(), name: zone.as_str().to_owned(), now }
    }

    /// The zone's rules.
    #[must_use]
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What time it is.
    #[must_use]
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The day that it is in the zone.
    #[must_use]
    pub(crate) fn today(&self) -> Date {
        self.now.to_zoned_datetime(self.zone.clone()).date()
    }

    /// The zone as it is named beside times: `Europe/Berlin (UTC+01:00)`.
    #[must_use]
    pub(crate) fn zone_text(&self) -> String {
        let offset = self.now.to_zoned_datetime(self.zone.clone()).strftime("%:z").to_string();
        if self.name == "UTC" { "UTC".to_owned() } else { format!("{} (UTC{offset})", self.name) }
    }

    /// An instant.
    #[must_use]
    pub(crate) fn moment(&self, at: Timestamp) -> Moment {
        let local = at.to_zoned_datetime(self.zone.clone());
        let short = if local.year() == self.today().year() { "%-d %b, %H:%M" } else { "%-d %b %Y, %H:%M" };
        Moment {
            text: local.strftime(short).to_string(),
            full: format!("{} {}", local.strftime("%-d %B %Y, %H:%M:%S"), self.name),
            iso: at.to_string(),
        }
    }

    /// A day: `25 Nov 2026`.
    #[must_use]
    pub(crate) fn day(day: Date) -> String {
        day.strftime("%-d %b %Y").to_string()
    }

    /// Days, first and last: `25 Nov 2026`, or `1 – 25 Nov 2026`.
    #[must_use]
    pub(crate) fn days(first: Date, last: Date) -> String {
        if first == last {
            return Self::day(first);
        }
        let begin = match (first.year() == last.year(), first.month() == last.month()) {
            (true, true) => "%-d",
            (true, false) => "%-d %b",
            (false, _) => "%-d %b %Y",
        };
        format!("{} – {}", first.strftime(begin), Self::day(last))
    }

    /// From one instant to another: `25 Nov, 03:00 – 07:00`.
    #[must_use]
    pub(crate) fn span(&self, from: Timestamp, to: Timestamp) -> String {
        let (begin, end) =
            (from.to_zoned_datetime(self.zone.clone()), to.to_zoned_datetime(self.zone.clone()));
        let end =
            if begin.date() == end.date() { end.strftime("%H:%M").to_string() } else { self.moment(to).text };
        format!("{} – {end}", self.moment(from).text)
    }

    /// When an export runs next: the scheduler looks every hour, for live exports every five minutes. None where no
    /// further run will come.
    #[must_use]
    pub(crate) fn next_run(&self, export: &Export) -> Option<String> {
        let due = export.next_due_at.filter(|_| export.is_active())?;
        if due <= self.now {
            return Some("due now".to_owned());
        }
        let local = due.to_zoned_datetime(self.zone.clone());
        let ahead_days = (local.date() - self.today()).get_days();
        let day = match ahead_days {
            0 => String::new(),
            1 => "tomorrow ".to_owned(),
            _ => format!("{} ", local.strftime("%-d %b")),
        };
        if let Frequency::Live { .. } = export.spec.frequency {
            let is_soon = due.duration_since(self.now) <= SignedDuration::from_mins(5);
            return Some(if is_soon {
                "within 5 min".to_owned()
            } else {
                format!("{day}at {}", local.strftime("%H:%M"))
            });
        }
        let end = due.saturating_add(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX);
        let end = end.to_zoned_datetime(self.zone.clone());
        Some(format!("{day}between {} and {}", local.strftime("%H:%M"), end.strftime("%H:%M")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use jiff::civil::date;
    use spillway::domain::{
        AccountId, AnchorHour, BucketId, Cycle, DataSelection, EveryHours, ExportSpec, ExportStatus,
    };
    use spillway::domain::{Format, IdentityPriority, Packaging, RequestId};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn berlin() -> Times {
        Times::new(&ZoneName::new("Europe/Berlin").unwrap(), at("2026-11-25T19:30:00Z"))
    }

    #[test]
    fn a_moment_has_the_accounts_zone() {
        let moment = berlin().moment(at("2026-11-25T02:00:05Z"));
        assert_eq!(moment.text, "25 Nov, 03:00");
        assert_eq!(moment.full, "25 November 2026, 03:00:05 Europe/Berlin");
        assert_eq!(moment.iso, "2026-11-25T02:00:05Z");
        assert_eq!(berlin().moment(at("2025-06-11T10:00:00Z")).text, "11 Jun 2025, 12:00");
        assert_eq!(berlin().zone_text(), "Europe/Berlin (UTC+01:00)");
    }

    #[test]
    fn days_and_spans_say_nothing_twice() {
        let days = |first, last| Times::days(first, last);
        assert_eq!(days(date(2026, 11, 25), date(2026, 11, 25)), "25 Nov 2026");
        assert_eq!(days(date(2026, 11, 1), date(2026, 11, 25)), "1 – 25 Nov 2026");
        assert_eq!(days(date(2026, 10, 1), date(2026, 11, 25)), "1 Oct – 25 Nov 2026");
        assert_eq!(days(date(2025, 12, 30), date(2026, 1, 2)), "30 Dec 2025 – 2 Jan 2026");
        let span = |from, to| berlin().span(at(from), at(to));
        assert_eq!(span("2026-11-25T02:00:00Z", "2026-11-25T06:00:00Z"), "25 Nov, 03:00 – 07:00");
        assert_eq!(span("2026-11-24T22:00:00Z", "2026-11-25T02:00:00Z"), "24 Nov, 23:00 – 25 Nov, 03:00");
    }

    fn export(frequency: Frequency, due: Option<&str>) -> Export {
        let spec = ExportSpec {
            bucket: BucketId("b".to_owned()),
            data: DataSelection::AllEvents,
            identities: IdentityPriority::default(),
            frequency,
            format: Format::Csv,
            packaging: Packaging::Gzip,
            as_string: false,
            header_line: true,
            manifest: true,
        };
        serde_json::from_value(serde_json::json!({
            "account": AccountId(1), "request": RequestId(1), "spec": spec, "status": "PENDING",
            "created_at": "2026-11-20T00:00:00Z", "planned_cut": null, "delivered_cut": null, "next_due_at": due,
        }))
        .unwrap()
    }

    #[test]
    fn the_next_run_is_an_hour_in_which_it_begins() {
        let cycle = Cycle {
            every: EveryHours::try_from(4).unwrap(),
            start: date(2026, 11, 20),
            anchor_hour: AnchorHour::default(),
        };
        let next = |due| berlin().next_run(&export(Frequency::Recurring(cycle), Some(due))).unwrap();
        assert_eq!(next("2026-11-25T22:00:00Z"), "between 23:00 and 00:00");
        assert_eq!(next("2026-11-26T02:00:00Z"), "tomorrow between 03:00 and 04:00");
        assert_eq!(next("2026-12-01T02:00:00Z"), "1 Dec between 03:00 and 04:00");
        assert_eq!(next("2026-11-25T19:30:00Z"), "due now");
        let mut stopped = export(Frequency::Recurring(cycle), Some("2026-11-26T02:00:00Z"));
        stopped.status = ExportStatus::Done;
        assert_eq!(berlin().next_run(&stopped), None);
    }

    #[test]
    fn a_live_export_runs_soon() {
        let live = Frequency::Live { start: date(2026, 11, 20) };
        let next = |due| berlin().next_run(&export(live, due));
        assert_eq!(next(Some("2026-11-25T19:35:00Z")).unwrap(), "within 5 min");
        assert_eq!(next(Some("2026-11-27T23:05:00Z")).unwrap(), "28 Nov at 00:05");
        assert_eq!(next(None), None);
    }
}
