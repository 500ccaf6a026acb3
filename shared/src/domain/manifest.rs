//! The run's list of objects (FORMATS, The manifest).

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{AccountId, Crc32c, DatabaseId, Format, RequestId, RunKey, RunTimestamp, Window};

/// The manifest, written after the run's last object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// 1.
    pub version: u32,
    /// Whose run it is.
    pub account: AccountId,
    /// The export.
    pub request_id: RequestId,
    /// The run.
    pub run_timestamp: RunTimestamp,
    /// How the run ended.
    pub status: ManifestStatus,
    /// What it covers.
    pub window: ManifestWindow,
    /// The files' format.
    pub format: Format,
    /// Of all files.
    pub rows: u64,
    /// Of all files, as stored.
    pub bytes: u64,
    /// Profiles that were left out because their newest version is deleted.
    pub deleted_profiles: u64,
    /// Ordered by name.
    pub files: Vec<ManifestFile>,
}

/// How a run with a manifest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ManifestStatus {
    /// Everything of the window is there.
    Done,
    /// There was nothing in the window.
    Empty,
    /// Stopped; what is listed is there.
    Stopped,
}

/// The window as the manifest tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestWindow {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// What is compared with them.
    pub kind: WindowKind,
}

/// What a window compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WindowKind {
    /// The event's day: from ≤ day < to.
    EventDate,
    /// The instant at which the lake took the data: from < instant ≤ to.
    Committed,
}

/// One object of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestFile {
    /// The object's name.
    pub name: String,
    /// Events only: the name as captured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event_name: Option<String>,
    /// Events only: the event's day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub date: Option<Date>,
    /// The shard.
    pub database_id: DatabaseId,
    /// Rows in it.
    pub rows: u64,
    /// Bytes as stored.
    pub bytes: u64,
    /// Of the stored bytes.
    pub crc32c: Crc32c,
}

impl Manifest {
    /// A manifest over `files`, which are put into order here.
    #[must_use]
    pub fn new(
        run: RunKey,
        status: ManifestStatus,
        (window, zone): (Window, &TimeZone),
        format: Format,
        deleted_profiles: u64,
        mut files: Vec<ManifestFile>,
    ) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let (from, to) = window.bounds(zone);
        let kind = match window {
            Window::EventDate { .. } => WindowKind::EventDate,
            Window::Committed { .. } => WindowKind::Committed,
        };
        Self {
            version: 1,
            account: run.account,
            request_id: run.request,
            run_timestamp: run.run,
            status,
            window: ManifestWindow { from, to, kind },
            format,
            rows: files.iter().map(|file| file.rows).sum(),
            bytes: files.iter().map(|file| file.bytes).sum(),
            deleted_profiles,
            files,
        }
    }

    /// The object's bytes: one JSON object on one line.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("strings, numbers and dates always serialise");
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use jiff::civil::date;

    use super::*;
    use crate::domain::{DateRange, RequestId, RunTimestamp};

    #[test]
    fn the_bytes_of_the_contract() {
        let run = RunKey {
            account: AccountId(100_000_000),
            request: RequestId(1_749_623_187),
            run: RunTimestamp(1_749_623_187),
        };
        let days = DateRange::new(date(2025, 6, 11), date(2025, 6, 11)).unwrap();
        let cut = "2025-06-12T10:00:00Z".parse().unwrap();
        let file = |name: &str, rows| ManifestFile {
            name: name.to_owned(),
            event_name: Some("Product Viewed".to_owned()),
            date: Some(date(2025, 6, 11)),
            database_id: DatabaseId(6),
            rows,
            bytes: 456,
            crc32c: "yZRlqg==".parse().unwrap(),
        };
        let window = (Window::EventDate { days, cut }, &TimeZone::UTC);
        let files = vec![file("b", 3), file("a", 120)];
        let manifest = Manifest::new(run, ManifestStatus::Done, window, Format::Csv, 0, files);
        let expected = concat!(
            r#"{"version":1,"account":100000000,"requestId":1749623187,"runTimestamp":1749623187,"status":"DONE","#,
            r#""window":{"from":"2025-06-11T00:00:00Z","to":"2025-06-12T00:00:00Z","kind":"eventDate"},"#,
            r#""format":"csv","rows":123,"bytes":912,"deletedProfiles":0,"files":["#,
            r#"{"name":"a","eventName":"Product Viewed","date":"2025-06-11","databaseId":6,"rows":120,"bytes":456,"crc32c":"yZRlqg=="},"#,
            r#"{"name":"b","eventName":"Product Viewed","date":"2025-06-11","databaseId":6,"rows":3,"bytes":456,"crc32c":"yZRlqg=="}]}"#,
            "\n",
        );
        assert_eq!(String::from_utf8(manifest.to_bytes()).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Manifest>(expected).unwrap(), manifest);
    }
}
