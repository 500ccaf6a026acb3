//! The HTTP API, asked in memory over SQLite and the parts of the engine's tests.

#![allow(clippy::unwrap_used, reason = "tests")]

mod account;
mod buckets;
mod catalogue;
mod create;
mod document;
mod edit;
mod identity;
mod incidents;
mod list;
mod problems;
mod progress;
mod protection;
mod runs;
mod support;
mod tenancy;
