//! Stopping an export, after a question.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use spillway::{
    domain::{ExportStatus, StopReason, rules},
    steps,
};

use super::export_of;
use crate::{
    App,
    pages::{
        frame::{Done, Frame, Section},
        visit::{Visit, done, html},
        words,
    },
    problem::Problem,
};

/// The question.
#[derive(Template)]
#[template(path = "exports/stop.html")]
struct StopPage {
    frame: Frame,
    request: String,
    what: String,
    next_run: Option<String>,
}

pub(super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(request): Path<String>,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let export = export_of(&app, &visit, &request).await?;
    rules::check_stop(&export, &visit.account.time_zone)?;
    let spec = &export.spec;
    let what = format!(
        "{} into {}, {}, as {}.",
        words::data(&spec.data),
        spec.bucket,
        words::frequency(&spec.frequency).to_lowercase(),
        words::format(spec.format)
    );
    let next_run = visit.times.next_run(&export);
    Ok(html(&StopPage { frame: visit.frame(Section::Exports), request, what, next_run }))
}

pub(super) async fn stop(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(request): Path<String>,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let export = export_of(&app, &visit, &request).await?;
    rules::check_stop(&export, &visit.account.time_zone)?;
    let stopped = steps::stop_export(&app.parts, export.account, export.request, &StopReason::User).await?;
    // It may have come to its end just before: then there was nothing to stop, and it must not be said that there was.
    if stopped.status == ExportStatus::Done {
        rules::check_stop(&stopped, &visit.account.time_zone)?;
    }
    Ok(done("/exports", Done::Stopped, &[("export", request)]))
}
