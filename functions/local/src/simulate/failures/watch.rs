//! What must hold of a bucket's story whatever an oracle reckons, out of the true time and of what is wrong with it.

use jiff::Timestamp;
use spillway::domain::NoticeKind;

const HOUR: i64 = 3_600;
/// Longer than a failure may be met by every round until its exports are stopped, in hours: three days, and what the rounds
/// before a mail take.
const STOPPED_WITHIN: i64 = 76;
/// By how many hours a clock that jumps may bring a notice forward: it counts for three hours, of which one passed.
const JUMP_COUNTS: i64 = 2;

/// A bucket in a round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// The true time.
    pub(super) truth: Timestamp,
    /// By how much our clock is wrong.
    pub(super) wrong_by: i64,
    /// Whether something is wrong with the bucket.
    pub(super) is_broken: bool,
    /// Whether a probe is answered so: Google works, and the fault is met that early.
    pub(super) is_seen: bool,
    /// Whether exports go into it, and have met it.
    pub(super) is_met: bool,
}

/// What is known of a bucket's story.
#[derive(Debug, Default)]
pub(super) struct Watch {
    was_broken: bool,
    last: Option<(Timestamp, i64)>,
    failed_secs: i64,
    jumps: i64,
}

impl Watch {
    /// Something is wrong with it from now on.
    pub(super) fn breaks(&mut self) {
        self.was_broken = true;
    }

    /// Before a round. Says what is wrong.
    pub(super) fn round(&mut self, look: Look) -> Option<String> {
        self.was_broken |= look.is_broken;
        let (last, wrong_by) = self.last.unwrap_or((look.truth, look.wrong_by));
        let is_jump = wrong_by != look.wrong_by;
        self.jumps += i64::from(is_jump);
        self.last = Some((look.truth, look.wrong_by));
        if !look.is_broken || !look.is_met {
            self.failed_secs = 0;
        } else if look.is_seen && !is_jump {
            self.failed_secs += look.truth.duration_since(last).as_secs().min(3 * HOUR);
        }
        let is_late = self.failed_secs > STOPPED_WITHIN * HOUR;
        is_late.then(|| format!("has failed for {} hours, and was not stopped", self.failed_secs / HOUR))
    }

    /// Something was told in a round; `failing_since` is the true time since which nothing is delivered.
    pub(super) fn told(
        &mut self,
        kind: NoticeKind,
        truth: Timestamp,
        failing_since: Option<Timestamp>,
    ) -> Option<String> {
        let failed_hours = failing_since.map_or(0, |since| truth.duration_since(since).as_secs()) / HOUR;
        let too_soon = |hours: i64| {
            let is_too_soon = failed_hours < hours - JUMP_COUNTS * self.jumps;
            is_too_soon.then(|| format!("was told as {kind:?} after {failed_hours} hours"))
        };
        let wrong = match kind {
            NoticeKind::Detected if !self.was_broken => {
                Some("was told to fail, and nothing was wrong with it".to_owned())
            }
            NoticeKind::Detected | NoticeKind::Recovered => None,
            NoticeKind::StillFailing => too_soon(24),
            NoticeKind::Stopped => too_soon(72),
        };
        match kind {
            NoticeKind::Recovered => *self = Self { last: self.last, ..Self::default() },
            NoticeKind::Stopped => (self.failed_secs, self.jumps) = (0, 0),
            NoticeKind::Detected | NoticeKind::StillFailing => {}
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_772_323_200 + hour * HOUR).unwrap()
    }

    fn look(hour: i64, is_broken: bool) -> Look {
        Look { truth: at(hour), wrong_by: 0, is_broken, is_seen: is_broken, is_met: is_broken }
    }

    #[test]
    fn what_is_told_too_soon_too_late_or_for_nothing_is_noticed() {
        let mut watch = Watch::default();
        assert_eq!(watch.round(look(0, false)), None);
        assert!(watch.told(NoticeKind::Detected, at(0), None).is_some());
        for hour in 1..=76 {
            assert_eq!(watch.round(look(hour, true)), None, "{hour}");
        }
        assert!(watch.round(look(77, true)).is_some());
        assert_eq!(watch.told(NoticeKind::Detected, at(2), Some(at(1))), None);
        assert!(watch.told(NoticeKind::StillFailing, at(24), Some(at(1))).is_some());
        assert_eq!(watch.told(NoticeKind::StillFailing, at(25), Some(at(1))), None);
        assert!(watch.told(NoticeKind::Stopped, at(72), Some(at(1))).is_some());
        assert_eq!(watch.told(NoticeKind::Stopped, at(73), Some(at(1))), None);
        assert_eq!(watch.told(NoticeKind::Recovered, at(80), None), None);
        assert!(watch.told(NoticeKind::Detected, at(81), None).is_some(), "nothing has failed since");
    }

    #[test]
    fn only_what_counts_counts() {
        let mut watch = Watch::default();
        for hour in 0..200 {
            // Google is away for most of it, and our clock jumps in the rest.
            let wrong_by = if hour % 3 == 0 { hour } else { 0 };
            let seen = Look { is_seen: hour % 3 == 0, wrong_by, ..look(hour, true) };
            assert_eq!(watch.round(seen), None);
        }
    }
}
