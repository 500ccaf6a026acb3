//! Windows and cycles over time zones with all their habits.

#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cycle(hours: u8, start: Date, anchor_hour: u8) -> Cycle {
    let anchor_hour = AnchorHour::try_from(anchor_hour).unwrap();
    Cycle { every: EveryHours::try_from(hours).unwrap(), start, anchor_hour }
}

#[test]
fn only_the_offered_cycles_exist() {
    let offered: Vec<_> = (0..=255).filter(|hours| EveryHours::try_from(*hours).is_ok()).collect();
    assert_eq!(offered, [4, 6, 8, 12, 24]);
}

#[test]
fn a_cycle_is_anchored_at_midnight_of_the_account() {
    let (berlin, six) = (zone("Europe/Berlin"), cycle(6, date(2025, 6, 11), 0));
    // Midnight of the start date is the first window's begin, so the first run is due six hours later.
    let first = six.next_due(at("2025-06-01T00:00:00Z"), &berlin);
    assert_eq!(first, at("2025-06-11T04:00:00Z"));
    assert_eq!(six.next_due(first, &berlin), at("2025-06-11T10:00:00Z"));
    assert_eq!(six.next_due(at("2025-06-11T10:00:00.5Z"), &berlin), at("2025-06-11T16:00:00Z"));
}

#[test]
fn another_hour_can_be_the_anchor() {
    let daily = cycle(24, date(2025, 6, 11), 3);
    assert_eq!(daily.next_due(at("2025-06-11T00:00:00Z"), &TimeZone::UTC), at("2025-06-11T03:00:00Z"));
    assert_eq!(daily.next_due(at("2025-06-11T03:00:00Z"), &TimeZone::UTC), at("2025-06-12T03:00:00Z"));
}

#[test]
fn dst_moves_no_due_time_of_the_day() {
    let (berlin, four) = (zone("Europe/Berlin"), cycle(4, date(2025, 3, 1), 0));
    // Clocks go forward on 30 March 2025 at 02:00: the first window of the day has three hours.
    let midnight = at("2025-03-29T23:00:00Z");
    assert_eq!(four.next_due(midnight, &berlin), at("2025-03-30T02:00:00Z"));
    // Back on 26 October 2025 at 03:00: it has five.
    let midnight = at("2025-10-25T22:00:00Z");
    assert_eq!(four.next_due(midnight, &berlin), at("2025-10-26T03:00:00Z"));
}

#[test]
fn a_day_that_a_zone_skips_has_no_due_time_twice() {
    // Samoa went from 29 to 31 December 2011.
    let (apia, four) = (zone("Pacific/Apia"), cycle(4, date(2011, 12, 1), 0));
    let mut due = at("2011-12-29T10:00:00Z");
    for _ in 0..30 {
        let next = four.next_due(due, &apia);
        assert!(next > due);
        due = next;
    }
}

#[test]
fn live_is_due_every_five_minutes() {
    assert_eq!(next_live_due(at("2025-06-11T10:00:00Z")), at("2025-06-11T10:05:00Z"));
    assert_eq!(next_live_due(at("2025-06-11T10:04:59.9Z")), at("2025-06-11T10:05:00Z"));
}

#[test]
fn a_committed_window_is_open_at_its_begin_and_closed_at_its_end() {
    let (after, upto) = (at("2025-06-11T00:00:00Z"), at("2025-06-11T04:00:00Z"));
    let window = Window::Committed { after, upto };
    assert!(!window.takes(after, None));
    assert!(window.takes(at("2025-06-11T00:00:00.000000001Z"), Some(date(1999, 1, 1))));
    assert!(window.takes(upto, None));
    assert!(!window.takes(at("2025-06-11T04:00:00.000000001Z"), None));
    let (first, last) = window.captured_hours(&TimeZone::UTC);
    assert_eq!((first, last), (at("2025-06-10T22:00:00Z"), at("2025-06-11T05:00:00Z")));
}

#[test]
fn a_one_time_window_takes_whole_days_up_to_its_cut() {
    let days = DateRange::new(date(2025, 3, 30), date(2025, 3, 31)).unwrap();
    let cut = at("2025-04-05T10:30:00Z");
    let (window, berlin) = (Window::EventDate { days, cut }, zone("Europe/Berlin"));
    assert!(window.takes(cut, Some(date(2025, 3, 31))));
    assert!(!window.takes(at("2025-04-05T10:30:01Z"), Some(date(2025, 3, 31))));
    assert!(!window.takes(cut, Some(date(2025, 4, 1))));
    assert_eq!(window.bounds(&berlin), (at("2025-03-29T23:00:00Z"), at("2025-03-31T22:00:00Z")));
    let (first, last) = window.captured_hours(&berlin);
    assert_eq!((first, last), (at("2025-03-27T23:00:00Z"), at("2025-04-05T11:30:00Z")));
}

proptest! {
    #[test]
    fn due_times_increase_and_are_a_cycle_apart(
        name in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata",
            "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "Africa/Cairo", "Asia/Kathmandu"]),
        hours in prop::sample::select(vec![4_u8, 6, 8, 12, 24]),
        anchor in 0..24_u8,
        second in 0..2_000_000_000_i64,
    ) {
        let (zone, cycle) = (zone(name), cycle(hours, date(1995, 1, 1), anchor));
        let after = Timestamp::from_second(second).unwrap();
        let due = cycle.next_due(after, &zone);
        let next = cycle.next_due(due, &zone);
        prop_assert!(after < due && due < next);
        // Nothing lies between them: asked a moment before, the answer is the same.
        prop_assert_eq!(cycle.next_due(due - SignedDuration::from_nanos(1), &zone), due);
        let apart = next.duration_since(due).as_hours();
        let hours = i64::from(hours);
        prop_assert!((hours - 2..=hours + 25).contains(&apart), "{apart} hours between {due} and {next}");
    }

    #[test]
    fn windows_that_follow_each_other_take_every_file_once(
        cuts in prop::collection::btree_set(0..1_000_i64, 2..20),
        committed in 0..1_000_i64,
    ) {
        let cuts: Vec<_> = cuts.into_iter().map(|second| Timestamp::from_second(second).unwrap()).collect();
        let committed = Timestamp::from_second(committed).unwrap();
        let takes = cuts.windows(2).filter(|pair| {
            Window::Committed { after: pair[0], upto: pair[1] }.takes(committed, None)
        });
        let covered = cuts[0] < committed && committed <= cuts[cuts.len() - 1];
        prop_assert_eq!(takes.count(), usize::from(covered));
    }
}

#[test]
fn an_hour_is_one_of_a_day() {
    for hour in [0, 9, 23] {
        assert_eq!(AnchorHour::try_from(hour).map(u8::from), Ok(hour));
        assert_eq!(serde_json::from_str::<AnchorHour>(&hour.to_string()).unwrap(), AnchorHour(hour));
    }
    assert_eq!(u8::from(AnchorHour::default()), 0);
    for hour in [24, 99] {
        assert_eq!(AnchorHour::try_from(hour), Err(NoSuchHour(hour)));
        assert!(serde_json::from_str::<AnchorHour>(&hour.to_string()).is_err());
    }
}
