//! The harness of the engine's tests: every part of Spillway in a temporary folder, under a clock that stands still,
//! with a queue that tests deliver from as they like and fail points at every await on a port.

mod app;
mod chaos;
mod check;
mod decode;
mod gate;
mod gated;
mod gcs;
mod lake;
mod memory_buckets;
mod queue;
mod rows;
mod webhooks;

pub use app::{ACCOUNT, BUCKET, TestApp, Worker};
pub use chaos::{Chaos, ChaosCase};
pub use check::{Delivered, assert_profiles, assert_rows, delivered};
pub use decode::{DecodedRow, decode};
pub use gate::{Gate, Outcome, Strike};
pub use gcs::{EMAIL, Google, PROJECT};
pub use lake::{FileSpec, LakeFolder, Place};
pub use memory_buckets::{MemoryBuckets, Probe};
pub use queue::TestQueue;
pub use rows::{EventRow, ProfileRow, hostile_text, random_props};
pub use webhooks::RecordedWebhooks;

/// How many times longer than usual the random suites run:
/// `SPILLWAY_SOAK=50 cargo nextest run -p spillway-tests --test chaos --test profiles`.
#[must_use]
pub fn soak() -> u64 {
    std::env::var("SPILLWAY_SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}
