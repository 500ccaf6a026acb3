//! Runs, their files, and their manifests.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use spillway::{
    domain::{Manifest, ManifestFile, Run, Window, WindowKind},
    ports::RunFile,
};
use utoipa::ToSchema;

use super::{
    BlockedBody,
    kinds::{FormatBody, ManifestStatusBody, RunStatusBody, WindowKindBody},
};

/// A run of an export.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(in crate::api) struct RunBody {
    /// Its number, unique in the export.
    pub run: i64,
    /// Where it stands.
    pub status: RunStatusBody,
    /// What keeps it from going on, on the bucket's side; null where nothing does.
    pub blocked: Option<BlockedBody>,
    /// What it delivers.
    pub window: WindowBody,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its work began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub opened_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    /// Objects, once it has ended.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their bytes as stored.
    pub bytes: u64,
    /// Profiles that were left out because they are deleted.
    pub deleted_profiles: u64,
    /// Files that could not be written, for a reason of ours.
    pub failed_files: u64,
}

/// What a run delivers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Window)]
pub(in crate::api) struct WindowBody {
    /// Its begin.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Its end.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// What is compared with them.
    pub kind: WindowKindBody,
}

impl RunBody {
    pub(in crate::api) fn new(run: &Run, blocked: Option<BlockedBody>) -> Self {
        let (from, to) = run.window.bounds(&run.zone.time_zone());
        let kind = match run.window {
            Window::EventDate { .. } => WindowKind::EventDate,
            Window::Committed { .. } => WindowKind::Committed,
        };
        Self {
            run: run.key.run.0,
            status: run.status.into(),
            blocked: blocked.filter(|_| !run.status.is_closed()),
            window: WindowBody { kind: kind.into(), from, to },
            created_at: run.created_at,
            opened_at: run.opened_at,
            closed_at: run.closed_at,
            files: run.totals.files,
            rows: run.totals.rows,
            bytes: run.totals.bytes,
            deleted_profiles: run.totals.deleted_profiles,
            failed_files: run.totals.failed_chunks,
        }
    }
}

/// A page of runs.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RunList {
    /// Newest first.
    pub runs: Vec<RunBody>,
    /// The `cursor` of the next page; null at the end.
    pub next: Option<String>,
}

/// A file in the bucket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = File)]
pub(in crate::api) struct FileBody {
    /// The object's name.
    pub name: String,
    /// Events only: the event's name as captured.
    pub event_name: Option<String>,
    /// Events only: the event's day.
    #[schema(value_type = Option<String>, format = Date)]
    pub date: Option<Date>,
    /// The shard.
    pub database_id: u8,
    /// Rows in it.
    pub rows: u64,
    /// Bytes as stored.
    pub bytes: u64,
    /// CRC32C of the stored bytes, in base64 as Google tells it.
    pub crc32c: String,
    /// When it was complete, where that is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<Timestamp>,
}

impl From<RunFile> for FileBody {
    fn from(RunFile { file, completed_at }: RunFile) -> Self {
        Self {
            name: file.name,
            event_name: file.event_name,
            date: file.date,
            database_id: file.database_id.0,
            rows: file.rows,
            bytes: file.bytes,
            crc32c: file.crc32c.to_string(),
            completed_at,
        }
    }
}

/// A page of files.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct FileList {
    /// By name.
    pub files: Vec<FileBody>,
    /// The `cursor` of the next page; null at the end.
    pub next: Option<String>,
}

/// The run's list of files, as it lies in the bucket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Manifest)]
pub(in crate::api) struct ManifestBody {
    /// 1.
    pub version: u32,
    /// Whose run it is.
    pub account: u64,
    /// The export.
    pub request_id: i64,
    /// The run.
    pub run_timestamp: i64,
    /// How the run ended.
    pub status: ManifestStatusBody,
    /// What it covers.
    pub window: WindowBody,
    /// The files' format.
    pub format: FormatBody,
    /// Of all files.
    pub rows: u64,
    /// Of all files, as stored.
    pub bytes: u64,
    /// Profiles that were left out because they are deleted.
    pub deleted_profiles: u64,
    /// By name.
    pub files: Vec<ManifestFileBody>,
}

/// A file of a manifest.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ManifestFile)]
pub(in crate::api) struct ManifestFileBody {
    /// The object's name.
    pub name: String,
    /// Events only: the event's name as captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_name: Option<String>,
    /// Events only: the event's day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date, nullable = false)]
    pub date: Option<Date>,
    /// The shard.
    pub database_id: u8,
    /// Rows in it.
    pub rows: u64,
    /// Bytes as stored.
    pub bytes: u64,
    /// CRC32C of the stored bytes, in base64.
    pub crc32c: String,
}

impl From<Manifest> for ManifestBody {
    fn from(manifest: Manifest) -> Self {
        let window = manifest.window;
        Self {
            version: manifest.version,
            account: manifest.account.0,
            request_id: manifest.request_id.0,
            run_timestamp: manifest.run_timestamp.0,
            status: manifest.status.into(),
            window: WindowBody { kind: window.kind.into(), from: window.from, to: window.to },
            format: manifest.format.into(),
            rows: manifest.rows,
            bytes: manifest.bytes,
            deleted_profiles: manifest.deleted_profiles,
            files: manifest.files.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ManifestFile> for ManifestFileBody {
    fn from(file: ManifestFile) -> Self {
        Self {
            name: file.name,
            event_name: file.event_name,
            date: file.date,
            database_id: file.database_id.0,
            rows: file.rows,
            bytes: file.bytes,
            crc32c: file.crc32c.to_string(),
        }
    }
}
