//! Tests of how incidents move on.

#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::domain::{
    AccountId, BucketId, BucketState, FailureClass, KeyFacts, Opening, PartnerBucket, SealedKey,
};

fn at(hours: f64) -> Timestamp {
    let start = Timestamp::from_second(1_770_000_000).unwrap();
    start + SignedDuration::from_secs_f64(hours * 3_600.0)
}

fn failure() -> BucketFailure {
    BucketFailure { class: FailureClass::BucketMissing, http_status: Some(404), message: "gone".to_owned() }
}

fn bucket() -> PartnerBucket {
    PartnerBucket {
        account: AccountId(1),
        id: BucketId("nick".to_owned()),
        bucket_name: "name".to_owned(),
        key: SealedKey(String::new()),
        key_facts: KeyFacts { client_email: String::new(), key_id: String::new(), added_at: at(0.0) },
        state: BucketState::Ready,
        opening: Opening::default(),
    }
}

/// The bucket's opening after it was opened so often again.
fn opening(number: i64) -> Opening {
    (0..number).fold(bucket().opening, |opening, _| opening.next())
}

fn seen(bucket: BucketSight) -> Observation {
    Observation { bucket, has_exports: true, delivered_in: Vec::new() }
}

fn sight(number: i64, since: f64, probe: ProbeAnswer) -> Observation {
    let opening = opening(number);
    seen(BucketSight::Blocked { opening, since: at(since), failure: failure(), probe })
}

/// Blocked, since that opening.
fn blocked(number: i64, since: f64, confirmed: bool) -> Observation {
    sight(number, since, if confirmed { ProbeAnswer::Fails } else { ProbeAnswer::Unclear })
}

/// It was blocked since that opening, and this round opens it.
fn unblocked(number: i64, since: f64) -> Observation {
    sight(number, since, ProbeAnswer::Works)
}

/// Open, and nothing was delivered since.
fn ready(number: i64) -> Observation {
    seen(BucketSight::Ready { opening: opening(number) })
}

fn gone() -> Observation {
    Observation { has_exports: false, ..seen(BucketSight::Gone) }
}

/// Something was delivered in the opening of the sight.
fn delivered(seen: Observation) -> Observation {
    let (BucketSight::Ready { opening } | BucketSight::Blocked { opening, .. }) = seen.bucket else {
        panic!("a bucket")
    };
    Observation { delivered_in: vec![opening], ..seen }
}

/// An incident over rounds, and what was told when. The bucket had never been opened again when it began.
struct Story {
    incident: Incident,
    told: Vec<(f64, NoticeKind)>,
}

impl Story {
    fn new(since: f64, found: f64) -> Self {
        Self { incident: Incident::begin(&bucket(), at(since), &failure(), at(found), 0), told: Vec::new() }
    }

    fn round(&mut self, now: f64, seen: &Observation) {
        let Observed { incident, notice } = self.incident.observe(seen, at(now));
        self.incident = incident;
        self.told.extend(notice.map(|kind| (now, kind)));
        if matches!(self.incident.phase, IncidentPhase::Stopping { .. }) {
            let Observed { incident, notice } = self.incident.stopped(at(now));
            self.incident = incident;
            self.told.extend(notice.map(|kind| (now, kind)));
        }
    }

    fn kinds(&self) -> Vec<NoticeKind> {
        self.told.iter().map(|(_, kind)| *kind).collect()
    }
}

use NoticeKind::{Detected, Recovered, StillFailing, Stopped};

#[test]
fn three_days_of_failure_are_told_three_times_and_end_in_a_stop() {
    let mut story = Story::new(0.25, 1.0);
    assert_eq!(story.incident.stop_at, at(72.25));
    for hour in 1..=80 {
        story.round(f64::from(hour), &blocked(0, 0.25, true));
    }
    assert_eq!(story.told, [(1.0, Detected), (25.0, StillFailing), (73.0, Stopped)]);
    assert_eq!(story.incident.phase, IncidentPhase::Stopped { at: at(73.0) });
}

#[test]
fn a_stop_comes_to_its_end_where_the_bucket_was_removed_meanwhile() {
    let mut incident = Story::new(0.0, 1.0).incident;
    incident.phase = IncidentPhase::Stopping { at: at(73.0) };
    let Observed { incident, notice } = incident.observe(&gone(), at(74.0));
    assert_eq!((incident.phase, notice), (IncidentPhase::Stopped { at: at(73.0) }, None));
    assert!(!incident.is_open() && incident.notices.is_empty(), "nobody was told");
}

#[test]
fn what_is_mended_in_the_last_minute_is_not_stopped() {
    let mut story = Story::new(0.0, 1.0);
    for hour in 1..=71 {
        story.round(f64::from(hour), &blocked(0, 0.0, true));
    }
    story.round(72.0, &unblocked(0, 0.0));
    assert_eq!(story.incident.phase, IncidentPhase::Resumed);
    story.round(73.0, &ready(1));
    story.round(74.0, &delivered(ready(1)));
    assert_eq!(story.kinds(), [Detected, StillFailing, Recovered]);
    assert_eq!(story.incident.stop_at, at(75.0));
    for hour in 75..=98 {
        story.round(f64::from(hour), &delivered(ready(1)));
    }
    assert!(!story.incident.is_open() && story.told.len() == 3);
}

#[test]
fn what_heals_before_anybody_looked_twice_is_not_told() {
    let mut story = Story::new(0.5, 1.0);
    story.round(1.0, &unblocked(0, 0.5));
    for hour in 2..=40 {
        story.round(f64::from(hour), &delivered(ready(1)));
    }
    assert_eq!(story.told, []);
    assert!(!story.incident.is_open());
}

#[test]
fn what_probes_cannot_see_is_told_and_stopped_too() {
    // An upload can be begun, and fails at its end, each hour again.
    let mut story = Story::new(0.5, 1.0);
    for hour in 1..=80_i32 {
        story.round(f64::from(hour), &unblocked(i64::from(hour) - 1, f64::from(hour) - 0.5));
    }
    assert_eq!(story.kinds(), [Detected, StillFailing, Stopped]);
}

#[test]
fn a_bucket_that_works_every_second_hour_gives_four_notices() {
    let mut story = Story::new(0.5, 1.0);
    for hour in 1..300 {
        let (now, opening) = (f64::from(hour), i64::from(hour) / 2);
        if hour % 2 == 1 {
            story.round(now, &blocked(opening, now - 0.5, true));
        } else {
            story.round(now, &delivered(ready(opening)));
        }
    }
    assert_eq!(story.told, [(1.0, Detected), (2.0, Recovered), (3.0, Detected)]);
    for hour in 300..330 {
        story.round(f64::from(hour), &delivered(ready(150)));
    }
    assert_eq!(story.told[3..], [(324.0, Recovered)]);
    assert!(!story.incident.is_open() && story.incident.relapses == 149);
}

#[test]
fn what_delivers_between_rounds_is_never_stopped() {
    // It works whenever the checker looks, delivers, and fails again before the next round.
    let mut story = Story::new(0.5, 1.0);
    story.round(1.0, &blocked(0, 0.5, true));
    story.round(2.0, &unblocked(0, 0.5));
    for hour in 3..200 {
        let (now, opening) = (f64::from(hour), i64::from(hour) - 2);
        let seen =
            if hour % 2 == 1 { blocked(opening, now - 0.5, true) } else { unblocked(opening, now - 0.5) };
        story.round(now, &delivered(seen));
    }
    assert_eq!(story.told, [(1.0, Detected)]);
    assert!(story.incident.is_open() && story.incident.relapses > 90);
    for hour in 200..230 {
        story.round(f64::from(hour), &delivered(ready(198)));
    }
    assert_eq!(story.told[1..], [(224.0, Recovered)]);
}

#[test]
fn time_in_which_google_did_not_answer_does_not_count() {
    let mut story = Story::new(0.0, 0.0);
    for hour in 0..=100 {
        let down = (10..20).contains(&hour);
        story.round(f64::from(hour), &blocked(0, 0.0, !down));
    }
    assert_eq!(story.told, [(0.0, Detected), (34.0, StillFailing), (82.0, Stopped)]);
}

#[test]
fn clocks_that_jump_neither_skip_nor_double() {
    for jump in [-500.0, -30.0, -1.0, 5.0, 100.0, 5_000.0] {
        for jumps_at in [2, 24, 50, 71] {
            let mut story = Story::new(0.0, 0.0);
            let mut true_hours = Vec::new();
            for hour in 0..=90 {
                let shown = f64::from(hour) + if hour >= jumps_at { jump } else { 0.0 };
                let told = story.told.len();
                story.round(shown, &blocked(0, 0.0, true));
                true_hours.extend(vec![hour; story.told.len() - told]);
            }
            assert_eq!(story.kinds(), [Detected, StillFailing, Stopped], "{jump} at {jumps_at}");
            let [_, day, three] = true_hours[..] else { panic!("three") };
            assert!(
                (22..=25).contains(&day) && (70..=73).contains(&three),
                "{jump} {jumps_at}: {true_hours:?}"
            );
        }
    }
}

#[test]
fn a_delivery_counts_once_and_no_other_opening_s_does() {
    let mut story = Story::new(0.0, 0.0);
    story.round(0.0, &blocked(0, 0.0, true));
    // What was delivered before it failed, and what this round's own opening has brought already.
    let early = Observation { delivered_in: vec![opening(0)], ..unblocked(0, 0.0) };
    story.round(1.0, &early);
    let late = Observation { delivered_in: vec![opening(2)], ..unblocked(1, 1.5) };
    story.round(2.0, &late);
    assert_eq!(story.incident.relapses, 0);
    // It counts in the next round, whatever the clock shows.
    story.round(-8.0, &delivered(ready(2)));
    assert_eq!(story.kinds(), [Detected, Recovered]);
}

#[test]
fn a_failure_counts_that_another_round_has_made_way_for() {
    let mut story = Story::new(0.0, 0.0);
    story.round(0.0, &unblocked(0, 0.0));
    for hour in 1..=80_i32 {
        // It was met in each hour, and each round finds that another one was first to open it again.
        story.round(f64::from(hour), &ready(i64::from(hour) + 1));
    }
    assert_eq!(story.told, [(1.0, Detected), (24.0, StillFailing), (72.0, Stopped)]);
}

#[test]
fn what_delivers_since_the_customer_opened_it_again_is_neither_stopped_nor_told_as_failing() {
    let mut story = Story::new(0.0, 0.0);
    story.round(0.0, &unblocked(0, 0.0));
    for hour in 1..=71_i32 {
        story.round(f64::from(hour), &unblocked(i64::from(hour), f64::from(hour) - 0.5));
    }
    assert_eq!(story.kinds(), [Detected, StillFailing]);
    // It was met once more, mended, opened by a click, and delivered, all since the last round.
    story.round(72.5, &delivered(ready(73)));
    assert_eq!(story.kinds(), [Detected, StillFailing, Recovered]);
    let mut untold = Story::new(0.0, 0.0);
    untold.round(0.0, &unblocked(0, 0.0));
    untold.round(1.0, &delivered(ready(2)));
    assert_eq!(untold.told, []);
}

#[test]
fn what_is_wrong_now_is_told_also_where_a_probe_does_not_see_it() {
    let mut story = Story::new(0.0, 0.0);
    story.round(0.0, &blocked(0, 0.0, true));
    story.round(1.0, &unblocked(0, 0.0));
    let mut held = unblocked(1, 1.5);
    if let BucketSight::Blocked { failure, .. } = &mut held.bucket {
        failure.class = FailureClass::Hold;
    }
    story.round(2.0, &held);
    assert_eq!(story.incident.failure.class, FailureClass::Hold);
}

#[test]
fn an_incident_of_before_openings_goes_on() {
    let incident = Story::new(0.0, 0.0).incident;
    let mut text: serde_json::Value = serde_json::to_value(&incident).unwrap();
    text.as_object_mut().unwrap().remove("ended_opening").unwrap();
    let incident: Incident = serde_json::from_value(text).unwrap();
    let mut story = Story { incident, told: Vec::new() };
    let old = Opening::default();
    let sight = |opening| seen(BucketSight::Ready { opening });
    story.round(1.0, &sight(old));
    assert!(story.incident.is_open());
    story.round(2.0, &delivered(sight(old)));
    assert!(matches!(story.incident.phase, IncidentPhase::Recovered { .. }));
}

#[test]
fn a_stop_takes_what_was_there_and_nothing_that_came_after_it() {
    let mut incident = Story::new(0.0, 1.0).incident;
    incident.phase = IncidentPhase::Stopping { at: at(73.0) };
    for (created_at, now, stops) in
        [(72.0, 73.0, true), (73.0, 80.0, true), (74.0, 80.0, false), (90.0, 80.0, true)]
    {
        assert_eq!(incident.stops(at(created_at), at(now)), stops, "{created_at}");
    }
}

#[test]
fn another_bucket_of_the_name_has_a_story_of_its_own() {
    let mut story = Story::new(0.0, 0.0);
    story.round(1.0, &blocked(0, 0.0, true));
    let another = delivered(seen(BucketSight::Ready { opening: Opening::first(at(1.5)) }));
    story.round(2.0, &another);
    assert_eq!((story.kinds(), story.incident.is_open()), (vec![Detected], false));
}

#[test]
fn nothing_is_told_of_a_bucket_that_nobody_uses() {
    let unused = Observation { has_exports: false, ..blocked(0, 0.0, true) };
    for seen in [unused, gone()] {
        let mut story = Story::new(0.0, 0.0);
        story.round(1.0, &seen);
        assert!(!story.incident.is_open() && story.told.is_empty());
    }
}

#[derive(Debug, Clone, Copy)]
enum Hour {
    Fails,
    Unclear,
    ProbeWorks,
    Delivers,
    Idle,
}

fn hours() -> impl Strategy<Value = Vec<(Hour, i32)>> {
    let hour = prop_oneof![
        4 => Just(Hour::Fails),
        1 => Just(Hour::Unclear),
        1 => Just(Hour::ProbeWorks),
        2 => Just(Hour::Delivers),
        1 => Just(Hour::Idle),
    ];
    let stretch = (hour, 1..40_usize);
    let jump = prop_oneof![9 => Just(0), 1 => -200..200_i32];
    prop::collection::vec((stretch, jump), 1..25).prop_map(|stretches| {
        let hours = stretches
            .into_iter()
            .flat_map(|((hour, times), jump)| (0..times).map(move |n| (hour, if n == 0 { jump } else { 0 })));
        hours.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn notices_follow_each_other_sensibly_whatever_happens(hours in hours()) {
        let (mut story, mut shift) = (Story::new(0.0, 0.0), 0);
        let (mut confirmed_hours, mut stretch, mut opening, mut is_blocked) = (0_i64, Vec::new(), 0, true);
        for (hour, (kind, jump)) in hours.into_iter().enumerate() {
            if !story.incident.is_open() {
                break;
            }
            shift += jump;
            let now = (i32::try_from(hour).unwrap() + shift).into();
            let before = story.told.len();
            // Blocked, and open before: an encoder has met it since.
            if matches!(kind, Hour::Fails) || (!is_blocked && matches!(kind, Hour::Unclear | Hour::ProbeWorks)) {
                confirmed_hours += if jump == 0 { 1 } else { 3 };
            }
            let reopened = opening + i64::from(is_blocked);
            let sight = match kind {
                Hour::Fails => blocked(opening, now - 0.5, true),
                Hour::Unclear => blocked(opening, -1e4, false),
                Hour::ProbeWorks => unblocked(opening, -1e4),
                Hour::Delivers => delivered(ready(reopened)),
                Hour::Idle => ready(reopened),
            };
            story.round(now, &sight);
            let was_blocked = std::mem::replace(&mut is_blocked, matches!(kind, Hour::Fails | Hour::Unclear));
            opening += i64::from(matches!(kind, Hour::ProbeWorks) || (was_blocked && !is_blocked));
            if matches!(kind, Hour::Delivers) {
                (confirmed_hours, stretch) = (0, Vec::new());
            }
            stretch.extend(story.told[before..].iter().map(|(_, kind)| *kind));
            prop_assert!(story.told.len() <= before + 1);
            let count = |wanted| stretch.iter().filter(|kind| **kind == wanted).count();
            prop_assert!(count(StillFailing) <= 1 && count(Stopped) <= 1);
            // Nothing is told or stopped sooner than time has counted.
            if stretch.contains(&StillFailing) { prop_assert!(confirmed_hours >= 21); }
            if stretch.contains(&Stopped) { prop_assert!(confirmed_hours >= 69); }
        }
        let kinds = story.kinds();
        let count = |wanted| kinds.iter().filter(|kind| **kind == wanted).count();
        prop_assert!(count(Detected) <= 2 && count(Recovered) <= 2 && count(Stopped) <= 1);
        if let Some(first) = kinds.first() { prop_assert_eq!(*first, Detected); }
        if let Some(stop) = kinds.iter().position(|kind| *kind == Stopped) {
            prop_assert_eq!(stop, kinds.len() - 1);
            prop_assert_eq!(kinds[stop - 1], StillFailing);
        }
        for pair in kinds.windows(2) { prop_assert!(pair[0] != pair[1] || pair[0] == StillFailing); }
        prop_assert_eq!(story.incident.notices.len(), kinds.len());
    }
}
