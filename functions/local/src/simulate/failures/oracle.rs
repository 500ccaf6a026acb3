//! Which mails there must be, reckoned apart from the engine: out of what the buckets and customers did, hour by hour, by the
//! rule as the README tells it.

use jiff::Timestamp;
use spillway::domain::NoticeKind;

const HOUR: i64 = 3_600;

/// What the world says of a bucket in a round. Nothing of it is asked of the engine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    /// When an export met its fault, unless a probe has begun an upload since: then it is blocked when the round begins.
    pub(super) blocked_since: Option<Timestamp>,
    /// How often exports have met faults that no probe had made way for.
    pub(super) times_met: u64,
    /// What a probe was answered; none where Google did not work.
    pub(super) works: Option<bool>,
    /// Whether an active export goes into it.
    pub(super) is_used: bool,
    /// How many runs were ever delivered into it.
    pub(super) deliveries: u64,
    /// How many had been when a probe made way for the last time.
    pub(super) deliveries_before: u64,
}

/// A bucket's story as it must be told.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    story: Option<Story>,
    /// What must have been told, and in which round, as our clock showed it.
    pub(super) told: Vec<(NoticeKind, Timestamp)>,
}

#[derive(Debug)]
struct Story {
    /// Seconds of failure since something was delivered.
    failed_secs: i64,
    last_round: Timestamp,
    times_met: u64,
    deliveries_when_blocked: u64,
    /// For how long it has worked after a delivery, in seconds.
    worked_secs: Option<i64>,
    resumed: bool,
    relapses: u32,
    last_word_is_failing: bool,
    reminded: bool,
}

impl Story {
    /// Whether exports met a fault since the last round, and that is all that is known of it: nothing was delivered since
    /// it was made way for, or the story had been over but for its last day.
    fn has_failed_between(&self, sight: Sight) -> bool {
        let has_delivered = sight.deliveries > sight.deliveries_before;
        sight.times_met > self.times_met && (!has_delivered || self.worked_secs.is_some())
    }
}

impl Oracle {
    /// A round at `now`, as our clock shows it.
    pub(super) fn round(&mut self, sight: Sight, now: Timestamp) {
        match sight.blocked_since {
            Some(_) if !sight.is_used => self.story = None,
            Some(since) => self.blocked(since, sight, now),
            None => match &self.story {
                // It was met, and the customer has opened it again, all since the last round.
                Some(story) if sight.is_used && story.has_failed_between(sight) => {
                    let since = story.last_round;
                    let (works, deliveries) = (Some(true), sight.deliveries_before);
                    self.blocked(since, Sight { works, deliveries, ..sight }, now);
                }
                _ => self.open(sight, now),
            },
        }
    }

    fn tell(&mut self, kind: NoticeKind, now: Timestamp) {
        self.told.push((kind, now));
        let Some(story) = &mut self.story else { return };
        story.last_word_is_failing = kind != NoticeKind::Recovered;
        story.reminded |= kind == NoticeKind::StillFailing;
    }

    fn blocked(&mut self, since: Timestamp, sight: Sight, now: Timestamp) {
        let passed = |from: Timestamp| now.duration_since(from).as_secs().clamp(0, 3 * HOUR);
        let is_new = self.story.is_none();
        let story = self.story.get_or_insert(Story {
            failed_secs: 0,
            last_round: now,
            times_met: sight.times_met,
            deliveries_when_blocked: sight.deliveries,
            worked_secs: None,
            resumed: false,
            relapses: 0,
            last_word_is_failing: false,
            reminded: false,
        });
        let was_resumed = story.resumed;
        let met_anew = sight.times_met > story.times_met;
        let confirmed = match sight.works {
            Some(false) => true,
            Some(true) => was_resumed && met_anew,
            None => met_anew,
        };
        let delivered_since = sight.deliveries > story.deliveries_when_blocked;
        if story.worked_secs.take().is_some() || delivered_since {
            (story.relapses, story.reminded) = (story.relapses + 1, false);
            story.failed_secs = passed(since);
        } else if confirmed {
            story.failed_secs += if is_new { passed(since) } else { passed(story.last_round) };
        }
        (story.last_round, story.times_met) = (now, sight.times_met);
        story.resumed = sight.works == Some(true);
        story.deliveries_when_blocked = sight.deliveries;
        let (failed_secs, reminded) = (story.failed_secs, story.reminded);
        if !confirmed {
            return;
        }
        if !story.last_word_is_failing {
            self.tell(NoticeKind::Detected, now);
        } else if !reminded && failed_secs >= 24 * HOUR {
            self.tell(NoticeKind::StillFailing, now);
        } else if reminded && failed_secs >= 72 * HOUR {
            self.tell(NoticeKind::Stopped, now);
            self.story = None;
        }
    }

    fn open(&mut self, sight: Sight, now: Timestamp) {
        let Some(story) = &mut self.story else { return };
        let passed = now.duration_since(story.last_round).as_secs().clamp(0, 3 * HOUR);
        (story.last_round, story.times_met) = (now, sight.times_met);
        if let Some(worked) = &mut story.worked_secs {
            *worked += passed;
            if *worked >= 24 * HOUR {
                if story.last_word_is_failing {
                    self.tell(NoticeKind::Recovered, now);
                }
                self.story = None;
            }
            return;
        }
        story.resumed = true;
        if sight.deliveries > story.deliveries_when_blocked {
            (story.worked_secs, story.resumed) = (Some(0), false);
            if story.last_word_is_failing && story.relapses == 0 {
                self.tell(NoticeKind::Recovered, now);
            }
        } else if !sight.is_used {
            self.story = None;
        }
    }
}
