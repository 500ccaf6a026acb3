//! Ready-to-paste lines that read a run's very files in their packaging: with `gcloud storage`, `bq load`, DuckDB and
//! pandas. Pure: from the files' names and the export's spec to text, safely quoted whatever an event is called.
//!
//! What they mind: the first line of a JSON file may be the event's name, `.parquet.gzip` has to be unpacked first, CSV
//! has line ends inside quotes, and a schema takes the place of guessing.

mod bigquery;
mod duckdb;
mod pandas;
mod quote;

use jiff::tz::TimeZone;
use spillway::{
    domain::{Format, IdentityPriority, Packaging, PropertyColumn, RunKey},
    encode::{self, EncodeError, FILE_LIMIT_BYTES, FileContent, FileOptions, GzipLevel},
};

use quote::lines_of;

/// What is read.
#[derive(Debug, Clone)]
pub(crate) struct Files<'a> {
    /// The run.
    pub run: RunKey,
    /// The bucket's name at Google.
    pub bucket_name: &'a str,
    /// The objects, at least one; of one event, or of profiles.
    pub names: Vec<&'a str>,
    /// Whether the run has others beside these, of other events or more than are named: all of them are read then, by how
    /// their names begin and end.
    pub whole_run: bool,
    /// The event's name as captured; none for profiles.
    pub event_name: Option<&'a str>,
    /// The format.
    pub format: Format,
    /// How they are packed.
    pub packaging: Packaging,
    /// Whether a JSON file of events begins with the event's name.
    pub header_line: bool,
    /// The header of CSV files.
    pub columns: Vec<String>,
}

/// Lines for one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// The tool.
    pub title: &'static str,
    /// What is done, in order.
    pub parts: Vec<Part>,
}

/// Lines for one place: a shell, Python, or DuckDB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// What it is, for screen readers.
    pub label: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The lines.
    pub code: String,
}

impl Part {
    fn new(label: &'static str, about: &'static str, code: String) -> Self {
        Self { label, about, code }
    }
}

impl Files<'_> {
    /// The folder into which the files are downloaded, and from which the others read.
    #[must_use]
    pub(crate) fn folder(&self) -> String {
        format!("export-{}", self.run)
    }

    fn is_gzip(&self) -> bool {
        self.packaging == Packaging::Gzip
    }

    fn has_header_line(&self) -> bool {
        self.format == Format::Json && self.event_name.is_some() && self.header_line
    }

    /// How the names of all objects of the run begin. They go on with an event's name, which may be anything.
    fn begin(&self) -> String {
        match self.event_name {
            Some(_) => self.run.to_string(),
            None => format!("{}-{}", self.run.account, self.run),
        }
    }

    /// What shells, BigQuery, DuckDB and Python take for the names of all objects of the run, but not for its manifest's.
    fn pattern(&self) -> String {
        let name = self.names.first().copied().unwrap_or_default();
        // Behind the last dash comes the database id, or, of profiles, the format.
        let end = name.rfind('-').map_or("", |dash| &name[dash..]);
        let end = if self.event_name.is_some() { end.find('.').map_or("", |dot| &end[dot..]) } else { end };
        format!("{}-*{end}", self.begin())
    }

    /// The path of [`Files::pattern`] after the download.
    fn pattern_path(&self) -> String {
        format!("{}/{}", self.folder(), self.pattern())
    }

    /// Their paths after the download.
    fn paths(&self) -> Vec<String> {
        self.names.iter().map(|name| format!("{}/{name}", self.folder())).collect()
    }

    /// A table's name: letters, digits and underscores of the event's.
    fn table(&self) -> String {
        let all = if self.whole_run { Some("events") } else { self.event_name };
        self.table_called(self.event_name.and(all).unwrap_or("profiles"))
    }

    fn table_called(&self, name: &str) -> String {
        let safe: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .collect();
        let safe = safe.trim_matches('_');
        let safe = safe.get(..safe.len().min(60)).unwrap_or_default();
        let begins = safe.starts_with(|c: char| c.is_ascii_alphabetic());
        let prefix = if begins { "" } else { "events_" };
        format!("{prefix}{safe}_{}", self.run.request)
    }

    /// The snippets for all tools.
    #[must_use]
    pub(crate) fn snippets(&self) -> Vec<Snippet> {
        let mut parts = vec![self.download_run()];
        if !self.whole_run {
            parts.insert(0, self.download());
        }
        let download = Snippet { title: "gcloud storage", parts };
        let of = |title, parts| Snippet { title, parts };
        vec![
            download,
            of("BigQuery (bq load)", self.bigquery()),
            of("DuckDB", self.duckdb()),
            of("pandas", self.pandas()),
        ]
    }

    fn download(&self) -> Part {
        let folder = self.folder();
        let addresses = self.names.iter().map(|name| format!("gs://{}/{name}", self.bucket_name));
        let code = format!(
            "mkdir -p {folder}\ngcloud storage cp --read-paths-from-stdin {folder}/ <<'FILES'\n{}FILES\n",
            lines_of(addresses)
        );
        Part::new(
            "Shell lines that download the files",
            "Downloads the files; DuckDB and pandas read them there.",
            code,
        )
    }

    /// All that a run has written, by how its names begin.
    fn download_run(&self) -> Part {
        let (folder, begin) = (self.folder(), self.begin());
        let code =
            format!("mkdir -p {folder}\ngcloud storage cp 'gs://{}/{begin}-*' {folder}/\n", self.bucket_name);
        let about = if self.whole_run {
            "Downloads all files of the run, of all events; DuckDB and pandas read them there."
        } else {
            "Downloads all files of the run, of all events."
        };
        Part::new("Shell lines that download the whole run", about, code)
    }
}

/// The header of CSV files with these property columns: what the encoder writes for no rows.
///
/// # Errors
/// Where the encoder fails, which it does not without rows.
pub(crate) fn csv_header(
    event_name: Option<&str>,
    columns: Vec<PropertyColumn>,
) -> Result<Vec<String>, EncodeError> {
    let content = match event_name {
        Some(event_name) => FileContent::Events { event_name: event_name.to_owned(), columns },
        None => FileContent::Profiles { columns },
    };
    let options = FileOptions {
        gzip_level: GzipLevel::default(),
        format: Format::Csv,
        packaging: Packaging::Plain,
        as_string: false,
        header_line: false,
        identities: IdentityPriority::default(),
        time_zone: TimeZone::UTC,
        limit_bytes: FILE_LIMIT_BYTES,
    };
    let mut bytes = Vec::new();
    encode::open(&options, &content)?.finish(&mut bytes)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    Ok(reader.headers().map(|header| header.iter().map(ToOwned::to_owned).collect()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
