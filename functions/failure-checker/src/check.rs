//! `POST /check`.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde_json::json;
use spillway::{
    service::later,
    steps::{self, Parts},
};

/// One round. One that breaks off does no harm: the next one looks again.
pub(crate) async fn check(State(parts): State<Parts>) -> Response {
    // It ends early by itself where the process does.
    let swept = match steps::sweep(&parts, |_| true).await {
        Ok(swept) => swept,
        Err(error) => {
            tracing::error!(%error, "a round broke off; the next one looks again");
            return later("broke-off", "The round broke off. It is in the log.", Duration::from_secs(10));
        }
    };
    for bucket in &swept.healed {
        tracing::info!(account = bucket.account.0, bucket = %bucket.id, "a blocked bucket works again");
    }
    for (account, error) in &swept.unseen {
        tracing::error!(account = account.0, %error, "a blocked bucket could not be looked at");
    }
    for run in &swept.published {
        tracing::info!(account = run.account.0, %run, "messages of a run were published");
    }
    for (run, error) in &swept.failed {
        tracing::error!(account = run.account.0, %run, %error, "a run could not be gone on with");
    }
    let counts = json!({
        "published": swept.published.len(),
        "failed": swept.failed.len(),
        "healed": swept.healed.len(),
        "candidates": swept.candidates,
    });
    tracing::info!(
        published = swept.published.len(),
        failed = swept.failed.len(),
        candidates = swept.candidates,
        "a round is done"
    );
    Json(counts).into_response()
}
