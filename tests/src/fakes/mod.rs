//! Stand-ins for what Google runs and nobody publishes an emulator of: Cloud KMS, the metadata server of a machine, an
//! issuer of identity tokens; a mail server; and a customer's server that takes webhooks. Each speaks HTTP or SMTP as the
//! real one does to the clients here, and refuses what it would.
#![allow(clippy::unwrap_used, reason = "tests")]

mod hooks;
mod issuer;
mod kms;
mod metadata;
mod smtp;

pub use hooks::{Delivery, HOOK_HOST, HookServer};
pub use issuer::Issuer;
pub use kms::{FakeKms, KmsFault, Right};
pub use metadata::Metadata;
pub use smtp::{SmtpServer, TakenMail};
