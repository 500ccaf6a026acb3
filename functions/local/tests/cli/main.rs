//! The binary `spillway` as a process of its own, each test with a home of its own. One test binary: one link.
#![allow(clippy::unwrap_used, reason = "tests")]

mod create;
mod damage;
mod demo;
mod export;
mod full;
mod hostile;
mod ingest;
mod interrupt;
mod keys;
mod misc;
mod simulate;
mod support;
