//! The two clocks of a simulation: the true time, which the lake's store keeps, and what our processes' clock shows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use spillway::ports::Clock;

/// The clocks; clones are the same.
#[derive(Clone)]
pub(super) struct Clocks(Arc<Mutex<State>>);

struct State {
    truth: Timestamp,
    offset: SignedDuration,
}

impl Clocks {
    pub(super) fn new(truth: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(State { truth, offset: SignedDuration::ZERO })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The true time.
    pub(super) fn truth(&self) -> Timestamp {
        self.state().truth
    }

    /// Time passes.
    pub(super) fn pass(&self, secs: i64) {
        self.state().truth += SignedDuration::from_secs(secs);
    }

    /// From now on our clock is wrong by so many hours.
    pub(super) fn set_wrong_by(&self, hours: i64) {
        self.state().offset = SignedDuration::from_hours(hours);
    }
}

impl Clock for Clocks {
    fn now(&self) -> Timestamp {
        let state = self.state();
        state.truth + state.offset
    }
}
