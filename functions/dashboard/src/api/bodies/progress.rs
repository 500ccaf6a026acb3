//! How far an export is.

use jiff::Timestamp;
use serde::Serialize;
use spillway::{domain::Export, steps::RunProgress};
use utoipa::ToSchema;

use super::{
    BlockedBody,
    kinds::{RunStatusBody, StatusBody},
};

/// How far an export is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Progress)]
pub(in crate::api) struct ProgressBody {
    /// Which export.
    pub request_id: i64,
    /// Where it stands.
    pub status: StatusBody,
    /// When the next run is due; null where there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_run_at: Option<Timestamp>,
    /// The run that is worked, else the last one; null before there is one.
    pub run: Option<RunProgressBody>,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = RunProgress)]
pub(in crate::api) struct RunProgressBody {
    /// Which run.
    pub run: i64,
    /// Where it stands.
    pub status: RunStatusBody,
    /// What keeps it from going on, on the bucket's side; null where nothing does.
    pub blocked: Option<BlockedBody>,
    /// Files in the bucket.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their bytes as stored.
    pub bytes: u64,
    /// How many bytes all files are thought to have; null before the run is planned.
    pub estimated_bytes: Option<u64>,
    /// Parts of the work that are done.
    pub parts_done: u64,
    /// All parts; a part may divide itself.
    pub parts: u64,
    /// From 0 to 1, by the parts; below 1 until the run has ended.
    #[schema(minimum = 0, maximum = 1)]
    pub fraction: f64,
    /// How long it will still take, at the pace so far; null where that cannot be told.
    pub seconds_left: Option<u64>,
    /// When its work began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub opened_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
}

impl ProgressBody {
    pub(in crate::api) fn of_run(
        progress: &RunProgress,
        blocked: Option<BlockedBody>,
        now: Timestamp,
    ) -> RunProgressBody {
        RunProgressBody::new(progress, blocked, now)
    }

    pub(in crate::api) fn new(export: &Export, run: Option<RunProgressBody>) -> Self {
        Self {
            request_id: export.request.0,
            status: export.status.kind().into(),
            next_run_at: export.next_due_at.filter(|_| export.is_active()),
            run,
        }
    }
}

impl RunProgressBody {
    fn new(progress: &RunProgress, blocked: Option<BlockedBody>, now: Timestamp) -> Self {
        let (parts_done, parts) = progress.chunks_of();
        let is_closed = progress.status.is_closed();
        let blocked = blocked.filter(|_| !is_closed);
        Self {
            run: progress.key.run.0,
            status: progress.status.into(),
            files: progress.written.files,
            rows: progress.written.rows,
            bytes: progress.written.bytes,
            estimated_bytes: progress.estimated_bytes,
            parts_done,
            parts,
            fraction: progress.fraction(),
            seconds_left: progress.secs_left(now).filter(|_| blocked.is_none()),
            blocked,
            opened_at: progress.opened_at,
            closed_at: progress.closed_at,
        }
    }
}
