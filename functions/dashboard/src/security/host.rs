//! Without login, the name in `Host` decides: a web site that points a name of its own at this machine (DNS rebinding)
//! would otherwise be served as if it were ours.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Uri, header};

use crate::{
    config::Config,
    problem::{Problem, ProblemKind},
};

pub(super) async fn refuse_foreign_names(
    State(config): State<Arc<Config>>,
    request: Request,
    next: Next,
) -> Response {
    if config.identity.is_local() && !is_ours(request.headers(), request.uri()) {
        let detail =
            "Without login only localhost, 127.0.0.1 and [::1] are served. Open the page by one of these.";
        return Problem::new(ProblemKind::WrongHost, detail).into_response();
    }
    next.run(request).await
}

fn is_ours(headers: &HeaderMap, uri: &Uri) -> bool {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.host());
    let Some(authority) = named.and_then(|host| host.parse::<http::uri::Authority>().ok()) else {
        return false;
    };
    let mut hosts = headers.get_all(header::HOST).iter();
    hosts.next();
    hosts.next().is_none()
        && ["localhost", "127.0.0.1", "[::1]"].iter().any(|ours| authority.host().eq_ignore_ascii_case(ours))
}
