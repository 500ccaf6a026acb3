//! Logins by tokens: of an OpenID provider, or of Google's Identity-Aware Proxy.

use std::sync::Arc;

use http::HeaderMap;
use serde::Deserialize;
use spillway::{
    ports::Clock,
    tokens::{TokenError, TokenRules, TokenVerifier},
};
use url::Url;

use super::{
    Viewer,
    claims::{ClaimNames, Claims},
};
use crate::problem::{Problem, ProblemKind};

/// Where Google publishes the keys of Identity-Aware Proxy.
const IAP_KEYS: &str = "https://www.gstatic.com/iap/verify/public_key-jwk";
/// Who signs for Identity-Aware Proxy.
const IAP_ISSUER: &str = "https://cloud.google.com/iap";
/// Where it puts what it signs.
const IAP_HEADER: &str = "x-goog-iap-jwt-assertion";

/// Tokens of an OpenID provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// The claim `iss`, exactly.
    pub issuer: String,
    /// The claim `aud`, or one of its values.
    pub audience: String,
    /// Where the provider publishes its keys.
    pub jwks_url: Url,
    /// The header with the token, with or without `Bearer` before it; another than `authorization` where a proxy logs
    /// people in.
    #[serde(default = "authorization")]
    pub header: String,
    /// What the claims are called.
    #[serde(default)]
    pub claims: ClaimNames,
}

fn authorization() -> String {
    "authorization".to_owned()
}

/// What Identity-Aware Proxy asserts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IapConfig {
    /// The claim `aud`: `/projects/NUMBER/global/backendServices/ID`, or of Cloud Run
    /// `/projects/NUMBER/locations/REGION/services/NAME`.
    pub audience: String,
    /// Where Google publishes its keys.
    #[serde(default = "iap_keys")]
    pub jwks_url: Url,
    /// What the claims are called.
    #[serde(default)]
    pub claims: ClaimNames,
}

fn iap_keys() -> Url {
    IAP_KEYS.parse().expect("a constant address")
}

/// Reads tokens.
pub(crate) struct Tokens {
    header: String,
    claims: ClaimNames,
    verifier: TokenVerifier,
}

impl Tokens {
    pub(super) fn oidc(config: &OidcConfig, clock: &Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let OidcConfig { issuer, audience, jwks_url, header, claims } = config;
        let verifier = TokenVerifier::new(&TokenRules { issuer, audience, jwks_url, rsa: true }, clock)?;
        Ok(Self { header: header.clone(), claims: claims.clone(), verifier })
    }

    /// Google signs with ES256 only.
    pub(super) fn iap(config: &IapConfig, clock: &Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let IapConfig { audience, jwks_url, claims } = config;
        let rules = TokenRules { issuer: IAP_ISSUER, audience, jwks_url, rsa: false };
        let verifier = TokenVerifier::new(&rules, clock)?;
        Ok(Self { header: IAP_HEADER.to_owned(), claims: claims.clone(), verifier })
    }

    pub(super) async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, Problem> {
        let refused = |detail: &str| Problem::new(ProblemKind::Unauthorized, detail);
        let claims = match self.verifier.claims(headers, &self.header).await {
            Ok(claims) => Claims(claims),
            Err(TokenError::Several) => {
                return Err(refused("The request carries more than one token. Send one."));
            }
            Err(TokenError::Missing) => {
                return Err(refused("You are not logged in. Log in, and send the token with the request."));
            }
            Err(TokenError::Expired) => return Err(refused("Your login has expired. Log in again.")),
            Err(TokenError::Early) => {
                return Err(refused(
                    "Your login is not valid yet. Check the clock of whoever made the token, and log in again.",
                ));
            }
            Err(TokenError::Keys(error)) => return Err(Problem::unavailable(&error)),
            Err(error @ TokenError::Wrong(_)) => {
                // Not who it is, but what is wrong: whoever sets up the login needs that.
                tracing::debug!(%error, "a token is not accepted");
                return Err(refused("Your login is not accepted. Log in again."));
            }
        };
        claims.viewer(&self.claims).map_err(|bad| refused(&bad.to_string()))
    }
}
