//! Tokens: signed by a key of the issuer, for us, of now.
//!
//! The algorithm follows from the issuer's key, never from the token alone: RSA keys verify RS256, P-256 keys ES256, and
//! anything else nothing.

use std::sync::Arc;

use http::HeaderMap;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};
use spillway::ports::Clock;
use url::Url;

use super::{
    Viewer,
    claims::{ClaimNames, Claims},
    keys::{IssuerKeys, KeysError},
};
use crate::problem::{Problem, ProblemKind};

/// Where Google publishes the keys of Identity-Aware Proxy.
const IAP_KEYS: &str = "https://www.gstatic.com/iap/verify/public_key-jwk";
/// Who signs for Identity-Aware Proxy.
const IAP_ISSUER: &str = "https://cloud.google.com/iap";
/// Where it puts what it signs.
const IAP_HEADER: &str = "x-goog-iap-jwt-assertion";
/// The longest token that is looked at.
const TOKEN_MAX_BYTES: usize = 16_384;

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
    validation: Validation,
    algorithms: &'static [Algorithm],
    claims: ClaimNames,
    keys: IssuerKeys,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    pub(super) fn oidc(config: &OidcConfig, clock: &Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let OidcConfig { issuer, audience, jwks_url, header, claims } = config;
        let both = &[Algorithm::RS256, Algorithm::ES256];
        Self::new(header, (issuer, audience), both, jwks_url, claims, clock)
    }

    pub(super) fn iap(config: &IapConfig, clock: &Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let IapConfig { audience, jwks_url, claims } = config;
        Self::new(IAP_HEADER, (IAP_ISSUER, audience), &[Algorithm::ES256], jwks_url, claims, clock)
    }

    fn new(
        header: &str,
        (issuer, audience): (&str, &str),
        algorithms: &'static [Algorithm],
        jwks_url: &Url,
        claims: &ClaimNames,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // Times are judged by our own clock, with the other claims.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        let keys = IssuerKeys::new(jwks_url.clone(), Arc::clone(clock))?;
        let (claims, clock) = (claims.clone(), Arc::clone(clock));
        Ok(Self { header: header.to_owned(), validation, algorithms, claims, keys, clock })
    }

    pub(super) async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, Problem> {
        let refused = |detail: &str| Problem::new(ProblemKind::Unauthorized, detail);
        let mut sent = headers.get_all(&self.header).into_iter();
        let token = match (sent.next(), sent.next()) {
            (Some(one), None) => one.to_str().ok().map(bare),
            (Some(_), Some(_)) => return Err(refused("The request carries more than one token. Send one.")),
            (None, _) => {
                return Err(refused("You are not logged in. Log in, and send the token with the request."));
            }
        };
        let token = token.filter(|token| token.len() <= TOKEN_MAX_BYTES);
        match self.claims_of(token.unwrap_or_default()).await {
            Ok(claims) => {
                claims.viewer(&self.claims, self.clock.now()).map_err(|bad| refused(&bad.to_string()))
            }
            Err(TokenError::Keys(error)) => Err(Problem::unavailable(&error)),
            Err(error) => {
                // Not who it is, but what is wrong: whoever sets up the login needs that.
                tracing::debug!(%error, "a token is not accepted");
                Err(refused("Your login is not accepted. Log in again."))
            }
        }
    }

    async fn claims_of(&self, token: &str) -> Result<Claims, TokenError> {
        let header = decode_header(token)?;
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let kid = header.kid.ok_or(TokenError::NoKeyId)?;
        let key = self.keys.find(&kid).await?.ok_or(TokenError::UnknownKey)?;
        if header.alg != key.algorithm || !self.algorithms.contains(&key.algorithm) {
            return Err(TokenError::Algorithm);
        }
        let validation = Validation { algorithms: vec![key.algorithm], ..self.validation.clone() };
        let claims = decode::<Map<String, Value>>(token, &key.key, &validation)?.claims;
        Ok(Claims(claims))
    }
}

fn bare(header: &str) -> &str {
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => header,
    }
}

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error("it is no token, or not for us: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("it wants something understood that we do not know")]
    Critical,
    #[error("it does not name its key")]
    NoKeyId,
    #[error("its key is not one of the issuer's")]
    UnknownKey,
    #[error("its algorithm is not its key's")]
    Algorithm,
    #[error(transparent)]
    Keys(#[from] KeysError),
}
