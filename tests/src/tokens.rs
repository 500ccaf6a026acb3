//! Who signs tokens, and where the keys for them are published.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::{Json, Router, routing::get};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};
use url::Url;

use crate::web::serve;

/// Somebody who signs.
pub struct Signer {
    /// The private key.
    pub key: EncodingKey,
    algorithm: Algorithm,
    kid: &'static str,
}

impl Signer {
    /// With an RSA key of this name.
    ///
    /// # Panics
    /// Where the system gives no randomness.
    #[must_use]
    pub fn rsa(kid: &'static str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("it works");
        let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'static>>::as_der(&pair).expect("it works");
        // The key itself lies behind the 26 bytes that say that it is one.
        let key = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
        Self { key, algorithm: Algorithm::RS256, kid }
    }

    /// With a key on P-256 of this name.
    ///
    /// # Panics
    /// Where the system gives no randomness.
    #[must_use]
    pub fn p256(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("it works");
        Self { key: EncodingKey::from_ec_der(pkcs8.as_ref()), algorithm: Algorithm::ES256, kid }
    }

    /// The public key, as it is published.
    ///
    /// # Panics
    /// Never; the keys are ours.
    #[must_use]
    pub fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("it works");
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).expect("it works")
    }

    /// A token with these claims.
    ///
    /// # Panics
    /// Never; the keys are ours.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).expect("it works")
    }
}

/// Where keys are published, and how often they were asked for.
pub struct Issuer {
    /// The address of the keys.
    pub url: Url,
    /// What is published.
    pub keys: Arc<Mutex<Vec<Value>>>,
    /// How often it was asked.
    pub asked: Arc<AtomicUsize>,
}

impl Issuer {
    /// Publishes the keys of these.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn publishing(signers: &[&Signer]) -> Self {
        let keys = Arc::new(Mutex::new(signers.iter().map(|signer| signer.public()).collect::<Vec<_>>()));
        let (asked, published) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&keys));
        let count = Arc::clone(&asked);
        let answer = get(async move || {
            count.fetch_add(1, Ordering::Relaxed);
            Json(json!({"keys": *published.lock().expect("it works")}))
        });
        Self { url: serve(Router::new().route("/", answer)).await, keys, asked }
    }
}
