//! What an operator configures. Unknown keys are refused, and secrets are not shown.

use std::{net::SocketAddr, path::PathBuf};

use http::HeaderName;
use serde::Deserialize;
use spillway::domain::public_address::is_insecure;
use url::Url;
use zeroize::Zeroizing;

use crate::identity::IdentityConfig;

/// The dashboard's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where whoever serves the router listens.
    pub listen: SocketAddr,
    /// As browsers see it: with `https` cookies and headers are strict about it.
    pub public_url: Url,
    /// Who may come in.
    pub identity: IdentityConfig,
    /// How much anybody may ask for.
    #[serde(default)]
    pub limits: Limits,
    /// The origins, like `https://app.example.com`, whose pages may embed the dashboard in a frame; none by default.
    #[serde(default)]
    pub frame_ancestors: Vec<Url>,
    /// Where candidates of buckets are checked.
    pub validator: ValidatorConfig,
    /// The addresses from which webhooks and mails come, for a customer's allow-list. Cloud Storage does not see them.
    #[serde(default)]
    pub outgoing_ips: Vec<String>,
    /// Whom a customer asks for the feature, in words or as an address.
    #[serde(default)]
    pub operator_contact: Option<String>,
    /// Where mails are kept as files in place of being sent, to be shown; none where they are sent. They are those of
    /// all accounts, so it goes with one account without login only.
    #[serde(default)]
    pub mail_folder: Option<PathBuf>,
}

/// How much anybody may ask for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests that read, an account and minute.
    pub reads_per_minute: u32,
    /// Requests that change something, an account and minute.
    pub writes_per_minute: u32,
    /// The most bytes of a request's body.
    pub body_bytes: usize,
    /// How long a request may take that is no stream and waits for no check of a bucket.
    pub request_timeout_secs: u64,
    /// How many streams of progress may be open at once, of all accounts.
    pub streams: usize,
    /// How many of them one account may have.
    pub streams_per_account: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reads_per_minute: 1_200,
            writes_per_minute: 120,
            body_bytes: 262_144,
            request_timeout_secs: 30,
            streams: 500,
            streams_per_account: 10,
        }
    }
}

/// Where candidates of buckets are checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorConfig {
    /// The credential validator's address.
    pub url: Url,
    /// What it takes as a bearer token; none where it trusts the network (Cloud Run's own identity, a loopback).
    #[serde(default)]
    pub secret: Option<Secret>,
    /// How long a check may take.
    #[serde(default = "check_timeout_secs")]
    pub timeout_secs: u64,
}

fn check_timeout_secs() -> u64 {
    120
}

/// A text that is never shown.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text. Whoever calls this must not let it out of the process, but to whom it is for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A configuration that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Without login, only this machine may connect.
    #[error(
        "`identity.kind: local` lets everybody in who can connect, so it may listen on a loopback address only, not \
         on {0}; listen on 127.0.0.1, or configure `oidc` or `iap`"
    )]
    LocalBeyondLoopback(SocketAddr),
    /// A limit of nothing.
    #[error("`limits.{0}` is 0, so that no request would get through; give at least 1")]
    NothingAllowed(&'static str),
    /// Whoever stands between us and the issuer could let anybody in.
    #[error(
        "`identity.jwks_url` is {0}: whoever is on the way could exchange the keys, and let anybody in; give an https \
         address"
    )]
    KeysInTheOpen(Url),
    /// Browsers would send their tokens for everybody on the way to read.
    #[error("`public_url` is {0}: people would send their logins in the open; give the https address")]
    LoginsInTheOpen(Url),
    /// No request could carry the token.
    #[error("`identity.header` is `{0}`, which is no name of a header; write it like authorization")]
    NoHeader(String),
    /// Mails of all accounts would be shown to whoever logs in.
    #[error(
        "`mail_folder` shows the mails of all accounts, so it goes with `identity.kind: local` only; leave it out"
    )]
    MailsOfAll,
    /// A frame's ancestor is not an origin.
    #[error("`frame_ancestors` has {0}, which is no origin; write it like https://app.example.com")]
    NoOrigin(Url),
}

impl Config {
    /// Whether browsers come by `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Whether everything fits together.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.identity.is_local() && !self.listen.ip().is_loopback() {
            return Err(ConfigError::LocalBeyondLoopback(self.listen));
        }
        self.check_logins()?;
        if self.mail_folder.is_some() && !self.identity.is_local() {
            return Err(ConfigError::MailsOfAll);
        }
        let Limits { reads_per_minute, writes_per_minute, body_bytes, request_timeout_secs, .. } =
            self.limits;
        let limits = [
            ("reads_per_minute", u64::from(reads_per_minute)),
            ("writes_per_minute", u64::from(writes_per_minute)),
            ("body_bytes", body_bytes as u64),
            ("request_timeout_secs", request_timeout_secs),
            ("streams", self.limits.streams as u64),
            ("streams_per_account", self.limits.streams_per_account as u64),
        ];
        if let Some((name, _)) = limits.into_iter().find(|(_, limit)| *limit == 0) {
            return Err(ConfigError::NothingAllowed(name));
        }
        let is_origin = |url: &&Url| {
            url.origin().is_tuple() && url.path() == "/" && url.query().is_none() && url.fragment().is_none()
        };
        match self.frame_ancestors.iter().find(|url| !is_origin(url)) {
            Some(url) => Err(ConfigError::NoOrigin(url.clone())),
            None => Ok(()),
        }
    }
    /// Whether logins are safe on their way. On one machine there is none.
    fn check_logins(&self) -> Result<(), ConfigError> {
        if let Some(keys) = self.identity.jwks_url().filter(|url| is_insecure(url)) {
            return Err(ConfigError::KeysInTheOpen(keys.clone()));
        }
        if !self.identity.is_local() && is_insecure(&self.public_url) {
            return Err(ConfigError::LoginsInTheOpen(self.public_url.clone()));
        }
        match &self.identity {
            IdentityConfig::Oidc(oidc) if oidc.header.parse::<HeaderName>().is_err() => {
                Err(ConfigError::NoHeader(oidc.header.clone()))
            }
            _ => Ok(()),
        }
    }
}
