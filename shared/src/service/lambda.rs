//! The same routers on AWS Lambda.

use std::env;

use axum::Router;

use super::StartError;

/// Whether the process was started by Lambda.
pub(super) fn is_here() -> bool {
    env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

/// Takes requests from Lambda until it ends the process.
#[expect(clippy::future_not_send, reason = "the process waits for it on its first thread")]
pub(super) async fn serve(router: Router) -> Result<(), StartError> {
    tracing::info!("ready on Lambda");
    lambda_http::run(router).await
}
