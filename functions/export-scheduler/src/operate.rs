//! What the platform's operators ask for: accounts made known, and INCOMPLETE runs tried again.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{post, put},
};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use spillway::{
    domain::{
        AccountId, EmailAddress, IdentityKind, RequestId, RunKey, RunTimestamp, WebhookUrl, ZoneName,
        rules::AccountChange,
    },
    service::{later, problem},
    steps::{self, AccountError, AccountSettings, Parts, RetryError, StepError},
};

/// The routes.
pub(crate) fn routes() -> Router<Parts> {
    Router::new()
        .route("/accounts/{account}", put(put_account))
        .route("/accounts/{account}/runs/{run}/retry", post(retry_run))
}

/// An account's settings; what is left out stays, or is the product's default.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountBody {
    time_zone: Option<ZoneName>,
    identities: Option<Vec<IdentityKind>>,
    notify: Option<Vec<EmailAddress>>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "given")]
    webhook: Option<Option<WebhookUrl>>,
    shards: Option<u8>,
    /// Null: any number of days.
    #[serde(default, deserialize_with = "given")]
    one_time_limit_days: Option<Option<u32>>,
    exports_enabled: Option<bool>,
}

/// Tells null from what is left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// `PUT /accounts/{account}`: can be repeated.
async fn put_account(
    State(parts): State<Parts>,
    Path(account): Path<u64>,
    body: Result<Json<AccountBody>, JsonRejection>,
) -> Response {
    let body = match body {
        Ok(Json(body)) => body,
        Err(rejection) => return problem(StatusCode::BAD_REQUEST, "invalid-body", &rejection.body_text()),
    };
    let AccountBody { time_zone, identities, notify, webhook, shards, one_time_limit_days, exports_enabled } =
        body;
    if shards.is_some_and(|shards| !(1..=24).contains(&shards)) {
        let detail = "An account's users are spread over 1 to 24 shards.";
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "refused", detail);
    }
    let change = AccountChange { time_zone, identities, notify, webhook };
    let settings = AccountSettings { change, shards, one_time_limit_days, exports_enabled };
    match steps::put_account(&parts, AccountId(account), settings).await {
        Ok(account) => {
            tracing::info!(account = account.id.0, "an account's settings were put");
            Json(account).into_response()
        }
        Err(AccountError::Step(error)) => broke_off(&error),
        Err(error @ AccountError::Refused(_)) => {
            problem(StatusCode::UNPROCESSABLE_ENTITY, "refused", &error.to_string())
        }
        Err(error @ (AccountError::NoAccount(_) | AccountError::Changed(_))) => {
            problem(StatusCode::CONFLICT, "changed-meanwhile", &error.to_string())
        }
    }
}

/// `POST /accounts/{account}/runs/{request}-{timestamp}/retry`: an INCOMPLETE run again, once what it names is mended.
async fn retry_run(State(parts): State<Parts>, Path((account, run)): Path<(u64, String)>) -> Response {
    let numbers =
        run.split_once('-').and_then(|(request, run)| Some((request.parse().ok()?, run.parse().ok()?)));
    let Some((request, timestamp)) = numbers else {
        let detail = "A run is named <request id>-<run timestamp>, as its files begin.";
        return problem(StatusCode::BAD_REQUEST, "malformed-request", detail);
    };
    let key =
        RunKey { account: AccountId(account), request: RequestId(request), run: RunTimestamp(timestamp) };
    match steps::retry_run(&parts, key).await {
        Ok(chunks) => {
            tracing::info!(account, run = %key, chunks, "a run is tried again");
            Json(json!({ "chunks": chunks })).into_response()
        }
        Err(RetryError::Step(error)) => broke_off(&error),
        Err(error @ RetryError::NoRun(_)) => problem(StatusCode::NOT_FOUND, "not-found", &error.to_string()),
        Err(error) => problem(StatusCode::CONFLICT, "wrong-state", &error.to_string()),
    }
}

fn broke_off(error: &StepError) -> Response {
    tracing::error!(%error, "an operator's call broke off");
    later("broke-off", "It broke off. It is in the log; ask again.", Duration::from_secs(10))
}
