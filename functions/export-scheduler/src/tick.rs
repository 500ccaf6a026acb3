//! `POST /tick`.

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

/// Creates what is due. A tick that breaks off does no harm: the next one goes on.
pub(crate) async fn tick(State(parts): State<Parts>) -> Response {
    let ticked = parts.shutdown.run_until_cancelled(steps::tick(&parts)).await;
    let ticked = match ticked {
        Some(Ok(ticked)) => ticked,
        Some(Err(error)) => {
            tracing::error!(%error, "a tick broke off; the next one goes on");
            return later("broke-off", "The tick broke off. It is in the log.", Duration::from_secs(10));
        }
        None => return later("ending", "The process ends.", Duration::ZERO),
    };
    for run in &ticked.created {
        tracing::info!(account = run.account.0, %run, "a run is due");
    }
    for (account, request, error) in &ticked.failed {
        tracing::error!(account = account.0, %request, %error, "an export's next run could not be created");
    }
    for (account, error) in &ticked.catalogue_failed {
        tracing::warn!(account = account.0, %error, "a catalogue stays behind");
    }
    let counts = json!({
        "created": ticked.created.len(),
        "waiting": ticked.waiting.len(),
        "woken": ticked.woken.len(),
        "failed": ticked.failed.len(),
    });
    tracing::info!(
        created = ticked.created.len(),
        woken = ticked.woken.len(),
        failed = ticked.failed.len(),
        "a tick is done"
    );
    Json(counts).into_response()
}
