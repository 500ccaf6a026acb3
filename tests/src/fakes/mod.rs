//! Stand-ins for what Google runs and nobody publishes an emulator of: Cloud KMS, the metadata server of a machine, an
//! issuer of identity tokens. Each speaks HTTP as the real one does to the clients here, and refuses what it would. And a
//! mail server.
#![allow(clippy::unwrap_used, reason = "tests")]

mod issuer;
mod kms;
mod metadata;
mod smtp;

pub use issuer::Issuer;
pub use kms::{FakeKms, KmsFault, Right};
pub use metadata::Metadata;
pub use smtp::{SmtpServer, TakenMail};
