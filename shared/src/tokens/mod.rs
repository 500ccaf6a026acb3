//! Tokens of people and of services: signed by a key of the issuer, for us, of now.
//!
//! The algorithm follows from the issuer's key, never from the token alone: RSA keys verify RS256, P-256 keys ES256, and
//! anything else nothing. What the claims of a genuine token are worth is the caller's to judge.

mod keys;

use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};
use url::Url;

use self::keys::IssuerKeys;
pub use self::keys::KeysError;
use crate::ports::Clock;

/// The longest token that is looked at.
const TOKEN_MAX_BYTES: usize = 16_384;
/// How far the clocks of token makers may be off, in seconds.
const LEEWAY_SECS: i64 = 60;
/// What Cloud Run puts in the place of a signature that it has checked itself.
const SIGNATURE_REMOVED: &str = ".SIGNATURE_REMOVED_BY_GOOGLE";

/// Which tokens are accepted.
#[derive(Debug, Clone)]
pub struct TokenRules<'a> {
    /// The claim `iss`, exactly.
    pub issuer: &'a str,
    /// The claim `aud`, or one of its values.
    pub audience: &'a str,
    /// Where the issuer publishes its keys.
    pub jwks_url: &'a Url,
    /// Whether RSA keys count too, and not those of P-256 alone.
    pub rsa: bool,
}

/// Why a request's token is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is none.
    #[error("there is no token")]
    Missing,
    /// There are several, and nobody knows which one was meant.
    #[error("there is more than one token")]
    Several,
    /// It is no longer valid.
    #[error("it has expired")]
    Expired,
    /// It is not valid yet.
    #[error("it is not valid yet")]
    Early,
    /// The issuer's keys cannot be had just now: that is not the caller's fault.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// It is no token, is not signed by its issuer, or is not for us.
    #[error("{0}")]
    Wrong(String),
}

/// Tells genuine tokens of one issuer for one audience.
pub struct TokenVerifier {
    validation: Validation,
    algorithms: &'static [Algorithm],
    keys: IssuerKeys,
    clock: Arc<dyn Clock>,
}

impl TokenVerifier {
    /// A verifier; keys are fetched when the first token comes.
    ///
    /// # Errors
    /// Where the system has no usable TLS.
    pub fn new(rules: &TokenRules<'_>, clock: &Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[rules.issuer]);
        validation.set_audience(&[rules.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // Times are judged by our own clock.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        let algorithms: &[Algorithm] =
            if rules.rsa { &[Algorithm::RS256, Algorithm::ES256] } else { &[Algorithm::ES256] };
        let keys = IssuerKeys::new(rules.jwks_url.clone(), Arc::clone(clock))?;
        Ok(Self { validation, algorithms, keys, clock: Arc::clone(clock) })
    }

    /// The claims of the one token in this header, with or without `Bearer` before it.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn claims(&self, headers: &HeaderMap, header: &str) -> Result<Map<String, Value>, TokenError> {
        let mut sent = headers.get_all(header).into_iter();
        let token = match (sent.next(), sent.next()) {
            (Some(one), None) => one.to_str().ok().map(bare),
            (Some(_), Some(_)) => return Err(TokenError::Several),
            (None, _) => return Err(TokenError::Missing),
        };
        let claims = match token.filter(|token| token.len() <= TOKEN_MAX_BYTES) {
            Some(token) => self.genuine(token).await?,
            None => return Err(TokenError::Wrong("it is no text, or too long".to_owned())),
        };
        check_time(&claims, self.clock.now())?;
        Ok(claims)
    }

    async fn genuine(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        let wrong = |error: jsonwebtoken::errors::Error| {
            TokenError::Wrong(format!("it is no token, or not for us: {error}"))
        };
        let because = |wrong: &str| TokenError::Wrong(wrong.to_owned());
        if token.ends_with(SIGNATURE_REMOVED) {
            return Err(because(
                "Cloud Run has taken its signature away; switch off the service's own IAM check of callers \
                 (`invoker_iam_disabled`), so that whole tokens arrive here and are checked",
            ));
        }
        let header = decode_header(token).map_err(wrong)?;
        if header.crit.is_some() {
            return Err(because("it wants something understood that we do not know"));
        }
        let kid = header.kid.ok_or_else(|| because("it does not name its key"))?;
        let key = self.keys.find(&kid).await?;
        let key = key.ok_or_else(|| because("its key is not one of the issuer's"))?;
        if header.alg != key.algorithm || !self.algorithms.contains(&key.algorithm) {
            return Err(because("its algorithm is not its key's"));
        }
        let validation = Validation { algorithms: vec![key.algorithm], ..self.validation.clone() };
        Ok(decode::<Map<String, Value>>(token, &key.key, &validation).map_err(wrong)?.claims)
    }
}

fn bare(header: &str) -> &str {
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => header,
    }
}

/// Whether the claims count now.
fn check_time(claims: &Map<String, Value>, now: Timestamp) -> Result<(), TokenError> {
    let secs = |name: &str| claims.get(name).and_then(Value::as_f64);
    // Whole seconds of our time are exact in this type.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    let now_secs = now.as_second() as f64;
    let leeway = f64::from(i32::try_from(LEEWAY_SECS).unwrap_or(i32::MAX));
    if secs("exp").is_none_or(|exp| exp + leeway < now_secs) {
        return Err(TokenError::Expired);
    }
    let is_ahead = |at: f64| at - leeway > now_secs;
    if secs("nbf").is_some_and(is_ahead) || secs("iat").is_some_and(is_ahead) {
        return Err(TokenError::Early);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_773_144_000;

    #[test]
    fn a_token_counts_in_its_time_only() {
        let at = |exp: i64, nbf: i64| {
            let Value::Object(claims) = json!({"exp": exp, "nbf": nbf}) else { unreachable!() };
            check_time(&claims, Timestamp::from_second(NOW).unwrap())
        };
        assert!(at(NOW + 1, NOW - 1).is_ok());
        assert!(at(NOW - 60, NOW + 60).is_ok());
        assert!(matches!(at(NOW - 61, NOW), Err(TokenError::Expired)));
        assert!(matches!(at(NOW + 300, NOW + 61), Err(TokenError::Early)));
        let none = check_time(&Map::new(), Timestamp::from_second(NOW).unwrap());
        assert!(matches!(none, Err(TokenError::Expired)), "a token that never ends");
    }

    #[test]
    fn the_word_bearer_may_stand_before_a_token() {
        assert_eq!(bare("Bearer abc"), "abc");
        assert_eq!(bare("bearer  abc "), "abc");
        assert_eq!(bare("abc"), "abc");
        assert_eq!(bare("Basic abc"), "Basic abc");
    }
}
