//! Incidents of buckets, and another look at one.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use spillway::domain::{BucketId, Incident};
use utoipa::IntoParams;

use super::{
    bodies::{IncidentBody, IncidentList, RecheckBody},
    buckets,
    extract::{Params, PathOf},
};
use crate::{App, identity::Viewer, incidents, problem::Problem};

/// How many are given.
const LISTED: usize = 100;

/// Which incidents.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those of the bucket of this nickname.
    #[param(nullable = false)]
    bucket: Option<String>,
}

/// The account's incidents of the last time, newest first: buckets that failed, and what was told of it.
#[utoipa::path(
    get, path = "/incidents", tag = "Buckets",
    params(Which),
    responses((status = OK, body = IncidentList))
)]
pub(super) async fn list_incidents(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Params(which): Params<Which>,
) -> Result<Json<IncidentList>, Problem> {
    let known = app.parts.store.incidents(viewer.account, LISTED).await?;
    let wanted =
        known.iter().filter(|incident| which.bucket.as_ref().is_none_or(|id| incident.bucket.0 == *id));
    let buckets = app.parts.store.buckets(viewer.account).await?;
    let body = |incident: &Incident| {
        IncidentBody::new(incident, buckets.iter().find(|bucket| bucket.id == incident.bucket))
    };
    Ok(Json(IncidentList { incidents: wanted.map(body).collect() }))
}

/// Look at a bucket now. What waited for one that works goes on at once.
#[utoipa::path(
    post, path = "/buckets/{nickname}/check", tag = "Buckets",
    params(("nickname" = String, Path, description = "The bucket's nickname")),
    responses(
        (status = OK, body = RecheckBody),
        (status = BAD_GATEWAY, description = "The check cannot be made just now"),
    )
)]
pub(super) async fn check_bucket(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf(nickname): PathOf<String>,
) -> Result<Json<RecheckBody>, Problem> {
    let id = BucketId(nickname.clone());
    let answer = incidents::recheck(&app, viewer.account, &id).await?;
    let bucket = buckets::find(&app, &viewer, nickname).await?;
    let problem = answer.failure.map(|failure| failure.words((&bucket).into()).sentence());
    Ok(Json(RecheckBody { works: answer.works, problem, bucket: (&bucket).into() }))
}
