//! The one place where the time is fetched.

use jiff::Timestamp;

use crate::ports::Clock;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time is fetched")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
