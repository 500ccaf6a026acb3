//! The lake as planning and encoding see it.

use arrow_array::RecordBatch;
use async_trait::async_trait;
use jiff::Timestamp;

use crate::domain::{AccountId, Dataset, Footer, LakeFile, RowCursor, Slice};

/// Which files to list.
#[derive(Debug, Clone)]
pub struct LakeQuery {
    /// Whose.
    pub account: AccountId,
    /// Which dataset.
    pub dataset: Dataset,
    /// The first `captured` hour, any instant of it.
    pub first_hour: Timestamp,
    /// The last `captured` hour, any instant of it.
    pub last_hour: Timestamp,
}

/// Rows and where they come from.
#[derive(Debug, Clone)]
pub struct SourcedBatch {
    /// The rows, in the columns of [`crate::encode::columns`].
    pub batch: RecordBatch,
    /// Where they come from, so that an error can name them and a file can end between two of them.
    pub origins: RowOrigins,
}

/// Where the rows of a batch come from.
#[derive(Debug, Clone)]
pub enum RowOrigins {
    /// Events: rows that follow each other in one file, from this one on.
    Run(RowCursor),
    /// Profiles: each row from a file of its own; rows are counted within the whole file.
    Each(Vec<RowCursor>),
}

impl RowOrigins {
    /// The origin of a row of the batch.
    #[must_use]
    pub fn of(&self, row: usize) -> RowCursor {
        match self {
            Self::Run(first) => RowCursor { file: first.file, row: first.row + row as u64 },
            Self::Each(origins) => origins[row],
        }
    }
}

/// The rows of a slice, in order. Blocking: called from a thread of its own.
pub trait LakeRows: Send {
    /// The next rows; none at the end. Batches are small in bytes, however large single rows are on average.
    ///
    /// # Errors
    /// [`LakeError`], with the file and, where it can be told, the row.
    fn next_batch(&mut self) -> Result<Option<SourcedBatch>, LakeError>;

    /// Deleted profiles passed so far; of those in or between the last two batches only the ones whose
    /// `object_id` is not greater than `upto`, where that is given. So a file that ends within the last batch, or
    /// before it, counts exactly those that its successor does not meet again.
    fn deleted_profiles(&self, _upto: Option<&str>) -> u64 {
        0
    }
}

/// What can be wrong with the lake.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// A file breaks the contract of the lake; its chunk fails until the operator mends the file.
    #[error("lake file `{path}`{}: {wrong}", row.map(|row| format!(", row {}", row + 1)).unwrap_or_default())]
    Broken {
        /// From the lake's root.
        path: String,
        /// Counted from 0, where it can be told; people are told it counted from 1, as lines are.
        row: Option<u64>,
        /// What is wrong.
        wrong: String,
    },
    /// A file that was listed is gone; its chunk fails until the operator restores it.
    #[error("lake file `{path}` has vanished; lake files are never deleted before they are delivered")]
    Vanished {
        /// From the lake's root.
        path: String,
    },
    /// The lake does not answer; try again.
    #[error("the lake cannot be read just now: {0}")]
    Unavailable(String),
}

impl LakeError {
    /// Whether trying again may help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Reads the lake.
#[async_trait]
pub trait Lake: Send + Sync {
    /// Now, on the object store's own clock, against which files' commit times are compared.
    ///
    /// # Errors
    /// [`LakeError::Unavailable`].
    async fn now(&self) -> Result<Timestamp, LakeError>;

    /// The files of some hours, ordered by path. Costs what those hours hold. Objects that are no `.parquet`
    /// files are passed over (markers like `_SUCCESS`, hidden files).
    ///
    /// # Errors
    /// [`LakeError::Broken`] for a Parquet file in no readable folder.
    async fn list(&self, query: &LakeQuery) -> Result<Vec<LakeFile>, LakeError>;

    /// When a file was committed, by the object store's creation time, exactly as [`Lake::list`] gives it: later than its
    /// run saw it where it has been restored meanwhile.
    ///
    /// # Errors
    /// [`LakeError`].
    async fn committed(&self, path: &str) -> Result<Timestamp, LakeError>;

    /// A file's footer.
    ///
    /// # Errors
    /// [`LakeError`].
    async fn footer(&self, path: &str) -> Result<Footer, LakeError>;

    /// How many rows each of some files has, by its footer; none where that cannot be read.
    ///
    /// # Errors
    /// [`LakeError::Unavailable`].
    async fn row_counts(&self, paths: &[&str]) -> Result<Vec<Option<u64>>, LakeError> {
        let mut counts = Vec::with_capacity(paths.len());
        for path in paths {
            match self.footer(path).await {
                Ok(footer) => counts.push(Some(footer.rows())),
                Err(error) if error.is_passing() => return Err(error),
                Err(_) => counts.push(None),
            }
        }
        Ok(counts)
    }

    /// Opens a slice: the named columns of [`crate::encode::columns`], as far as the files have them.
    fn rows(&self, slice: &Slice, columns: &[&str]) -> Box<dyn LakeRows>;
}
