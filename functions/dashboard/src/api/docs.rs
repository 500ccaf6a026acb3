//! The API's document and its viewer. Nothing in it is secret, and nothing is loaded from elsewhere.

use std::sync::Arc;

use axum::{Json, Router, routing::get};
use utoipa::openapi::OpenApi;

use crate::App;

/// Where the document is.
pub(super) const DOCUMENT: &str = "/api/v1/openapi.json";

pub(super) fn routes(document: OpenApi) -> Router<Arc<App>> {
    Router::new().route(DOCUMENT, get(|| async move { Json(document) }))
}
