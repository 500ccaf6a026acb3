//! Instants as they are reckoned with.

use jiff::{SignedDuration, Timestamp};

/// So many seconds after an instant, or before it.
pub(super) fn after(at: Timestamp, secs: i64) -> Timestamp {
    let end = if secs < 0 { Timestamp::MIN } else { Timestamp::MAX };
    at.checked_add(SignedDuration::from_secs(secs)).unwrap_or(end)
}
