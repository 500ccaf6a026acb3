//! No request takes for ever. A stream has begun to answer in time, and then goes on; who waits for a check of a bucket
//! waits as long as that may take.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    config::Config,
    problem::{Problem, ProblemKind},
};

/// The routes that wait for a check of a bucket, which has a limit of its own.
const CHECKS: [&str; 6] = [
    "/api/v1/buckets",
    "/api/v1/buckets/{nickname}/check",
    "/api/v1/buckets/{nickname}/key",
    "/partners/google-cloud/buckets",
    "/partners/google-cloud/buckets/{nickname}/check",
    "/partners/google-cloud/buckets/{nickname}/key",
];
/// What there is to do before and after a check.
const AROUND_CHECK_SECS: u64 = 10;

pub(super) async fn limit(State(config): State<Arc<Config>>, request: Request, next: Next) -> Response {
    let waits_for_check =
        request.extensions().get::<MatchedPath>().is_some_and(|matched| CHECKS.contains(&matched.as_str()));
    let secs = match config.limits.request_timeout_secs {
        secs if waits_for_check => secs.max(config.validator.timeout_secs.saturating_add(AROUND_CHECK_SECS)),
        secs => secs,
    };
    let path = request.uri().path().to_owned();
    match tokio::time::timeout(Duration::from_secs(secs), next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::warn!(path, secs, "a request was given up");
            let detail = format!(
                "The request was given up after {secs} seconds. What it changes may have happened; look before you \
                 repeat it."
            );
            Problem::new(ProblemKind::Timeout, detail).into_response()
        }
    }
}
