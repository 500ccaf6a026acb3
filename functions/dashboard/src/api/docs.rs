//! The API's document and its viewer. Nothing in it is secret, and nothing is loaded from elsewhere.

use std::sync::Arc;

use axum::{Router, response::Response};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{App, security::ContentPolicy};

/// Where the document is.
const DOCUMENT: &str = "/api/v1/openapi.json";
/// Where it can be read by people.
const VIEWER: &str = "/api/docs";

pub(super) fn routes(document: OpenApi) -> Router<Arc<App>> {
    // The viewer would have the document judged by a service on the internet.
    let config = Config::default().validator_url("none").try_it_out_enabled(true).use_base_layout();
    let viewer: Router<Arc<App>> = SwaggerUi::new(VIEWER).config(config).url(DOCUMENT, document).into();
    viewer.layer(axum::middleware::map_response(async |mut response: Response| {
        response.extensions_mut().insert(ContentPolicy::VIEWER);
        response
    }))
}
