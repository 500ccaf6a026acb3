//! The HTTP API, asked in memory over SQLite and the parts of the engine's tests.

#![allow(clippy::unwrap_used, reason = "tests")]

mod account;
