//! The runs of an export, the files of a run, and its manifest.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use spillway::{
    domain::{ExportSpec, Manifest, ManifestStatus, Run, RunKey, RunStatus, RunTimestamp},
    steps,
};
use utoipa::IntoParams;

use super::{
    bodies::{BlockedBody, FileList, ManifestBody, RunBody, RunList},
    exports::{self, cursor, page_size},
    extract::{Params, PathOf},
};
use crate::{
    App,
    identity::Viewer,
    problem::{Problem, ProblemKind},
};

/// How many files are read at once for a manifest.
const MANIFEST_PAGE: usize = 1_000;

/// A page of runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunsQuery {
    /// How many runs a page has, 20 by default.
    #[param(minimum = 1, maximum = 100, nullable = false)]
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(pattern = "^[0-9]{1,18}$", nullable = false)]
    cursor: Option<String>,
}

/// A page of files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FilesQuery {
    /// How many files a page has, 20 by default.
    #[param(minimum = 1, maximum = 100, nullable = false)]
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// The runs of an export, newest first.
#[utoipa::path(
    get, path = "/exports/{request_id}/runs", tag = "Runs",
    params(("request_id" = i64, Path, description = "The export's number"), RunsQuery),
    responses((status = OK, body = RunList))
)]
pub(super) async fn list_runs(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf(request): PathOf<i64>,
    Params(query): Params<RunsQuery>,
) -> Result<Json<RunList>, Problem> {
    let limit = page_size(query.limit)?;
    let cursor = query.cursor.as_deref().map(cursor).transpose()?.map(RunTimestamp);
    let export = exports::find(&app, &viewer, request).await?;
    let page = app.parts.store.runs_page(viewer.account, export.request, cursor, limit).await?;
    let mut runs = Vec::with_capacity(page.runs.len());
    for run in &page.runs {
        runs.push(RunBody::new(run, blocked(&app, run, &export.spec).await?));
    }
    Ok(Json(RunList { runs, next: page.next.map(|next| next.to_string()) }))
}

/// A run.
#[utoipa::path(
    get, path = "/exports/{request_id}/runs/{run}", tag = "Runs",
    params(
        ("request_id" = i64, Path, description = "The export's number"),
        ("run" = i64, Path, description = "The run's number"),
    ),
    responses((status = OK, body = RunBody))
)]
pub(super) async fn get_run(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf((request, run)): PathOf<(i64, i64)>,
) -> Result<Json<RunBody>, Problem> {
    let export = exports::find(&app, &viewer, request).await?;
    let run = find(&app, &viewer, (request, run)).await?;
    let blocked = blocked(&app, &run, &export.spec).await?;
    Ok(Json(RunBody::new(&run, blocked)))
}

/// The files that a run has written so far, by name.
#[utoipa::path(
    get, path = "/exports/{request_id}/runs/{run}/files", tag = "Runs",
    params(
        ("request_id" = i64, Path, description = "The export's number"),
        ("run" = i64, Path, description = "The run's number"),
        FilesQuery,
    ),
    responses((status = OK, body = FileList))
)]
pub(super) async fn list_files(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf((request, run)): PathOf<(i64, i64)>,
    Params(query): Params<FilesQuery>,
) -> Result<Json<FileList>, Problem> {
    let limit = page_size(query.limit)?;
    let run = find(&app, &viewer, (request, run)).await?;
    let page = steps::run_files(&app.parts, run.key, query.cursor.as_deref(), limit).await?;
    Ok(Json(FileList { files: page.files.into_iter().map(Into::into).collect(), next: page.next }))
}

/// The list of all files of a run that has ended, as it lies beside them in the bucket.
#[utoipa::path(
    get, path = "/exports/{request_id}/runs/{run}/manifest", tag = "Runs",
    params(
        ("request_id" = i64, Path, description = "The export's number"),
        ("run" = i64, Path, description = "The run's number"),
    ),
    responses(
        (status = OK, body = ManifestBody),
        (status = CONFLICT, description = "The run is not over, or has failed in part"),
    )
)]
pub(super) async fn get_manifest(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf((request, run)): PathOf<(i64, i64)>,
) -> Result<Json<ManifestBody>, Problem> {
    let run = find(&app, &viewer, (request, run)).await?;
    let status = manifest_status(&run)?;
    let (mut files, mut cursor) = (Vec::new(), None);
    loop {
        let page = steps::run_files(&app.parts, run.key, cursor.as_deref(), MANIFEST_PAGE).await?;
        files.extend(page.files.into_iter().map(|file| file.file));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    let zone = run.zone.time_zone();
    let (window, deleted) = ((run.window, &zone), run.totals.deleted_profiles);
    let manifest = Manifest::new(run.key, status, window, run.spec.format, deleted, files);
    Ok(Json(manifest.into()))
}

fn manifest_status(run: &Run) -> Result<ManifestStatus, Problem> {
    let wrong = match run.status {
        RunStatus::Done => return Ok(ManifestStatus::Done),
        RunStatus::Empty => return Ok(ManifestStatus::Empty),
        RunStatus::Stopped => return Ok(ManifestStatus::Stopped),
        RunStatus::Owed | RunStatus::Running => "is not over. Wait until it has ended",
        RunStatus::Incomplete => {
            "lacks files for a reason of ours, which our operators mend. Its manifest follows then; until then, look \
             at its files"
        }
    };
    Err(Problem::new(ProblemKind::WrongState, format!("Run {} {wrong}.", run.key.run)))
}

/// A run of the viewer's account.
pub(super) async fn find(app: &App, viewer: &Viewer, (request, run): (i64, i64)) -> Result<Run, Problem> {
    let export = exports::find(app, viewer, request).await?;
    let key = RunKey { account: viewer.account, request: export.request, run: RunTimestamp(run) };
    let found = app.parts.store.run(key).await?;
    found.ok_or_else(|| Problem::not_found("run", &format!("{run} of export {request}")))
}

/// What keeps an open run from going on. An owed one goes where the export goes now.
pub(super) async fn blocked(app: &App, run: &Run, spec: &ExportSpec) -> Result<Option<BlockedBody>, Problem> {
    if run.status.is_closed() {
        return Ok(None);
    }
    let id = if run.status == RunStatus::Owed { &spec.bucket } else { &run.spec.bucket };
    let bucket = app.parts.store.bucket(run.key.account, id).await?;
    Ok(bucket.as_ref().and_then(BlockedBody::of))
}
