//! How an incident moves on from one round of the checker to the next, and what the customer is told.
//!
//! **The rule.** Detected: in the first round that confirms the failure. Still failing: once a day of failure counts.
//! Stopped: once three days do, and never before the reminder. Recovered: after the first good delivery.
//!
//! **What counts.** The time between two rounds counts where the second one confirms that the customer's side fails: by
//! a probe, or because an encoder met the failure since the first. Time in which Google, or we, did not answer does not
//! count; nor does more than [`LONGEST_GAP_SECS`] at once, or a clock that goes back. Where time does not count,
//! [`Incident::stop_at`] moves by as much, so that it always says what the clock will show. What happened since the round
//! before is told by the bucket's openings, never by a clock: it fails anew where it has been opened since, and works
//! where something was delivered in an opening since.
//!
//! **Flapping.** What fails again within a day of a good delivery is the same incident; the three days begin anew, for
//! something was delivered. The first relapse is told once, as the customer has just read that the bucket works. From
//! then on nothing is told but reminders and the stop, until the bucket has worked for a whole day: that is told, and the
//! incident is over. So a bucket that works every second hour gives four notices at most, however long that lasts, and the
//! last one is true.

use jiff::Timestamp;

use super::{
    BucketFailure, CLOCK_SKEW_SECS, Incident, IncidentPhase, LONGEST_GAP_SECS, NoticeKind, Opening,
    SETTLED_AFTER_SECS, STOP_AFTER_SECS, ToldNotice, incident::counted_from, instant::after,
};

/// How a round of the checker found a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketSight {
    /// It is not connected any more.
    Gone,
    /// Nothing keeps files from going into it, as far as we know.
    Ready {
        /// Since when.
        opening: Opening,
    },
    /// It is blocked, or was, and an upload could be begun in this round.
    Blocked {
        /// The opening that was its last until then.
        opening: Opening,
        /// When it was blocked.
        since: Timestamp,
        /// By what.
        failure: BucketFailure,
        /// What a probe was answered.
        probe: ProbeAnswer,
    },
}

/// What a probe of a blocked bucket was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeAnswer {
    /// An upload could be begun; the bucket is open from then on.
    Works,
    /// The customer's side fails.
    Fails,
    /// It cannot be told: Google or we did not work, or nobody asked.
    Unclear,
}

/// What a round of the checker saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The bucket.
    pub bucket: BucketSight,
    /// Whether an active export goes into it.
    pub has_exports: bool,
    /// The openings in which each export last delivered something into it, by a run that ended well.
    pub delivered_in: Vec<Opening>,
}

impl Observation {
    /// Whether something was delivered in an opening after one and up to another.
    fn has_delivery(&self, after: Option<Opening>, upto: Option<Opening>) -> bool {
        self.delivered_in.iter().any(|at| after < Some(*at) && Some(*at) <= upto)
    }
}

/// What becomes of an incident in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The incident as it is then.
    pub incident: Incident,
    /// What the customer is told.
    pub notice: Option<NoticeKind>,
}

impl Incident {
    /// The incident after a round that saw this at `now`.
    #[must_use]
    pub fn observe(&self, seen: &Observation, now: Timestamp) -> Observed {
        let mut next = self.clone();
        let gap_secs = now.duration_since(self.seen_at).as_secs();
        let notice = next.move_on(seen, gap_secs, now);
        next.seen_at = now;
        if let Some(kind) = notice {
            next.announced = kind != NoticeKind::Recovered;
            next.reminded |= kind == NoticeKind::StillFailing;
            next.notices.push(ToldNotice { kind, at: now });
        }
        Observed { incident: next, notice }
    }

    /// Whether an export that was created then was there when the stop was decided, which may be carried out later. What
    /// seems to come from the future was created before a clock went back.
    #[must_use]
    pub fn stops(&self, created_at: Timestamp, now: Timestamp) -> bool {
        match self.phase {
            IncidentPhase::Stopping { at } => created_at <= at || created_at > after(now, CLOCK_SKEW_SECS),
            _ => false,
        }
    }

    /// The incident once its exports have been stopped, with the notice that says so.
    #[must_use]
    pub fn stopped(&self, now: Timestamp) -> Observed {
        let mut next = self.clone();
        let at = match self.phase {
            IncidentPhase::Stopping { at } => at,
            _ => now,
        };
        (next.phase, next.seen_at, next.announced) = (IncidentPhase::Stopped { at }, now, true);
        next.notices.push(ToldNotice { kind: NoticeKind::Stopped, at: now });
        Observed { incident: next, notice: Some(NoticeKind::Stopped) }
    }

    fn move_on(&mut self, seen: &Observation, gap_secs: i64, now: Timestamp) -> Option<NoticeKind> {
        if let (IncidentPhase::Stopping { at }, BucketSight::Gone) = (self.phase, &seen.bucket) {
            // No export goes into what could be removed: all are stopped. Who removed it knows.
            self.phase = IncidentPhase::Stopped { at };
        }
        if !self.is_open() || matches!(self.phase, IncidentPhase::Stopping { .. }) {
            return None;
        }
        let (opening, ended) = match &seen.bucket {
            BucketSight::Gone => return self.end(now),
            BucketSight::Ready { opening } => (*opening, opening.before()),
            BucketSight::Blocked { opening, .. } => (*opening, Some(*opening)),
        };
        if self.ended_opening.is_some_and(|known| !known.is_of_the_same(opening)) {
            // Another bucket has the nickname.
            return self.end(now);
        }
        let before = std::mem::replace(&mut self.ended_opening, ended);
        // An encoder met the failure since the round before. At the beginning nobody has looked yet.
        let is_met_anew = before < ended;
        // It worked between two rounds, whether a round saw that or not. What was delivered in an opening that has only
        // begun is the next round's.
        let has_worked =
            matches!(self.phase, IncidentPhase::Recovered { .. }) || seen.has_delivery(before, ended);
        let is_delivered = seen.has_delivery(ended, Some(opening));
        match &seen.bucket {
            BucketSight::Blocked { .. } if !seen.has_exports => self.end(now),
            BucketSight::Blocked { since, failure, probe, .. } => {
                self.failure = failure.clone();
                self.blocked((*since, has_worked), (*probe, is_met_anew), gap_secs, now)
            }
            // Another round, or the customer, was first to open it again.
            BucketSight::Ready { .. } if is_met_anew && !is_delivered && seen.has_exports => {
                let since = self.seen_at;
                self.blocked((since, has_worked), (ProbeAnswer::Works, is_met_anew), gap_secs, now)
            }
            BucketSight::Gone | BucketSight::Ready { .. } => {
                self.ready(seen.has_exports, is_delivered, gap_secs, now)
            }
        }
    }

    fn blocked(
        &mut self,
        (since, has_worked): (Timestamp, bool),
        (probe, is_met_anew): (ProbeAnswer, bool),
        gap_secs: i64,
        now: Timestamp,
    ) -> Option<NoticeKind> {
        let (confirmed, phase) = match probe {
            ProbeAnswer::Fails => (true, IncidentPhase::Failing),
            ProbeAnswer::Unclear => (is_met_anew, IncidentPhase::Failing),
            // What was met and is gone again is told to nobody, unless it comes again after a probe succeeded. Whether an
            // upload that was begun comes to its end is not known yet.
            ProbeAnswer::Works => {
                (is_met_anew && self.phase == IncidentPhase::Resumed, IncidentPhase::Resumed)
            }
        };
        if has_worked {
            self.relapses += 1;
            self.failing_since = counted_from(since, now);
            self.stop_at = after(self.failing_since, STOP_AFTER_SECS);
            self.reminded = false;
        } else {
            let counted_secs = if confirmed { gap_secs.clamp(0, LONGEST_GAP_SECS) } else { 0 };
            self.stop_at = after(self.stop_at, gap_secs - counted_secs);
        }
        self.phase = phase;
        if !confirmed {
            return None;
        }
        if !self.announced {
            return Some(NoticeKind::Detected);
        }
        if !self.reminded && now >= self.remind_at() {
            return Some(NoticeKind::StillFailing);
        }
        if self.reminded && now >= self.stop_at {
            self.phase = IncidentPhase::Stopping { at: now };
        }
        None
    }

    fn ready(
        &mut self,
        has_exports: bool,
        is_delivered: bool,
        gap_secs: i64,
        now: Timestamp,
    ) -> Option<NoticeKind> {
        if let IncidentPhase::Recovered { at, settled_at } = self.phase {
            let settled_at = after(settled_at, gap_secs - gap_secs.clamp(0, LONGEST_GAP_SECS));
            self.phase = IncidentPhase::Recovered { at, settled_at };
            if now < settled_at {
                return None;
            }
            self.phase = IncidentPhase::Ended { at: now };
            return self.announced.then_some(NoticeKind::Recovered);
        }
        // The time until the stop stands still.
        self.stop_at = after(self.stop_at, gap_secs);
        self.phase = IncidentPhase::Resumed;
        if is_delivered {
            self.phase = IncidentPhase::Recovered { at: now, settled_at: after(now, SETTLED_AFTER_SECS) };
            return (self.announced && self.relapses == 0).then_some(NoticeKind::Recovered);
        }
        // A one-time export that was the only one and has ended otherwise.
        if has_exports { None } else { self.end(now) }
    }

    fn end(&mut self, now: Timestamp) -> Option<NoticeKind> {
        self.phase = IncidentPhase::Ended { at: now };
        None
    }
}

#[cfg(test)]
mod tests;
