//! The HTTP API under `/api/v1`.

mod account;
mod bodies;
mod buckets;
mod catalogue;
mod check;
mod docs;
mod document;
mod exports;
mod extract;
mod incidents;
mod progress;
mod progress_stream;
mod runs;
mod webhook;

use std::sync::Arc;

use axum::{Router, middleware};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::bodies::DeliveryBody;
pub(crate) use self::bodies::StepBody;
use crate::{App, config::Config, identity, problem};

/// Below which all routes of an account are.
const BASE: &str = "/api/v1";

fn changing() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(account::get_account, account::patch_account))
        .routes(routes!(webhook::renew_webhook_secret))
        .routes(routes!(webhook::test_webhook))
        .routes(routes!(buckets::list_buckets, buckets::create_bucket))
        .routes(routes!(buckets::get_bucket, buckets::delete_bucket))
        .routes(routes!(buckets::replace_key))
        .routes(routes!(incidents::check_bucket))
        .routes(routes!(incidents::list_incidents))
        .routes(routes!(catalogue::list_events))
        .routes(routes!(exports::list_exports, exports::create_export))
        .routes(routes!(exports::get_export, exports::patch_export))
        .routes(routes!(exports::stop_export))
        .routes(routes!(exports::start_export_again))
        .routes(routes!(progress::get_progress))
        .routes(routes!(runs::list_runs))
        .routes(routes!(runs::get_run))
        .routes(routes!(runs::list_files))
        .routes(routes!(runs::get_manifest))
        // Whatever changes something is for editors; that a handler forgets to ask for one changes nothing about it.
        .layer(middleware::from_fn(identity::only_editors_change))
}

fn reading() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(catalogue::estimate))
}

fn documented() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(document::begin()).nest(BASE, changing().merge(reading()))
}

/// The routes of an account.
pub fn routes() -> Router<Arc<App>> {
    documented().into()
}

/// The API's document, OpenAPI 3.1.
#[must_use]
pub fn document() -> OpenApi {
    document::complete(documented().into_openapi())
}

/// What needs no login: the document, its viewer, and what each problem means.
pub fn public_routes(config: &Config) -> Router<Arc<App>> {
    let mut document = document();
    if config.identity.is_local() {
        document::without_login(&mut document);
    }
    docs::routes(document).merge(problem::routes())
}
