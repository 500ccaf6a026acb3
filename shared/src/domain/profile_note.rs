//! What is remembered of a profiles file, so that a run reads the footers of its own window only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Footer, LakeFile};

/// What a profiles file's footer said. Lake files never change, so it holds for as long as size and commit time are
/// the same; a file that was mended is looked at again. Of a file whose footer cannot be read there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileNote {
    /// The file's size.
    pub bytes: u64,
    /// When the lake took it.
    pub committed: Timestamp,
    /// Its rows.
    pub rows: u64,
    /// A lower bound of its ids, where the statistics tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_id: Option<String>,
    /// An upper bound of its ids, where the statistics tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_id: Option<String>,
    /// No version is older, in microseconds.
    pub oldest_micros: i64,
    /// No version is newer, in microseconds.
    pub newest_micros: i64,
}

impl ProfileNote {
    /// What a file's footer says. What the statistics leave open may be anything.
    #[must_use]
    pub fn of(file: &LakeFile, footer: &Footer) -> Self {
        let groups = || footer.row_groups.iter().filter(|group| group.rows > 0);
        let first = groups().map(|group| group.first_object_id.as_ref()).min().flatten();
        let all_have_last = groups().all(|group| group.last_object_id.is_some());
        let last = groups().map(|group| group.last_object_id.as_ref()).max().flatten();
        Self {
            bytes: file.bytes,
            committed: file.committed,
            rows: footer.row_groups.iter().fold(0, |sum, group| sum.saturating_add(group.rows)),
            first_id: first.cloned(),
            last_id: last.filter(|_| all_have_last).cloned(),
            oldest_micros: groups()
                .map(|group| group.oldest_micros.unwrap_or(i64::MIN))
                .min()
                .unwrap_or(i64::MAX),
            newest_micros: groups()
                .map(|group| group.newest_micros.unwrap_or(i64::MAX))
                .max()
                .unwrap_or(i64::MIN),
        }
    }

    /// Whether it was taken of this very file.
    #[must_use]
    pub fn is_of(&self, file: &LakeFile) -> bool {
        (self.bytes, self.committed) == (file.bytes, file.committed)
    }
}
