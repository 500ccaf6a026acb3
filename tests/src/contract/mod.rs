//! The contracts of the ports as tests. Each suite is generic over the port: every implementation runs all of it.
#![allow(clippy::unwrap_used, reason = "tests")]

pub mod mailer;
pub mod queue;
pub mod store;
pub mod vault;
