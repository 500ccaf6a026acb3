//! The lake's adapter against folders and object stores: what it lists, reads, merges and refuses.
#![allow(clippy::unwrap_used, reason = "tests")]

mod counts;
mod events;
mod faults;
mod listing;
mod profiles;
mod skew;
mod support;
