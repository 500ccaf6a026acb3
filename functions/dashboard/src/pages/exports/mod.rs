//! The exports: the list, the form, the page of each.

mod chart;
mod edit;
mod fields;
mod filter;
mod form_view;
mod list;
mod live;
mod new;
mod pager;
mod progress;
mod row;
mod run_view;
mod show;
mod show_view;
mod start_again;
mod stop;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use spillway::domain::{Export, RequestId};

use super::visit::Visit;
use crate::{App, problem::Problem};

pub(crate) use self::run_view::bucket_href;

/// The routes.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/exports", get(list::page).post(new::create))
        .route("/exports/live", get(live::list))
        .route("/exports/new", get(new::page))
        .route("/exports/estimate", post(new::estimate))
        .route("/exports/{request}", get(show::page))
        .route("/exports/{request}/live", get(live::export))
        .route("/exports/{request}/edit", get(edit::page).post(edit::save))
        .route("/exports/{request}/stop", get(stop::page).post(stop::stop))
        .route("/exports/{request}/start-again", post(start_again::start))
}

/// The account's export of an address.
async fn export_of(app: &App, visit: &Visit, request: &str) -> Result<Export, Problem> {
    let nothing = || Problem::not_found("export", &request);
    let id: RequestId = request.parse().map_err(|_| nothing())?;
    let found = app.parts.store.export(visit.viewer.account, id).await?;
    found.ok_or_else(nothing)
}
