//! The list of partners, and of the buckets.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use spillway::domain::BucketState;

use super::{BucketRow, buckets};
use crate::{
    App,
    pages::{
        frame::{Frame, Section},
        numbers,
        visit::{Visit, html},
    },
    problem::Problem,
};

#[derive(Template)]
#[template(path = "partners/list.html")]
struct ListPage {
    frame: Frame,
    /// Whether a bucket takes files, so that the tile has the tag *Export*.
    is_working: bool,
    state: String,
    buckets: Vec<BucketRow>,
}

pub(super) async fn page(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let buckets = buckets(&app, &visit).await?;
    let blocked = buckets.iter().filter(|bucket| bucket.state != BucketState::Ready).count();
    let state = match (buckets.len(), blocked) {
        (0, _) => "Not connected".to_owned(),
        (all, 0) => format!("{} connected", numbers::counted(all as u64, "bucket", "buckets")),
        (all, blocked) => {
            format!("{} connected, {blocked} blocked", numbers::counted(all as u64, "bucket", "buckets"))
        }
    };
    Ok(html(&ListPage {
        frame: visit.frame(Section::Partners),
        is_working: blocked < buckets.len(),
        state,
        buckets: buckets.iter().map(|bucket| BucketRow::new(bucket, &visit.times)).collect(),
    }))
}
