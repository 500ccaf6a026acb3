//! The lake's layout: which folder a file lies in and what that says (DESIGN, The lake).

use std::sync::Arc;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{AccountId, DatabaseId};

/// The longest percent-encoded event name that stands in a folder as it is.
const EVENT_FOLDER_MAX_BYTES: usize = 180;
/// How much of a longer one stays before `~` and the hash.
const EVENT_FOLDER_PREFIX_BYTES: usize = 160;
/// RFC 3986's unreserved characters stay, as BigQuery, Spark and Python's `quote` leave them.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Which of the lake's two datasets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dataset {
    /// What users did.
    Events,
    /// Who users are.
    Profiles,
}

impl Dataset {
    /// The folder of an account's dataset, with a `/` at its end.
    #[must_use]
    pub fn folder(self, account: AccountId) -> String {
        let name = match self {
            Self::Events => "events",
            Self::Profiles => "profiles",
        };
        format!("account={account}/{name}/")
    }
}

/// The folder name of a `captured` hour: `captured=yyyy-mm-dd-hh`, UTC. Such names sort as time does.
#[must_use]
pub fn captured_folder(at: Timestamp) -> String {
    format!("captured={}", at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d-%H"))
}

/// What a path below an account's dataset says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakePath {
    /// The shard.
    pub database: DatabaseId,
    /// Event and day; none for profiles.
    pub event: Option<(EventFolder, Date)>,
}

/// A file of the lake as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeFile {
    /// From the lake's root.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The object store's creation time.
    pub committed: Timestamp,
    /// What its folders say.
    pub place: LakePath,
}

/// What to do with a file outside the layout. Moved into its right folder it would be new there: no window lists such old
/// folders any more, and its rows would be left out in silence.
pub const STRAY_ADVICE: &str = "move it out of the lake; the rows that it holds go in as a new file";

/// The path is not of the lake's layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not in the lake's layout: {wrong}; {STRAY_ADVICE}")]
pub struct BadLakePath {
    /// The path.
    pub path: String,
    /// Which part is wrong.
    pub wrong: &'static str,
}

impl LakePath {
    /// Reads a path, whatever stands before `account=`.
    ///
    /// # Errors
    /// When a folder is missing or unreadable.
    pub fn parse(path: &str) -> Result<Self, BadLakePath> {
        let bad = |wrong| BadLakePath { path: path.to_owned(), wrong };
        let folder = |name: &str| path.split('/').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let database = folder("db").and_then(|db| db.parse().ok()).ok_or_else(|| bad("no folder db=<n>"))?;
        if path.split('/').any(|part| part == "profiles") {
            return Ok(Self { database, event: None });
        }
        let event = folder("event").ok_or_else(|| bad("no folder event=<name>"))?;
        let date =
            folder("date").and_then(|date| date.parse().ok()).ok_or_else(|| bad("no folder date=<day>"))?;
        Ok(Self { database, event: Some((EventFolder::parse(event), date)) })
    }
}

/// An event's folder, without `event=`. Clones share its text: a lake has millions of files in few such folders.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventFolder {
    /// The folder says the name.
    Named(Arc<str>),
    /// The folder may hold the begin and a hash of a long name; the files' footers say which
    /// (`spillway.event_name`). Without one there, the folder's decoded text is the name.
    Abbreviated(Arc<str>),
}

impl EventFolder {
    /// The folder in which ingest puts an event of this name.
    #[must_use]
    pub fn of(event_name: &str) -> Self {
        Self::parse(&event_folder(event_name).0)
    }

    fn parse(folder: &str) -> Self {
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let abbreviated = folder.len() > EVENT_FOLDER_PREFIX_BYTES
            && folder.rsplit_once('~').is_some_and(|(_, hash)| hash.len() == 16 && is_hex(hash));
        let name = percent_decode_str(folder).decode_utf8_lossy().into();
        if abbreviated { Self::Abbreviated(name) } else { Self::Named(name) }
    }

    /// The event's name, given what a file's footer says.
    #[must_use]
    pub fn event_name(&self, footer: Option<&str>) -> Arc<str> {
        match (self, footer) {
            (Self::Abbreviated(_), Some(name)) => name.into(),
            (Self::Named(name) | Self::Abbreviated(name), _) => Arc::clone(name),
        }
    }
}

/// The folder for an event's name, without `event=`, and whether the footer must carry the name.
#[must_use]
pub fn event_folder(event_name: &str) -> (String, bool) {
    let encoded = utf8_percent_encode(event_name, ESCAPED).to_string();
    if encoded.len() <= EVENT_FOLDER_MAX_BYTES {
        return (encoded, false);
    }
    let mut end = EVENT_FOLDER_PREFIX_BYTES;
    // No escape is cut: `%` at one of the last two places begins one that would be.
    if let Some(escape) = encoded[..end].rfind('%').filter(|at| end - at < 3) {
        end = escape;
    }
    let digest = Sha256::digest(event_name.as_bytes());
    let hash = u64::from_be_bytes(digest[..8].try_into().expect("SHA-256 has 32 bytes"));
    (format!("{}~{hash:016x}", &encoded[..end]), true)
}

/// What a file's footer says, as far as planning and the catalogue need it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Footer {
    /// `spillway.event_name`
    pub event_name: Option<String>,
    /// `spillway.property_keys`, as written.
    pub property_keys: Option<String>,
    /// The row groups, in order.
    pub row_groups: Vec<RowGroup>,
}

impl Footer {
    /// How many rows the file has.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.row_groups.iter().fold(0, |sum, group| sum.saturating_add(group.rows))
    }
}

/// One row group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowGroup {
    /// How many rows.
    pub rows: u64,
    /// How many bytes it has in the file.
    pub bytes: u64,
    /// Profiles: a lower bound of its first `object_id`, where the statistics tell.
    pub first_object_id: Option<String>,
    /// Profiles: an upper bound of its last `object_id`, where the statistics tell.
    pub last_object_id: Option<String>,
    /// The newest time in microseconds, `ts` of events, `updated_at` of profiles, where the statistics tell.
    pub newest_micros: Option<i64>,
    /// The oldest one, where the statistics tell.
    pub oldest_micros: Option<i64>,
}

#[cfg(test)]
mod tests;
