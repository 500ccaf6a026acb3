//! The customer's files: record batches of the lake in, the bytes of one object out, as FORMATS says.
//!
//! [`FileEncoder`] is the whole interface: a file takes rows until it is full, then it is finished. Sizes are
//! counted as stored, behind the gzip layer where there is one.

pub mod columns;
mod csv;
mod flatten;
mod gzip;
mod hash;
mod json;
mod json_text;
mod parquet;
mod property_keys;
mod record;
mod stored;
mod text;
mod text_file;
mod time;
mod xml;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use arrow_array::RecordBatch;
use jiff::tz::TimeZone;

use crate::domain::{Format, IdentityPriority, Packaging};
pub use crate::domain::{PropertyColumn, PropertyScope};
use csv::{CsvEvents, CsvProfiles};
use json::{JsonEvents, JsonProfiles};
use parquet::{EventRows, ParquetFile, ProfileRows};
use text_file::TextFile;
use xml::{XmlEvents, XmlProfiles};

pub use csv::{column_name, is_fixed_profile_column};
pub use json_text::JsonFault;
pub use property_keys::{FOOTER_KEY, PropertyKeys};

/// No stored object has more bytes than this (FORMATS, The size limit).
pub const FILE_LIMIT_BYTES: u64 = 100_000_000;

/// What all the files of one run have in common.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// The format.
    pub format: Format,
    /// Whether gzip goes around it.
    pub packaging: Packaging,
    /// How hard gzip tries.
    pub gzip_level: GzipLevel,
    /// Whether property values other than null become strings.
    pub as_string: bool,
    /// JSON events only: whether the first line is the event's name.
    pub header_line: bool,
    /// Whose identity stands in `identity`.
    pub identities: IdentityPriority,
    /// The account's time zone, in which `ts` is written.
    pub time_zone: TimeZone,
    /// The most bytes that a stored file may have; [`FILE_LIMIT_BYTES`] outside tests.
    pub limit_bytes: u64,
}

/// How hard gzip tries. It changes the stored bytes of a file and nothing of what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GzipLevel {
    /// The least CPU time.
    #[default]
    Fast,
    /// About an eighth fewer bytes, in about twice the CPU time.
    Compact,
}

/// What one file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// Events of one name.
    Events {
        /// The name as it came, not as in the object's name.
        event_name: String,
        /// CSV only: the property columns after the fixed ones, frozen with the run's plan.
        columns: Vec<PropertyColumn>,
    },
    /// User profiles.
    Profiles {
        /// CSV only: the property columns after the fixed ones, frozen with the run's plan.
        columns: Vec<PropertyColumn>,
    },
}

/// One object in the making.
pub trait FileEncoder: Send {
    /// Takes the rows of `batch` from row `from` on and appends bytes *as stored* to `out`, as they become
    /// final. Returns how many rows were taken; fewer than offered means that the file is full and the next
    /// row belongs to the next file. The same rows, however they are cut into batches, give the same bytes.
    ///
    /// # Errors
    /// [`EncodeError`] names the row; the file is then unusable.
    fn push(&mut self, batch: &RecordBatch, from: usize, out: &mut Vec<u8>) -> Result<usize, EncodeError>;

    /// Appends what closes the file.
    ///
    /// # Errors
    /// [`EncodeError`] when the last rows cannot be written.
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<(), EncodeError>;
}

/// Begins a file.
///
/// # Errors
/// [`EncodeError::Internal`] when the format's writer cannot be made.
pub fn open(options: &FileOptions, content: &FileContent) -> Result<Box<dyn FileEncoder>, EncodeError> {
    Ok(match (options.format, content) {
        (Format::Json, FileContent::Events { event_name, .. }) => {
            Box::new(TextFile::new(options, JsonEvents::new(options, event_name)))
        }
        (Format::Json, FileContent::Profiles { .. }) => {
            Box::new(TextFile::new(options, JsonProfiles::new(options)))
        }
        (Format::Csv, FileContent::Events { event_name, columns }) => {
            Box::new(TextFile::new(options, CsvEvents::new(options, event_name, columns)))
        }
        (Format::Csv, FileContent::Profiles { columns }) => {
            Box::new(TextFile::new(options, CsvProfiles::new(options, columns)))
        }
        (Format::Xml, FileContent::Events { event_name, .. }) => {
            Box::new(TextFile::new(options, XmlEvents::new(options, event_name)))
        }
        (Format::Xml, FileContent::Profiles { .. }) => {
            Box::new(TextFile::new(options, XmlProfiles::new(options)))
        }
        (Format::Parquet, FileContent::Events { event_name, .. }) => {
            Box::new(ParquetFile::new(options, EventRows::new(options, event_name))?)
        }
        (Format::Parquet, FileContent::Profiles { .. }) => {
            Box::new(ParquetFile::new(options, ProfileRows::new(options))?)
        }
    })
}

/// Bytes as one gzip member, as files are made into one: for measuring what compression alone takes.
#[must_use]
pub fn gzip(raw: &[u8], level: GzipLevel) -> Vec<u8> {
    let (mut stored, mut out) = (stored::Stored::new(Packaging::Gzip, level), Vec::new());
    stored.write_units(raw, &mut out);
    stored.finish(&[], &mut out);
    out
}

/// Why rows cannot be encoded. All of these are faults of the lake (or ours), never of the customer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The text is not a JSON object.
    #[error("row {row}: {column} is not a JSON object: {reason} at byte {at_byte}")]
    BadProperties {
        /// The row within the batch.
        row: usize,
        /// The lake's column.
        column: &'static str,
        /// Where in the text.
        at_byte: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// A property that the plan's column list does not know; writing the row without it would lose data.
    #[error("row {row}: the property `{key}` is not among the file's `spillway.property_keys`")]
    UnknownProperty {
        /// The row within the batch.
        row: usize,
        /// The flattened key.
        key: String,
    },
    /// A time outside the years that the format can write.
    #[error("row {row}: the time {ts_micros} µs is outside the years 1000 to 9999, which `ts` can tell")]
    BadTime {
        /// The row within the batch.
        row: usize,
        /// Microseconds since 1970.
        ts_micros: i64,
    },
    /// One row alone is larger than a file may be.
    #[error("row {row}: cannot fit into a file of {limit_bytes} bytes")]
    RowTooLarge {
        /// The row within the batch.
        row: usize,
        /// The limit that it breaks.
        limit_bytes: u64,
    },
    /// A batch that does not have the lake's columns, or a writer that failed on valid data: a bug of ours.
    #[error("cannot encode: {0}")]
    Internal(String),
}

impl EncodeError {
    /// The row within the batch that it is about.
    #[must_use]
    pub fn row(&self) -> Option<usize> {
        match self {
            Self::BadProperties { row, .. }
            | Self::UnknownProperty { row, .. }
            | Self::BadTime { row, .. }
            | Self::RowTooLarge { row, .. } => Some(*row),
            Self::Internal(_) => None,
        }
    }

    /// What is wrong with the row, without its number in the batch, which means nothing to a person.
    #[must_use]
    pub fn reason(&self) -> String {
        let text = self.to_string();
        match self.row() {
            Some(row) => text.strip_prefix(&format!("row {row}: ")).unwrap_or(&text).to_owned(),
            None => text,
        }
    }
}
