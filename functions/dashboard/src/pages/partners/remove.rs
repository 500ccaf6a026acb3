//! Removing a bucket, after a question.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use spillway::{
    domain::PartnerBucket,
    steps::{self, RemoveError},
};

use super::bucket_of;
use crate::{
    App,
    pages::{
        exports::bucket_href,
        frame::{Done, Frame, Section},
        visit::{Visit, done, html},
    },
    problem::Problem,
};

#[derive(Template)]
#[template(path = "partners/remove.html")]
struct RemovePage {
    frame: Frame,
    nickname: String,
    name: String,
    action: String,
    refused: Option<String>,
}

pub(super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(nickname): Path<String>,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let bucket = bucket_of(&app, &visit, &nickname).await?;
    Ok(html(&question(&visit, &bucket, None)))
}

pub(super) async fn remove(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(nickname): Path<String>,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let bucket = bucket_of(&app, &visit, &nickname).await?;
    match steps::remove_bucket(&app.parts, visit.viewer.account, &bucket.id).await {
        Ok(()) => Ok(done("/partners", Done::BucketRemoved, &[])),
        Err(RemoveError::InUse(wrong)) => {
            let page = question(&visit, &bucket, Some(wrong.to_string()));
            Ok((StatusCode::CONFLICT, html(&page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn question(visit: &Visit, bucket: &PartnerBucket, refused: Option<String>) -> RemovePage {
    RemovePage {
        frame: visit.frame(Section::Partners),
        nickname: bucket.id.to_string(),
        name: bucket.bucket_name.clone(),
        action: bucket_href(&bucket.id.0, "remove"),
        refused,
    }
}
