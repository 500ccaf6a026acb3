//! No request takes for ever. A stream has begun to answer in time, and then goes on.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    config::Config,
    problem::{Problem, ProblemKind},
};

pub(super) async fn limit(State(config): State<Arc<Config>>, request: Request, next: Next) -> Response {
    let secs = config.limits.request_timeout_secs;
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
