//! The four file formats and how a file is packed.

use serde::{Deserialize, Serialize};

/// The format of an export's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// RFC 4180 with one header row.
    Csv,
    /// One element a line below `<root>`.
    Xml,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Json, Self::Csv, Self::Xml, Self::Parquet];

    /// The lower-case name, as in file names, flags and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xml => "xml",
            Self::Parquet => "parquet",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the whole file is wrapped in gzip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Packaging {
    /// The product's default: one gzip member around every file, Parquet too.
    #[default]
    Gzip,
    /// The bare format; Parquet compresses its own columns.
    Plain,
}

impl Packaging {
    /// What follows the last dot-free part of an event file's name (FORMATS, Names).
    #[must_use]
    pub fn event_extension(self, format: Format) -> &'static str {
        match (format, self) {
            (Format::Json, Self::Gzip) => "json.gz",
            (Format::Csv, Self::Gzip) => "csv.gz",
            (Format::Xml, Self::Gzip) => "xml.gz",
            (Format::Parquet, Self::Gzip) => "parquet.gzip",
            (_, Self::Plain) => format.as_str(),
        }
    }

    /// The `Content-Type` that a stored object carries. There is never a `Content-Encoding`.
    #[must_use]
    pub fn content_type(self, format: Format) -> &'static str {
        match (self, format) {
            (Self::Gzip, _) => "application/gzip",
            (Self::Plain, Format::Json) => "application/x-ndjson",
            (Self::Plain, Format::Csv) => "text/csv; charset=utf-8",
            (Self::Plain, Format::Xml) => "application/xml",
            (Self::Plain, Format::Parquet) => "application/vnd.apache.parquet",
        }
    }
}
