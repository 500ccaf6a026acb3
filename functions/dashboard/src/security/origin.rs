//! Changes come from our own pages or from programs, never from another site's page.
//!
//! Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin`; programs send neither. What a
//! browser sends without asking first (a form) is caught here; the rest another site may not even ask for.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use url::Url;

use crate::{
    config::Config,
    problem::{Problem, ProblemKind},
};

pub(super) async fn refuse_cross_site(
    State(config): State<Arc<Config>>,
    request: Request,
    next: Next,
) -> Response {
    if !request.method().is_safe() && !is_ours(request.headers(), &config.public_url) {
        let detail = "The request comes from a page of another site. Open our page, and send it from there.";
        return Problem::new(ProblemKind::CrossSite, detail).into_response();
    }
    next.run(request).await
}

fn is_ours(headers: &HeaderMap, public_url: &Url) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some(origin) = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()) else { return false };
    // A laptop is reached by several names.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let itself = host.and_then(|host| Url::parse(&format!("{}://{host}", public_url.scheme())).ok());
    origin.origin() == public_url.origin() || itself.is_some_and(|itself| itself.origin() == origin.origin())
}
