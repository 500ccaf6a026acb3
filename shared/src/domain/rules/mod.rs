//! What a customer may do: connect buckets; create, edit and stop exports. Pure: whoever asks brings the account, its buckets and what
//! stands in the way.
//!
//! Each refusal is a sentence that says what to do. All that is wrong is told at once.

mod account;
mod buckets;
mod common;
mod create;
mod edit;
mod refusal;
#[cfg(test)]
mod tests;

pub use account::{AccountChange, AccountRefusal, AccountRefused, MAX_NOTIFIED, check_account};
pub(in crate::domain) use buckets::is_unseen;
pub use buckets::{
    AcceptedBucket, BucketField, BucketInUse, BucketRefusal, BucketRefused, NICKNAME_MAX_CHARS, check_bucket,
    check_place,
};
pub use create::{Accepted, ClippedDays, check_days, check_new};
pub use edit::{AcceptedEdit, check_edit, check_stop};
pub use refusal::{Refusal, Refused, SpecField};

/// The most events that one export may name: its document stays far below every store's limit.
pub const MAX_EVENT_NAMES: usize = 500;

/// The longest name of a selected event, in bytes.
pub const MAX_EVENT_NAME_BYTES: usize = 1_024;

/// How far ahead an export may start, in days.
pub const MAX_START_AHEAD_DAYS: u32 = 366;
