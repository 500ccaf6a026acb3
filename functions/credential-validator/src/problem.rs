//! Refusals as `application/problem+json` (RFC 9457).

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use spillway::{
    ports::StoreError,
    steps::{CheckError, StepError},
};

/// What is said of our own troubles, whose causes are in the log.
pub(crate) const OURS: &str = "Something on our side does not work just now. Try again in a minute.";

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
}

fn answer(status: StatusCode, kind: &'static str, title: &'static str, detail: &str) -> Response {
    let body = Problem { kind, title, status: status.as_u16(), detail };
    let mut response = (status, Json(body)).into_response();
    let problem = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, problem);
    response
}

pub(crate) fn unauthorized() -> Response {
    let detail = "Give the validator's secret: Authorization: Bearer <secret>.";
    let mut response = answer(StatusCode::UNAUTHORIZED, "/problems/unauthorized", "Who are you?", detail);
    let name: HeaderName = header::WWW_AUTHENTICATE;
    response.headers_mut().insert(name, HeaderValue::from_static("Bearer"));
    response
}

pub(crate) async fn not_found() -> Response {
    answer(
        StatusCode::NOT_FOUND,
        "/problems/not-found",
        "Not found",
        "There are POST /check, POST /recheck and POST /webhook only.",
    )
}

pub(crate) async fn not_allowed() -> Response {
    let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, "/problems/method", "Not allowed", "Use POST.");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

/// The body is not what is asked for.
pub(crate) fn bad_request(status: StatusCode, detail: &str) -> Response {
    answer(status, "/problems/bad-request", "The request cannot be read", detail)
}

/// The check has come to no end, before its first step.
pub(crate) fn of_check(error: &CheckError) -> Response {
    match error {
        CheckError::NoCandidate => {
            let kind = "/problems/no-candidate";
            answer(StatusCode::NOT_FOUND, kind, "Nothing to check", &error.to_string())
        }
        CheckError::Refused(refused) => {
            answer(StatusCode::CONFLICT, "/problems/refused", "Refused", &refused.to_string())
        }
        CheckError::Step(error) => of_step(error),
    }
}

/// A part of ours did not work.
pub(crate) fn of_step(error: &StepError) -> Response {
    match error {
        StepError::Store(StoreError::Unavailable(_) | StoreError::Full(_)) => {
            answer(StatusCode::SERVICE_UNAVAILABLE, "/problems/unavailable", "Not available", OURS)
        }
        _ => internal(),
    }
}

/// The account has no such bucket.
pub(crate) fn no_bucket() -> Response {
    answer(StatusCode::NOT_FOUND, "/problems/no-bucket", "No bucket", "The account has no such bucket.")
}

/// The account has none.
pub(crate) fn no_webhook() -> Response {
    let detail = "The account has no webhook.";
    answer(StatusCode::NOT_FOUND, "/problems/no-webhook", "No webhook", detail)
}

pub(crate) fn internal() -> Response {
    answer(StatusCode::INTERNAL_SERVER_ERROR, "/problems/internal", "Internal error", OURS)
}
