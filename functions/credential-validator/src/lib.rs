//! The credential validator: checks a bucket that a customer wants to connect, and saves it where all is well.
//!
//! `POST /check` takes `{"account":1,"candidate":"<id>"}`, the candidate that the dashboard has sealed, and answers
//! with a line of JSON a step, each as the step ends ([`StepReport`](spillway::domain::StepReport)), and
//! `{"saved":true}` or `{"saved":false}` as the last one ([`CheckVerdict`](spillway::domain::CheckVerdict)). An answer
//! without that last line broke off. It is one of the few places where a customer's key is opened; nothing of a key
//! is ever in an answer or in the log.
//!
//! `POST /recheck` takes `{"account":1,"bucket":"main"}`, looks at that bucket, lets what waited for it go on where it
//! works, and says so. `POST /webhook` takes `{"account":1}`, sends that account's webhook a test, and answers with what became of it.
//!
//! Nothing listens here: `functions/local` does and, in the cloud, the service (feature `service`). The wiring chooses
//! who may call: whoever knows a secret ([`BearerSecret`]), or service accounts.

mod check;
mod problem;
mod recheck;
mod secret;
#[cfg(feature = "service")]
mod service;
mod webhook;

use axum::{Router, extract::DefaultBodyLimit, routing::post};
use spillway::steps::Parts;

pub use secret::{BearerSecret, WeakSecret};
#[cfg(feature = "service")]
pub use service::{CredentialValidator, ValidatorSettings};

/// The longest body of a request, in bytes; two numbers need less.
const BODY_MAX_BYTES: usize = 1_024;

/// The routes, behind `guard`, which lets those through who may call.
pub fn router(parts: Parts, guard: impl FnOnce(Router) -> Router) -> Router {
    let routes = Router::new()
        .route("/check", post(check::check).fallback(problem::not_allowed))
        .route("/recheck", post(recheck::recheck).fallback(problem::not_allowed))
        .route("/webhook", post(webhook::test).fallback(problem::not_allowed))
        .fallback(problem::not_found)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .with_state(parts);
    guard(routes)
}
