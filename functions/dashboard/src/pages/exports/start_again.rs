//! Going on with an export that was stopped by failure.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use spillway::steps;

use super::export_of;
use crate::{
    App,
    pages::{
        frame::Done,
        visit::{Visit, done},
    },
    problem::Problem,
};

pub(super) async fn start(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(request): Path<String>,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let export = export_of(&app, &visit, &request).await?;
    let by = visit.viewer.email.clone();
    let started = steps::start_again(&app.parts, export.account, export.request, by).await?;
    Ok(done(&format!("/exports/{}", started.export.request), Done::StartedAgain, &[("export", request)]))
}
