//! The property columns of CSV files: stable within an export, new ones only at the far right.

use serde::{Deserialize, Serialize};

/// Where a property stands in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PropertyScope {
    /// `eventProps`
    Event,
    /// `sessionProps`
    Session,
    /// `profileProps`; a profile's CSV columns carry no prefix.
    Profile,
}

/// One flattened property column of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PropertyColumn {
    /// The record's part.
    pub scope: PropertyScope,
    /// The key, flattened one level with `|`.
    pub key: String,
}
