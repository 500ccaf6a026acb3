//! How far an export is, once or as it goes on.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use spillway::{domain::Export, steps};

use super::{
    bodies::ProgressBody,
    exports,
    extract::{PathOf, preferred},
    progress_stream, runs,
};
use crate::{App, identity::Viewer, problem::Problem};

/// Server-sent events.
const EVENTS: &str = "text/event-stream";

/// How far an export is.
///
/// With `Accept: text/event-stream` it goes on: an event `progress` for each change, with the same JSON, and an event
/// `end` when nothing more will come.
#[utoipa::path(
    get, path = "/exports/{request_id}/progress", tag = "Exports",
    params(("request_id" = i64, Path, description = "The export's number")),
    responses((status = OK, content((ProgressBody = "application/json"), (String = "text/event-stream"))))
)]
pub(super) async fn get_progress(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    PathOf(request): PathOf<i64>,
) -> Result<Response, Problem> {
    let kind = preferred(&headers, &["application/json", EVENTS])?;
    let export = exports::find(&app, &viewer, request).await?;
    if kind == EVENTS {
        return progress_stream::answer(app, viewer, export.request);
    }
    Ok(Json(progress(&app, &export).await?).into_response())
}

/// How far it is just now.
pub(super) async fn progress(app: &App, export: &Export) -> Result<ProgressBody, Problem> {
    let (account, request) = (export.account, export.request);
    let run = match steps::worked_run(&app.parts, account, request).await? {
        Some(run) => Some(run),
        None => app.parts.store.runs_page(account, request, None, 1).await?.runs.pop(),
    };
    let Some(run) = run else { return Ok(ProgressBody::new(export, None)) };
    let progress = steps::run_progress(&app.parts, &run).await?;
    let blocked = runs::blocked(app, &run, &export.spec).await?;
    let now = app.parts.clock.now();
    Ok(ProgressBody::new(export, Some(ProgressBody::of_run(&progress, blocked, now))))
}
