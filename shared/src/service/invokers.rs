//! Who may call a function: service accounts that the operator lists, by their OIDC tokens. Nothing switches this off.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
};
use serde_json::Value;
use url::Url;

use super::{
    config::{Environment, Settings, Variable, any, list, safe_url},
    problem::{later, problem},
};
use crate::{
    ports::Clock,
    tokens::{TokenError, TokenRules, TokenVerifier},
};

const AUDIENCE: Variable = Variable::new(
    "SPILLWAY_INVOKER_AUDIENCE",
    "For whom callers' OIDC tokens must be (`aud`): this service's own address.",
);
const EMAILS: Variable = Variable::new(
    "SPILLWAY_INVOKER_EMAILS",
    "The service accounts that may call, by their e-mail addresses, with commas between them.",
);
const ISSUER: Variable = Variable::new("SPILLWAY_INVOKER_ISSUER", "Who signs callers' tokens (`iss`).")
    .or("https://accounts.google.com");
const JWKS_URL: Variable =
    Variable::new("SPILLWAY_INVOKER_JWKS_URL", "Where that issuer publishes its keys.")
        .or("https://www.googleapis.com/oauth2/v3/certs");

/// Who may call.
#[derive(Debug, Clone)]
pub struct InvokerSettings {
    /// The claim `aud`.
    pub audience: String,
    /// The claim `email`, one of these.
    pub emails: BTreeSet<String>,
    /// The claim `iss`.
    pub issuer: String,
    /// Where the issuer publishes its keys.
    pub jwks_url: Url,
}

impl Settings for InvokerSettings {
    fn read(env: &mut Environment) -> Option<Self> {
        let audience = env.required(AUDIENCE, any);
        let emails = env.required(EMAILS, list(email));
        let issuer = env.required(ISSUER, any);
        let jwks_url = env.required(JWKS_URL, safe_url);
        let emails = emails.map(BTreeSet::from_iter);
        Some(Self { audience: audience?, emails: emails?, issuer: issuer?, jwks_url: jwks_url? })
    }
}

fn email(text: &str) -> Result<String, String> {
    let is_right = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let wrong = || "give addresses like name@project.iam.gserviceaccount.com".to_owned();
    if is_right { Ok(text.to_owned()) } else { Err(wrong()) }
}

/// Knows who may call.
pub struct Invokers {
    verifier: TokenVerifier,
    emails: BTreeSet<String>,
}

impl Invokers {
    /// The check of these settings.
    ///
    /// # Errors
    /// Where the system has no usable TLS.
    pub fn new(settings: &InvokerSettings, clock: &Arc<dyn Clock>) -> Result<Arc<Self>, reqwest::Error> {
        let InvokerSettings { audience, emails, issuer, jwks_url } = settings;
        let verifier = TokenVerifier::new(&TokenRules { issuer, audience, jwks_url, rsa: true }, clock)?;
        Ok(Arc::new(Self { verifier, emails: emails.clone() }))
    }

    /// Routes that only they reach: the check comes before anything of a request is read.
    pub fn guard(self: &Arc<Self>, routes: Router) -> Router {
        routes.layer(middleware::from_fn_with_state(Arc::clone(self), require))
    }

    async fn admit(&self, headers: &HeaderMap) -> Result<(), Response> {
        let claims = match self.verifier.claims(headers, header::AUTHORIZATION.as_str()).await {
            Ok(claims) => claims,
            Err(TokenError::Keys(error)) => {
                tracing::error!(%error, "callers cannot be told apart");
                let detail = "The keys of callers' tokens cannot be had just now.";
                return Err(later("unavailable", detail, std::time::Duration::from_secs(5)));
            }
            Err(error) => {
                tracing::warn!(%error, "a call without a good token");
                return Err(unauthorized());
            }
        };
        let email = claims.get("email").and_then(Value::as_str);
        let is_verified = claims.get("email_verified") == Some(&Value::Bool(true));
        if is_verified && email.is_some_and(|email| self.emails.contains(email)) {
            return Ok(());
        }
        tracing::warn!(email, is_verified, "a call of somebody who may not");
        let detail = "The token is genuine, but its bearer may not call this service.";
        Err(problem(StatusCode::FORBIDDEN, "forbidden", detail))
    }
}

fn unauthorized() -> Response {
    let detail = "Send one OIDC token for this service: Authorization: Bearer <token>.";
    let mut response = problem(StatusCode::UNAUTHORIZED, "unauthorized", detail);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

async fn require(State(invokers): State<Arc<Invokers>>, request: Request, next: Next) -> Response {
    match invokers.admit(request.headers()).await {
        Ok(()) => next.run(request).await,
        Err(refused) => refused,
    }
}
