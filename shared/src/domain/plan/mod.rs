//! Planning: which slices of the lake become which chunks. Pure; what it needs of the lake is handed to it.

mod events;
mod messages;
mod profiles;

use std::collections::BTreeMap;

pub use events::{EventFile, plan_events};
pub use profiles::{ProfileList, ProfileShard, ShardFile, plan_profiles};

use super::{Format, Packaging};

/// How large chunks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanLimits {
    /// The stored bytes that a chunk should fill. Below the 100 MB limit, so that a guess that is a little low
    /// does not split the chunk.
    pub target_bytes: u64,
    /// The most lake files that a chunk, or a part of a list of them, names, so that its document stays small.
    pub files: usize,
    /// The most chunks in a message.
    pub message_chunks: usize,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self { target_bytes: 85_000_000, files: 500, message_chunks: 50 }
    }
}

/// Stored bytes of output per byte of lake file, per event name, as seen in earlier chunks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ratios(pub BTreeMap<String, f64>);

/// Under which name the ratio of profiles is kept; no event's files have an empty name in a lake.
pub const PROFILES_RATIO: &str = "";

impl Ratios {
    /// The ratio of an event, or a cautious guess for its format.
    #[must_use]
    pub fn of(&self, event_name: &str, files: (Format, Packaging)) -> f64 {
        // Below 1/1000 a measured ratio would put a whole lake into one chunk.
        self.0.get(event_name).map_or_else(|| guess(files), |ratio| ratio.max(0.001))
    }
}

/// What a format makes of a byte of zstd Parquet, roughly; too high only makes more files.
fn guess((format, packaging): (Format, Packaging)) -> f64 {
    match (format, packaging) {
        (Format::Json, Packaging::Gzip) => 1.8,
        (Format::Csv, Packaging::Gzip) => 1.6,
        (Format::Xml, Packaging::Gzip) => 2.0,
        (Format::Parquet, Packaging::Gzip) => 1.8,
        (Format::Json, Packaging::Plain) => 10.0,
        (Format::Csv, Packaging::Plain) => 7.0,
        (Format::Xml, Packaging::Plain) => 14.0,
        (Format::Parquet, Packaging::Plain) => 1.5,
    }
}

/// The estimated output of some input.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "an estimate of a size; ratios are positive and sizes far below 2^52"
)]
pub(in crate::domain) fn estimate(input_bytes: u64, ratio: f64) -> u64 {
    (input_bytes as f64 * ratio).ceil() as u64
}

/// Whether a file is so large that its row groups must be known to cut it.
#[must_use]
pub fn wants_row_groups(file_bytes: u64, ratio: f64, limits: PlanLimits) -> bool {
    estimate(file_bytes, ratio) > limits.target_bytes
}
