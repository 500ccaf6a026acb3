//! Slices of the lake: what a chunk reads, and where within it a file ends.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A part of the lake, read in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Slice {
    /// Rows of event files, one file after the other.
    Events {
        /// The files.
        files: Vec<SliceFile>,
        /// The first row that belongs to the slice.
        from: RowCursor,
    },
    /// One row a profile out of several sorted files.
    Profiles {
        /// The files; the newest version of each profile counts.
        files: ProfileFiles,
        /// Only profiles whose id is greater; none: from the first.
        after: Option<String>,
        /// Only profiles whose id is not greater; none: to the last.
        upto: Option<String>,
    },
}

/// An events file of a slice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceFile {
    /// From the lake's root.
    pub path: String,
    /// Its size, as listed.
    pub bytes: u64,
    /// The row groups that belong to the slice, (first, one past the last); none: all of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub row_groups: Option<(u32, u32)>,
    /// Its rows, where planning has read its footer: a file that was mended must still have them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<PlannedRows>,
}

/// The rows of an events file as its footer told them when the run was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRows {
    /// All of the file's.
    pub of_file: u64,
    /// The first that belongs to the slice.
    pub first: u64,
    /// One past the last that belongs to the slice.
    pub end: u64,
}

/// The files of a profiles slice.
///
/// A file of profiles usually holds ids from the whole range, so every chunk of a shard may need every file: no cut
/// keeps the lists short. A long list therefore stands once a plan and shard in the store, in bounded parts, and
/// chunks name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ProfileFiles {
    /// These.
    Named(Vec<ProfileFile>),
    /// Those of the plan's list of this shard that touch the slice's range.
    Listed {
        /// How many parts the list has.
        parts: u32,
        /// How many files the list has.
        listed: u64,
    },
}

/// A profiles file of a slice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileFile {
    /// From the lake's root.
    pub path: String,
    /// Its size, as listed.
    pub bytes: u64,
    /// When the lake took it.
    pub committed: Timestamp,
    /// What its rows are for.
    pub role: ProfileRole,
    /// Its rows, as its footer told them when the run was planned; none where that could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<u64>,
    /// A lower bound of its ids, where the statistics tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_id: Option<String>,
    /// An upper bound of its ids, where the statistics tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_id: Option<String>,
}

impl ProfileFile {
    /// Whether it may have profiles behind `after` and not behind `upto`.
    #[must_use]
    pub fn touches(&self, after: Option<&str>, upto: Option<&str>) -> bool {
        let is_before = after.zip(self.last_id.as_deref()).is_some_and(|(after, last)| last <= after);
        let is_behind = upto.zip(self.first_id.as_deref()).is_some_and(|(upto, first)| first > upto);
        !is_before && !is_behind
    }
}

/// What a profiles file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileRole {
    /// Its versions are delivered where they are the newest.
    Deliver,
    /// Delivered by an earlier run; its versions only keep older ones from being delivered after them.
    Delivered,
}

/// A row of an events slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct RowCursor {
    /// Index into the slice's files.
    pub file: u32,
    /// Row within the file's row groups that belong to the slice.
    pub row: u64,
}

/// Where an object ends within its slice: what follows belongs to the successor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "lowercase")]
pub enum EndCursor {
    /// At the slice's end.
    End,
    /// Events: this row is the first that is not in the object.
    Row(RowCursor),
    /// Profiles: the last one that is in the object.
    Key {
        /// Its `object_id`.
        object_id: String,
    },
}

impl Slice {
    /// What is left behind `end`; none where nothing is, or where the cursor is not of this slice's kind.
    #[must_use]
    pub fn rest(&self, end: &EndCursor) -> Option<Self> {
        match (self, end) {
            (Self::Events { files, .. }, EndCursor::Row(cursor)) => {
                // Files that are done are dropped, so that a long chain of successors does not carry them along.
                let files = files.get(cursor.file as usize..)?.to_vec();
                (!files.is_empty())
                    .then_some(Self::Events { files, from: RowCursor { file: 0, row: cursor.row } })
            }
            (Self::Profiles { files, upto, .. }, EndCursor::Key { object_id }) => {
                let (files, upto) = (files.clone(), upto.clone());
                Some(Self::Profiles { files, after: Some(object_id.clone()), upto })
            }
            _ => None,
        }
    }

    /// The bytes of its files, where it holds all their rows: the input of a ratio.
    #[must_use]
    pub fn whole_file_bytes(&self) -> Option<u64> {
        match self {
            Self::Events { files, from } if *from == RowCursor::default() => {
                files.iter().map(|file| file.row_groups.is_none().then_some(file.bytes)).sum()
            }
            Self::Profiles { files: ProfileFiles::Named(files), after: None, upto: None } => {
                Some(files.iter().map(|file| file.bytes).sum())
            }
            _ => None,
        }
    }
}
