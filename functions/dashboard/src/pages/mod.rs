//! The pages: server-rendered, complete without JavaScript.

use std::sync::Arc;

use axum::Router;

use crate::App;

/// The pages of an account: behind login, and protected against forms of other sites.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}

/// What needs no login: styles and scripts.
pub fn public_routes() -> Router<Arc<App>> {
    Router::new()
}
