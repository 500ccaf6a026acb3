//! The set-up guide: from nothing to a connected bucket, in Google's console or by `gcloud`, filled in with what is known.

mod names;
mod steps;

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};

use self::{names::Names, steps::Step};
use super::{
    frame::{Frame, Section},
    visit::{Visit, html},
};
use crate::{App, problem::Problem};

/// The page.
#[derive(Template)]
#[template(path = "guide.html")]
struct GuidePage {
    frame: Frame,
    project: String,
    bucket: String,
    service: String,
    /// Whether the names are those of a connected bucket.
    is_known: bool,
    wrong: Vec<String>,
    steps: Vec<Step>,
    addresses: Vec<String>,
}

pub(super) async fn page(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let buckets = app.parts.store.buckets(visit.viewer.account).await?;
    let (names, wrong) = Names::new(&visit.query, buckets.first());
    Ok(html(&GuidePage {
        frame: visit.frame(Section::Guide),
        steps: steps::steps(&names),
        project: names.project,
        bucket: names.bucket,
        service: names.service,
        is_known: names.is_known,
        wrong,
        addresses: app.config.outgoing_ips.clone(),
    }))
}
