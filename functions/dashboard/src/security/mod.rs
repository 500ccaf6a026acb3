//! What stands around every route: hosts, headers, sizes, times, and who may send forms.

pub mod csrf;
mod headers;
mod host;
pub(crate) mod origin;
pub(crate) mod rate;
pub(crate) mod streams;
mod timeout;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};

use crate::{
    App,
    problem::{Problem, ProblemKind},
};

pub use self::headers::ContentPolicy;

/// Puts the protection of every route around them; the outermost is last.
pub(crate) fn around(routes: Router<Arc<App>>, app: &Arc<App>) -> Router<Arc<App>> {
    let state = || Arc::clone(&app.config);
    routes
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(app.config.limits.body_bytes))
        .layer(middleware::from_fn_with_state(state(), timeout::limit))
        .layer(middleware::from_fn_with_state(state(), origin::refuse_cross_site))
        .layer(middleware::from_fn_with_state(state(), host::refuse_foreign_names))
        .layer(middleware::map_response(as_problem))
        .layer(middleware::from_fn_with_state(state(), headers::protect))
}

/// Whatever a library refuses in words of its own becomes a problem as well.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_told = kind.is_some_and(|kind| !kind.starts_with(b"text/plain"));
    let Some(kind) = ProblemKind::of(status).filter(|_| !is_told) else { return response };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut problem = Problem::new(kind, kind.meaning()).into_response();
    problem.headers_mut().extend(allow.map(|methods| (header::ALLOW, methods)));
    problem
}

async fn wrong_method(method: http::Method, uri: http::Uri) -> Problem {
    Problem::new(ProblemKind::MethodNotAllowed, format!("{} does not take {method}.", uri.path()))
}
