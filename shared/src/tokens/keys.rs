//! The issuer's public keys, fetched when they are needed and kept for a while.
//!
//! They are fetched in a task of its own, which a caller who hangs up does not end, and no lock is held meanwhile: tokens
//! of known keys are judged without waiting for what a token of an unknown one has set going.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Shared},
};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use url::Url;

use crate::ports::Clock;

/// After how long keys are fetched anew while the known ones still count, so that hardly anybody waits for that.
const EARLY: SignedDuration = SignedDuration::from_mins(50);
/// After how long they no longer count without having been fetched anew, so that one that was withdrawn ends.
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

/// The keys of one issuer. One task fetches at a time.
pub(super) struct IssuerKeys {
    issuer: Issuer,
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<Known>>,
}

/// Where keys are asked for.
#[derive(Clone)]
struct Issuer {
    url: Url,
    client: reqwest::Client,
}

#[derive(Default)]
struct Known {
    keys: BTreeMap<String, IssuerKey>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    /// Why the last try gave no keys.
    failed: Option<KeysError>,
    fetching: Option<Fetching>,
}

/// Ends when the keys have been fetched, or could not be.
type Fetching = Shared<BoxFuture<'static, ()>>;

impl IssuerKeys {
    pub(super) fn new(url: Url, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { issuer: Issuer { url, client }, clock, known: Arc::default() })
    }

    /// The key of this name; none where the issuer has none.
    pub(super) async fn find(&self, kid: &str) -> Result<Option<IssuerKey>, KeysError> {
        if let Some(fetching) = self.to_wait_for(kid) {
            fetching.await;
        }
        let known = lock(&self.known);
        if is_older(known.fetched_at, self.clock.now(), STALE) {
            let silent = || self.issuer.failed("it did not answer, and is asked again soon");
            return Err(known.failed.clone().unwrap_or_else(silent));
        }
        Ok(known.keys.get(kid).cloned())
    }

    /// Has keys fetched where they are wanted and may be; gives that where this key cannot be judged before its end.
    fn to_wait_for(&self, kid: &str) -> Option<Fetching> {
        let mut known = lock(&self.known);
        let now = self.clock.now();
        let is_unknown = !known.keys.contains_key(kid);
        let mut fetching = known.fetching.clone().filter(|fetching| fetching.peek().is_none());
        let is_wanted = is_unknown || is_older(known.fetched_at, now, EARLY);
        if fetching.is_none() && is_wanted && is_older(known.tried_at, now, AT_MOST_EVERY) {
            known.tried_at = Some(now);
            fetching = Some(self.fetch(now));
            known.fetching.clone_from(&fetching);
        }
        // While the issuer is silent, older keys count at once.
        let is_over = is_older(known.fetched_at, now, FRESH) && known.failed.is_none()
            || is_older(known.fetched_at, now, STALE);
        fetching.filter(|_| is_unknown || is_over)
    }

    fn fetch(&self, now: Timestamp) -> Fetching {
        let (issuer, known) = (self.issuer.clone(), Arc::clone(&self.known));
        let task = tokio::spawn(async move {
            let fetched = issuer.keys().await;
            let mut known = lock(&known);
            match fetched {
                Ok(keys) => (known.keys, known.fetched_at, known.failed) = (keys, Some(now), None),
                Err(error) => {
                    tracing::warn!(%error, "keys known from before are used as long as they may be");
                    known.failed = Some(error);
                }
            }
        });
        task.map(|_ended| ()).boxed().shared()
    }
}

/// What is locked is always whole: it is only ever swapped.
fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_older(at: Option<Timestamp>, now: Timestamp, than: SignedDuration) -> bool {
    at.is_none_or(|at| now.duration_since(at).abs() >= than)
}

impl Issuer {
    async fn keys(&self) -> Result<BTreeMap<String, IssuerKey>, KeysError> {
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
