//! An issuer of identity tokens: a key, where it publishes it, and what it signs.

use std::sync::Arc;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use axum::{Json, Router, routing::get};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};
use url::Url;

use crate::web::serve;

/// Somebody who signs, and publishes with which key. Its clones are the same.
#[derive(Clone)]
pub struct Issuer {
    /// What its tokens name.
    pub name: String,
    /// Where its keys are published.
    pub jwks_url: Url,
    key: Arc<EncodingKey>,
}

const KID: &str = "key-of-the-test";

impl Issuer {
    /// Makes a key and publishes it.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start(name: &str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8 = AsDer::<Pkcs8V1Der<'static>>::as_der(&pair).unwrap();
        // The key itself lies behind the 26 bytes that say that it is one.
        let key = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
        let mut public = Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
        public.common.key_id = Some(KID.to_owned());
        let keys = json!({ "keys": [public] });
        let routes = Router::new().route("/certs", get(async move || Json(keys)));
        let jwks_url = serve(routes).await.join("certs").unwrap();
        Self { name: name.to_owned(), jwks_url, key: Arc::new(key) }
    }

    /// Signs claims as they are.
    ///
    /// # Panics
    /// Where they are no object.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(KID.to_owned()), ..Header::new(Algorithm::RS256) };
        encode(&header, claims, &self.key).unwrap()
    }

    /// A token of a service account for an audience, good for an hour from `now` (seconds since 1970), as Google signs it.
    #[must_use]
    pub fn id_token(&self, email: &str, audience: &str, now: i64) -> String {
        self.sign(&json!({
            "iss": self.name, "aud": audience, "sub": "1", "azp": "1",
            "email": email, "email_verified": true, "iat": now, "exp": now + 3_600,
        }))
    }
}
