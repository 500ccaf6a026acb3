//! `POST /webhook`: an account's webhook is sent a test. Here, since a secret has to be opened for it, and since whoever
//! shows pages calls no addresses of customers.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use spillway::{
    domain::AccountId,
    steps::{self, Parts, TriedWebhook},
};

use crate::problem;

/// Whose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookRequest {
    account: AccountId,
}

pub(crate) async fn test(
    State(parts): State<Parts>,
    request: Result<Json<WebhookRequest>, JsonRejection>,
) -> Response {
    let WebhookRequest { account } = match request {
        Ok(Json(request)) => request,
        Err(rejection) => return problem::bad_request(rejection.status(), &rejection.body_text()),
    };
    match steps::test_webhook(&parts, account).await {
        Ok(Some(TriedWebhook { outcome, took })) => {
            tracing::info!(%account, outcome = ?outcome.as_ref().ok(), "a webhook was tried");
            let (status, problem) = (outcome.as_ref().ok(), outcome.as_ref().err());
            Json(json!({ "status": status, "problem": problem, "took_millis": took.as_millis() as u64 }))
                .into_response()
        }
        Ok(None) => problem::no_webhook(),
        Err(error) => {
            tracing::error!(%account, %error, "a webhook could not be tried");
            problem::of_step(&error)
        }
    }
}
