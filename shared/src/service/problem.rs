//! Refusals as `application/problem+json` (RFC 9457).

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// A problem: the last part of its type, and what happened.
#[must_use]
pub fn problem(status: StatusCode, kind: &str, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Refused");
    let body = json!({
        "type": format!("/problems/{kind}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
    });
    let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

/// It may be asked again after a while; at least a second.
#[must_use]
pub fn later(kind: &str, detail: &str, after: Duration) -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, kind, detail);
    let secs = after.as_millis().div_ceil(1_000).max(1);
    let secs = HeaderValue::from(u64::try_from(secs).unwrap_or(u64::MAX));
    response.headers_mut().insert(header::RETRY_AFTER, secs);
    response
}

pub(super) fn internal() -> Response {
    let detail = "Something of ours is broken. It is in the log.";
    problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
}
