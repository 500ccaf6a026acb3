//! `POST /notify`.

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

/// Sends what is owed to webhooks: more often than a whole round, so that a run is told of soon after it has ended.
pub(crate) async fn notify(State(parts): State<Parts>) -> Response {
    match steps::send_webhooks(&parts).await {
        Ok(delivered) => {
            for (account, reason) in &delivered.given_up {
                tracing::warn!(account = account.0, reason, "a delivery to a webhook was given up");
            }
            for (account, error) in &delivered.troubled {
                tracing::error!(account = account.0, %error, "a notice could not be dealt with; the next call looks again");
            }
            Json(json!({
                "sent": delivered.sent,
                "later": delivered.later,
                "given_up": delivered.given_up.len(),
            }))
            .into_response()
        }
        Err(error) => {
            tracing::error!(%error, "notices could not be sent; the next call goes on");
            let after = std::time::Duration::from_secs(10);
            later("broke-off", "The sending broke off. It is in the log.", after)
        }
    }
}
