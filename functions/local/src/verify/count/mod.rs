//! The rows of an object, counted by readers that are not ours, in one pass and little memory: the longest
//! row at most, and of Parquet a few MiB.

mod csv;
mod json;
mod parquet;
mod xml;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use spillway::domain::{Format, ManifestFile};

/// Bytes that are read ahead.
const BUFFER_BYTES: usize = 64 * 1024;

/// What an object should hold.
#[derive(Debug, Clone)]
pub(super) struct Content {
    /// Its format, without the packaging.
    pub(super) format: Format,
    /// Whether gzip is around it.
    pub(super) gzip: bool,
    /// Of events, their name; none for profiles.
    pub(super) event_name: Option<String>,
}

impl Content {
    /// As a manifest says it; the packaging stands in the name (FORMATS, Names).
    pub(super) fn of(line: &ManifestFile, format: Format) -> Self {
        let gzip = line.name.ends_with(".gz") || line.name.ends_with(".gzip");
        Self { format, gzip, event_name: line.event_name.clone() }
    }
}

/// Why rows cannot be counted.
#[derive(Debug, thiserror::Error)]
pub(super) enum CountError {
    /// The bytes do not come, or are not gzip.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// They are not the format.
    #[error("{0}")]
    Malformed(String),
}

/// Counts the rows of an object, whose bytes as stored come from `stored`.
pub(super) fn rows(content: &Content, stored: impl Read) -> Result<u64, CountError> {
    let mut stored = BufReader::with_capacity(BUFFER_BYTES, stored);
    if content.gzip {
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(stored));
        raw_rows(content, &mut raw)
    } else {
        raw_rows(content, &mut stored)
    }
}

fn raw_rows(content: &Content, raw: &mut dyn BufRead) -> Result<u64, CountError> {
    match content.format {
        Format::Json => json::rows(content.event_name.as_deref(), raw),
        Format::Csv => csv::rows(raw),
        Format::Xml => xml::rows(if content.event_name.is_some() { "Event" } else { "Profile" }, raw),
        Format::Parquet => parquet::rows(raw),
    }
}
