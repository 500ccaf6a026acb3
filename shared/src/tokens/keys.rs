//! The issuer's public keys, fetched when they are needed and kept for a while.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use tokio::sync::Mutex;
use url::Url;

use crate::ports::Clock;

/// After how long keys are fetched anew, so that one that was withdrawn ends.
const FRESH: SignedDuration = SignedDuration::from_mins(60);
/// For how long old keys still count while the issuer does not answer.
const STALE: SignedDuration = SignedDuration::from_hours(24);
/// How often they are fetched at most, whatever keys tokens name.
const AT_MOST_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// How large the answer may be.
const ANSWER_MAX_BYTES: usize = 1 << 20;

/// A key, and the only algorithm that it verifies.
#[derive(Clone)]
pub(super) struct IssuerKey {
    pub(super) key: Arc<DecodingKey>,
    pub(super) algorithm: Algorithm,
}

/// The issuer's keys cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the keys of the issuer of tokens cannot be fetched from {url}: {wrong}")]
pub struct KeysError {
    url: Url,
    wrong: String,
}

/// The keys of one issuer. One request fetches at a time; the others wait for it.
pub(super) struct IssuerKeys {
    url: Url,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    keys: BTreeMap<String, IssuerKey>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

impl IssuerKeys {
    pub(super) fn new(url: Url, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { url, client, clock, known: Mutex::default() })
    }

    /// The key of this name; none where the issuer has none.
    pub(super) async fn find(&self, kid: &str) -> Result<Option<IssuerKey>, KeysError> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        let is_older = |at: Option<Timestamp>, than| at.is_none_or(|at| now.duration_since(at).abs() >= than);
        let is_wanted = !known.keys.contains_key(kid) || is_older(known.fetched_at, FRESH);
        if is_wanted && is_older(known.tried_at, AT_MOST_EVERY) {
            known.tried_at = Some(now);
            match self.fetch().await {
                Ok(keys) => (known.keys, known.fetched_at) = (keys, Some(now)),
                Err(error) if known.keys.is_empty() || is_older(known.fetched_at, STALE) => {
                    return Err(error);
                }
                Err(error) => tracing::warn!(%error, "older keys are used"),
            }
        }
        if is_older(known.fetched_at, STALE) {
            return Err(self.failed("it did not answer, and is asked again soon"));
        }
        Ok(known.keys.get(kid).cloned())
    }

    async fn fetch(&self) -> Result<BTreeMap<String, IssuerKey>, KeysError> {
        let failed = |error: reqwest::Error| self.failed(error.without_url());
        let answer = self.client.get(self.url.clone()).send().await.map_err(failed)?;
        let mut pieces = answer.error_for_status().map_err(failed)?.bytes_stream();
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece.map_err(failed)?);
            if bytes.len() > ANSWER_MAX_BYTES {
                return Err(self.failed("the answer is far too long"));
            }
        }
        let set: JwkSet = serde_json::from_slice(&bytes).map_err(|error| self.failed(error))?;
        Ok(set.keys.iter().filter_map(usable).collect())
    }

    fn failed(&self, wrong: impl ToString) -> KeysError {
        KeysError { url: self.url.clone(), wrong: wrong.to_string() }
    }
}

/// A key that verifies RS256 or ES256; others are left out.
fn usable(jwk: &Jwk) -> Option<(String, IssuerKey)> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return None,
    };
    let is_for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let is_for_algorithm = match jwk.common.key_algorithm {
        None => true,
        Some(named) => Algorithm::try_from(named).is_ok_and(|named| named == algorithm),
    };
    let kid = jwk.common.key_id.clone().filter(|_| is_for_signatures && is_for_algorithm)?;
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some((kid, IssuerKey { key: Arc::new(key), algorithm }))
}
