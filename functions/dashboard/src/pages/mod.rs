//! The pages: server-rendered, complete without JavaScript.
//!
//! A handler takes a `Visit`, asks the steps, and gives a template a view model: plain texts, made by pure
//! functions (`words`, `numbers`, `times`, `pill`, and the `*_view` of each page).

mod assets;
pub(crate) mod errors;
mod exports;
mod form;
mod frame;
mod guide;
mod help;
mod mail;
mod numbers;
mod off;
mod partners;
mod pill;
mod settings;
mod snippets;
mod times;
mod trouble;
mod visit;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    response::Redirect,
    routing::{get, post},
};

use crate::App;

/// The pages of an account: behind login, and protected against forms of other sites.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/exports") }))
        .route("/guide", get(guide::page))
        .route("/settings", get(settings::page).post(settings::save))
        .route("/settings/webhook/test", post(settings::webhook::test))
        .route("/settings/webhook/secret", post(settings::webhook::renew_secret))
        .merge(exports::routes())
        .merge(help::routes())
        .merge(mail::routes())
        .merge(partners::routes())
}

/// What needs no login: styles and scripts.
pub fn public_routes() -> Router<Arc<App>> {
    assets::routes()
}
