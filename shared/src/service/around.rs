//! What stands around every service's routes: its health, traces, panics, and how much may be asked.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::FutureExt;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Running, log::TraceContext, problem};

/// What may be asked of a service.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most bytes of a body.
    pub body_bytes: usize,
    /// How long an answer may take to begin.
    pub request_timeout: Duration,
    /// How many requests are worked on at once; more are sent away.
    pub concurrency: usize,
}

/// A service's routes with everything around them.
pub fn around(router: Router, limits: Limits, running: &Running) -> Router {
    let limits = Arc::new((limits, Semaphore::new(limits.concurrency)));
    let routes = router
        .layer(DefaultBodyLimit::max(limits.0.body_bytes))
        .layer(middleware::from_fn(catch_panics))
        .layer(middleware::from_fn_with_state(limits, keep_limits));
    Router::new()
        .route("/healthz", get(health).with_state(running.shutdown.clone()))
        .fallback_service(routes)
        .layer(middleware::map_response(in_words))
        .layer(middleware::from_fn(trace))
}

/// Whoever is about to end wants no more work.
async fn health(State(shutdown): State<CancellationToken>) -> Response {
    if shutdown.is_cancelled() {
        return problem::later("ending", "The process ends.", Duration::ZERO);
    }
    (StatusCode::OK, "ok\n").into_response()
}

/// What the router itself refuses comes without words, or in its own.
async fn in_words(response: Response) -> Response {
    let status = response.status();
    let told = response.headers().get(header::CONTENT_TYPE);
    let is_bare = told.is_none_or(|content_type| content_type.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !is_bare {
        return response;
    }
    let (kind, detail) = match status {
        StatusCode::NOT_FOUND => ("not-found", "There is nothing at this address."),
        StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "This address takes other methods."),
        _ => ("refused", "The request is not as it should be; the API's document shows how it is."),
    };
    let mut problem = problem::problem(status, kind, detail);
    for kept in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&kept) {
            problem.headers_mut().insert(kept, value.clone());
        }
    }
    problem
}

async fn trace(request: Request, next: Next) -> Response {
    let context = TraceContext::of(request.headers());
    // At the highest level, so that no filter takes the trace off a line.
    let span = tracing::error_span!(
        "request",
        method = request.method().as_str(),
        path = request.uri().path(),
        trace = context.as_ref().map(|context| context.trace.as_str()),
        span_id = context.as_ref().and_then(|context| context.span_id.as_deref()),
        trace_sampled = context.as_ref().map(|context| context.is_sampled),
    );
    next.run(request).instrument(span).await
}

async fn catch_panics(request: Request, next: Next) -> Response {
    // The request is gone with the panic; what is shared is behind locks that know.
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_: Box<dyn Any + Send>| problem::internal())
}

async fn keep_limits(
    State(limits): State<Arc<(Limits, Semaphore)>>,
    request: Request,
    next: Next,
) -> Response {
    let (limits, places) = &*limits;
    let Ok(_place) = places.try_acquire() else {
        return problem::later("busy", "As much is under way here as may be.", Duration::from_secs(1));
    };
    match tokio::time::timeout(limits.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(secs = limits.request_timeout.as_secs(), "a request was given up");
            problem::problem(StatusCode::GATEWAY_TIMEOUT, "timeout", "It took too long, and was given up.")
        }
    }
}
