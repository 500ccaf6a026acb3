//! The account's webhook: its secret, and a test.

use std::sync::Arc;

use axum::{Json, extract::State};
use spillway::steps;

use super::bodies::{WebhookSecretBody, WebhookTriedBody};
use crate::{
    App,
    identity::Viewer,
    problem::{Problem, ProblemKind},
};

/// Make another secret for the account's webhook.
///
/// It is in this answer alone. Those before it sign deliveries too for 24 hours.
#[utoipa::path(
    post, path = "/account/webhook/secret", tag = "Account",
    responses(
        (status = OK, body = WebhookSecretBody),
        (status = NOT_FOUND, description = "Nothing is known of the account yet"),
    )
)]
pub(super) async fn renew_webhook_secret(
    State(app): State<Arc<App>>,
    viewer: Viewer,
) -> Result<Json<WebhookSecretBody>, Problem> {
    let (secret, account) = steps::renew_webhook_secret(&app.parts, viewer.account).await?;
    let made_at = account.webhook_secrets.map_or_else(|| app.parts.clock.now(), |secrets| secrets.made_at);
    Ok(Json(WebhookSecretBody { secret: secret.to_string(), made_at }))
}

/// Send the account's webhook a test, and wait for what becomes of it.
#[utoipa::path(
    post, path = "/account/webhook/test", tag = "Account",
    responses(
        (status = OK, body = WebhookTriedBody),
        (status = CONFLICT, description = "The account has no webhook"),
        (status = BAD_GATEWAY, description = "The test cannot be sent just now"),
    )
)]
pub(super) async fn test_webhook(
    State(app): State<Arc<App>>,
    viewer: Viewer,
) -> Result<Json<WebhookTriedBody>, Problem> {
    let tried = app.validator.test_webhook(viewer.account).await.map_err(|error| {
        tracing::error!(%error, "a webhook could not be tried");
        let detail =
            "The test cannot be sent just now, since our checker does not answer. Try again in a minute.";
        Problem::new(ProblemKind::ValidatorUnavailable, detail)
    })?;
    let none = || Problem::new(ProblemKind::WrongState, "The account has no webhook. Enter one first.");
    Ok(Json(tried.ok_or_else(none)?.into()))
}
