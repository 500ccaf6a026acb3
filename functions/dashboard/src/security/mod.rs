//! What stands around every route: hosts, headers, sizes, times, and who may send forms.

pub mod csrf;
mod headers;
mod host;
pub(crate) mod origin;
pub(crate) mod rate;
mod timeout;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, middleware};

use crate::{
    App,
    problem::{Problem, ProblemKind},
};

pub use self::headers::ContentPolicy;

/// Puts the protection of every route around them; the outermost is last.
pub(crate) fn around(routes: Router<Arc<App>>, app: &Arc<App>) -> Router<Arc<App>> {
    let state = || Arc::clone(app);
    routes
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(app.config.limits.body_bytes))
        .layer(middleware::from_fn_with_state(state(), timeout::limit))
        .layer(middleware::from_fn_with_state(state(), origin::refuse_cross_site))
        .layer(middleware::from_fn_with_state(state(), host::refuse_foreign_names))
        .layer(middleware::from_fn_with_state(state(), headers::protect))
}

async fn wrong_method(method: http::Method, uri: http::Uri) -> Problem {
    Problem::new(ProblemKind::MethodNotAllowed, format!("{} does not take {method}.", uri.path()))
}
