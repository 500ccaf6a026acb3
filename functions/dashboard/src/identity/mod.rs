//! Who asks: an account, a person and a role, from a token or, on a laptop, from the configuration.

mod claims;
mod local;
mod token;

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, request};
use serde::{Deserialize, Serialize};
use spillway::{domain::AccountId, ports::Clock};
use url::Url;

use self::token::Tokens;
pub use self::{
    claims::ClaimNames,
    local::LocalConfig,
    token::{IapConfig, OidcConfig},
};
use crate::{App, SetupError, config::Config, problem::Problem};

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See everything, change nothing.
    Viewer,
    /// Change everything too.
    Editor,
}

/// Who asks. Handlers take it as an argument; everything they look up is of its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// Whose data it is about.
    pub account: AccountId,
    /// Who it is, where the token says so.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
}

/// How people are known.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum IdentityConfig {
    /// Everybody on this machine, without login.
    Local(LocalConfig),
    /// By the tokens of an OpenID provider.
    Oidc(OidcConfig),
    /// By what Google's Identity-Aware Proxy asserts.
    Iap(IapConfig),
}

impl IdentityConfig {
    /// Whether there is no login.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Where the keys of its tokens are; without login there are none.
    #[must_use]
    pub fn jwks_url(&self) -> Option<&Url> {
        match self {
            Self::Local(_) => None,
            Self::Oidc(oidc) => Some(&oidc.jwks_url),
            Self::Iap(iap) => Some(&iap.jwks_url),
        }
    }
}

/// Knows people.
pub(crate) enum Identity {
    Local(LocalConfig),
    Tokens(Box<Tokens>),
}

impl Identity {
    pub(crate) fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, SetupError> {
        let tokens = match &config.identity {
            IdentityConfig::Local(local) => return Ok(Self::Local(local.clone())),
            IdentityConfig::Oidc(oidc) => Tokens::oidc(oidc, clock)?,
            IdentityConfig::Iap(iap) => Tokens::iap(iap, clock)?,
        };
        Ok(Self::Tokens(Box::new(tokens)))
    }

    async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, Problem> {
        match self {
            Self::Local(local) => Ok(local.viewer()),
            Self::Tokens(tokens) => tokens.viewer(headers).await,
        }
    }
}

/// Lets nobody pass who is unknown, or asks too much.
pub(crate) async fn identify(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let viewer = match app.identity.viewer(request.headers()).await {
        Ok(viewer) => viewer,
        Err(problem) => return problem.into_response(),
    };
    if let Err(problem) = app.rates.check(viewer.account, request.method(), request.uri().path()) {
        return problem.into_response();
    }
    request.extensions_mut().insert(viewer);
    next.run(request).await
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        let viewer = parts.extensions.get::<Self>().cloned();
        viewer.ok_or_else(|| Problem::internal(&"a route is not behind `identify`"))
    }
}

/// Lets viewers look only. Behind [`identify`].
pub(crate) async fn only_editors_change(viewer: Viewer, request: Request, next: Next) -> Response {
    if !request.method().is_safe() && viewer.role < Role::Editor {
        return Problem::read_only().into_response();
    }
    next.run(request).await
}
