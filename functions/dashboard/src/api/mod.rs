//! The HTTP API under `/api/v1`.

mod account;
pub mod bodies;
mod docs;

use std::sync::Arc;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{App, config::Config, problem};

/// What the document says of the API as a whole.
#[derive(OpenApi)]
#[openapi(info(
    title = "Spillway",
    description = "Export to Google Cloud: events and user profiles, as files in a \
                                                   bucket of your own.",
    license(name = "MIT OR Apache-2.0")
))]
struct Document;

fn documented() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .nest("/api/v1", OpenApiRouter::new().routes(routes!(account::get_account)))
}

/// The routes of an account.
pub fn routes(_config: &Config) -> Router<Arc<App>> {
    documented().into()
}

/// What needs no login: the document, its viewer, and what each problem means.
pub fn public_routes() -> Router<Arc<App>> {
    docs::routes(documented().into_openapi()).merge(problem::routes())
}
