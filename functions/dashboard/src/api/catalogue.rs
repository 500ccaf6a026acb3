//! The account's events, and what an export of them would deliver.

use std::sync::Arc;

use axum::{Json, extract::State};
use spillway::steps;

use super::{
    account,
    bodies::{EstimateBody, EventList, NewExportBody},
    extract::JsonBody,
};
use crate::{App, identity::Viewer, problem::Problem};

/// The account's events, by name.
#[utoipa::path(get, path = "/events", tag = "Data", responses((status = OK, body = EventList)))]
pub(super) async fn list_events(
    State(app): State<Arc<App>>,
    viewer: Viewer,
) -> Result<Json<EventList>, Problem> {
    let events = steps::catalogue(&app.parts, viewer.account).await?;
    Ok(Json(EventList::new(events)))
}

/// What an export would deliver. Only its data and its days are judged, and nothing is created.
#[utoipa::path(
    post, path = "/estimate", tag = "Data",
    request_body = NewExportBody,
    responses(
        (status = OK, body = EstimateBody),
        (status = NOT_FOUND, description = "Nothing is known of the account yet"),
    )
)]
pub(super) async fn estimate(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    JsonBody { value: wish, .. }: JsonBody<NewExportBody>,
) -> Result<Json<EstimateBody>, Problem> {
    let account = account::find(&app, viewer.account).await?;
    let spec = wish.into_spec(app.today(&account)).map_err(Problem::refused)?;
    Ok(Json(steps::estimate(&app.parts, viewer.account, &spec, None).await?.into()))
}
