//! What an account's webhook is told, and how that is signed. Pure: who calls it is elsewhere.

mod payload;
mod secret;
mod signature;

pub use payload::{IncidentNews, Payload, RunNews};
pub use secret::{OVERLAP_HOURS, WebhookSecrets, seal_name};
pub use signature::{NotASecret, SigningSecret, signature_header, verify};

/// The header with a delivery's id. A retry has the same.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the second, since 1970, at which it was sent.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the signatures, with blanks between them.
pub const SIGNATURE_HEADER: &str = "webhook-signature";
/// How old a delivery may be before its receiver should refuse it, in seconds.
pub const TOLERANCE_SECS: i64 = 300;
