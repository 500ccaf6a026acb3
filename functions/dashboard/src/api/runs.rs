//! The runs of an export, the files of a run, and its manifest.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::header;
use serde::Deserialize;
use spillway::{
    domain::{ExportSpec, Manifest, ManifestStatus, Run, RunKey, RunStatus, RunTimestamp},
    ports::RunFile,
    steps::{self, StepError},
};
use utoipa::IntoParams;

use super::{
    bodies::{BlockedBody, FileList, ManifestBody, ManifestFileBody, RunBody, RunList},
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
) -> Result<Response, Problem> {
    let run = find(&app, &viewer, (request, run)).await?;
    let status = manifest_status(&run)?;
    let (totals, zone) = (run.totals, run.zone.time_zone());
    let window = (run.window, &zone);
    let mut manifest =
        Manifest::new(run.key, status, window, run.spec.format, totals.deleted_profiles, Vec::new());
    (manifest.rows, manifest.bytes) = (totals.rows, totals.bytes);
    let (head, tail) = around_files(manifest)?;
    // The first page is read before the answer begins, so that a store that does not work is told as such.
    let first = steps::run_files(&app.parts, run.key, None, MANIFEST_PAGE).await?;
    let (parts, key) = (app.parts.clone(), run.key);
    let later = stream::try_unfold(first.next.clone(), move |cursor| {
        let parts = parts.clone();
        async move {
            let Some(cursor) = cursor else { return Ok(None) };
            let page = steps::run_files(&parts, key, Some(&cursor), MANIFEST_PAGE).await?;
            Ok::<_, StepError>(Some((listed(page.files, false), page.next)))
        }
    });
    let begin = [Bytes::from(head), listed(first.files, true)].map(Ok);
    let text =
        stream::iter(begin).chain(later).chain(stream::iter([Ok(Bytes::from_static(tail.as_bytes()))]));
    // An answer that breaks off is no JSON, so that nobody takes a part for the whole.
    let text = text.inspect_err(move |error| tracing::error!(%error, run = %key, "a manifest broke off"));
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from_stream(text)).into_response())
}

/// A manifest's JSON before and behind its files, which are its last field.
fn around_files(manifest: Manifest) -> Result<(String, &'static str), Problem> {
    const TAIL: &str = "]}";
    let text =
        serde_json::to_string(&ManifestBody::from(manifest)).map_err(|error| Problem::internal(&error))?;
    match text.strip_suffix(TAIL) {
        Some(head) => Ok((head.to_owned(), TAIL)),
        None => Err(Problem::internal(&"a manifest does not end with its files")),
    }
}

/// Files of a list, behind others where they are not the first.
fn listed(files: Vec<RunFile>, is_first: bool) -> Bytes {
    let mut text = String::new();
    for file in files {
        if !(is_first && text.is_empty()) {
            text.push(',');
        }
        let body = ManifestFileBody::from(file.file);
        text.push_str(&serde_json::to_string(&body).expect("strings, numbers and dates always serialise"));
    }
    text.into()
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

#[cfg(test)]
mod tests {
    use spillway::domain::{Crc32c, DatabaseId, ManifestFile};

    use super::*;

    #[test]
    fn pages_of_files_are_one_list() {
        let file = |name: &str| RunFile {
            file: ManifestFile {
                name: name.to_owned(),
                event_name: None,
                date: None,
                database_id: DatabaseId(0),
                rows: 1,
                bytes: 1,
                crc32c: Crc32c(0),
            },
            completed_at: None,
        };
        let pages =
            [listed(vec![file("a"), file("b")], true), listed(vec![], false), listed(vec![file("c")], false)];
        let text = format!("[{}]", pages.map(|page| String::from_utf8_lossy(&page).into_owned()).concat());
        let list: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let names: Vec<_> = list.as_array().into_iter().flatten().map(|file| file["name"].clone()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
