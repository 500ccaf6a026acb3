//! The webhook's secret, which is shown once, and a test of the way to it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use spillway::{domain::Account, steps};

use super::{SettingsPage, of_account, settings_page};
use crate::{
    App,
    pages::{
        form::Form,
        numbers,
        times::{Moment, Times},
        visit::{Visit, html},
    },
    problem::Problem,
    validator_client::WebhookTried,
};

/// What the page says of the webhook.
#[derive(Debug, Clone, Default)]
pub(super) struct WebhookView {
    /// Where deliveries go.
    pub(super) url: Option<String>,
    /// When its secret was made.
    pub(super) secret_made: Option<Moment>,
    /// The secret, just after it was made, and never again.
    pub(super) secret: Option<String>,
    /// What became of a test.
    pub(super) tried: Option<TriedView>,
}

/// What became of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TriedView {
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    pub(super) title: &'static str,
    pub(super) text: String,
}

impl WebhookView {
    pub(super) fn new(account: &Account, times: &Times) -> Self {
        Self {
            url: account.webhook.as_ref().map(ToString::to_string),
            secret_made: account.webhook_secrets.as_ref().map(|secrets| times.moment(secrets.made_at)),
            secret: None,
            tried: None,
        }
    }
}

impl From<WebhookTried> for TriedView {
    fn from(tried: WebhookTried) -> Self {
        let took = numbers::duration(tried.took_millis);
        match (tried.status, tried.problem) {
            (Some(status), _) => Self {
                class: "good",
                icon: "check",
                title: "The test has arrived",
                text: format!("The server answered {status} after {took}."),
            },
            (None, problem) => Self {
                class: "bad",
                icon: "alert",
                title: "The test has not arrived",
                text: problem.unwrap_or_default(),
            },
        }
    }
}

/// Sends a test, and shows what became of it.
pub(in crate::pages) async fn test(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    visit.check_editor()?;
    let tried = match app.validator.test_webhook(visit.viewer.account).await {
        Ok(Some(tried)) => tried.into(),
        Ok(None) => TriedView {
            class: "warn",
            icon: "alert",
            title: "There is no webhook",
            text: "Enter its URL, save the settings, then send a test.".to_owned(),
        },
        Err(error) => {
            tracing::error!(%error, "a webhook could not be tried");
            TriedView {
                class: "warn",
                icon: "alert",
                title: "The test could not be sent",
                text: "Our checker does not answer just now. Nothing was sent. Try again in a minute."
                    .to_owned(),
            }
        }
    };
    let page = page(&app, &visit).await?;
    Ok(html(&SettingsPage { hook: WebhookView { tried: Some(tried), ..page.hook.clone() }, ..page }))
}

/// Makes another secret, and shows it.
pub(in crate::pages) async fn renew_secret(
    State(app): State<Arc<App>>,
    mut visit: Visit,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let (secret, account) = steps::renew_webhook_secret(&app.parts, visit.viewer.account).await?;
    visit.account = account;
    let page = page(&app, &visit).await?;
    Ok(html(&SettingsPage {
        hook: WebhookView { secret: Some(secret.to_string()), ..page.hook.clone() },
        ..page
    }))
}

async fn page(app: &App, visit: &Visit) -> Result<SettingsPage, Problem> {
    settings_page(app, visit, &of_account(&visit.account), Form::default()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_says_what_became_of_it() {
        let arrived = WebhookTried { status: Some(204), problem: None, took_millis: 1_200 };
        assert_eq!(TriedView::from(arrived).text, "The server answered 204 after 1 s.");
        let problem = Some("The webhook's server answered 500.".to_owned());
        let refused = TriedView::from(WebhookTried { status: None, problem, took_millis: 5 });
        assert_eq!((refused.class, refused.text.as_str()), ("bad", "The webhook's server answered 500."));
    }
}
