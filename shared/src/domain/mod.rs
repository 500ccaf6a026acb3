//! The words and rules of Spillway, pure: no I/O, no async, no clock.

pub mod format;
pub mod identity;
pub mod ids;
pub mod names;

pub use format::{Format, Packaging};
pub use identity::{IdentityKind, IdentityPriority};
pub use ids::{AccountId, DatabaseId, RequestId, RunKey, RunTimestamp};
