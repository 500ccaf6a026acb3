//! Cloud KMS as its client speaks it: Encrypt and Decrypt in JSON, for the callers that may, with every checksum asked
//! for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use crc32c::crc32c;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::metadata::access_token_of;
use crate::web::serve;

/// What a service account may do with the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// `roles/cloudkms.cryptoKeyEncrypter`
    Encrypt,
    /// `roles/cloudkms.cryptoKeyDecrypter`
    Decrypt,
}

/// What goes wrong with the next calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KmsFault {
    /// 503.
    Outage,
    /// A byte of the request is changed on the way.
    DamagedRequest,
    /// A byte of the answer is changed on the way.
    DamagedAnswer,
    /// The request's checksums got lost on the way.
    LostChecksums,
}

/// The server. Its clones are the same.
#[derive(Clone)]
pub struct FakeKms {
    /// Where it listens.
    pub url: Url,
    /// The key's name.
    pub key_name: String,
    state: Arc<Mutex<Keys>>,
}

#[derive(Default)]
struct Keys {
    /// By number, from 1; the last one is primary. None where it is disabled.
    versions: Vec<Option<[u8; 32]>>,
    grants: Vec<(String, Right)>,
    faults: Vec<KmsFault>,
    calls: BTreeMap<&'static str, usize>,
    /// The additional data of every call, in order.
    purposes: Vec<Vec<u8>>,
}

impl FakeKms {
    /// Starts a server with one key of one version, that nobody may use yet.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start() -> Self {
        let key_name = "projects/p/locations/europe-west1/keyRings/spillway/cryptoKeys/keys".to_owned();
        let state = Arc::new(Mutex::new(Keys::default()));
        let served = (key_name.clone(), Arc::clone(&state));
        let routes = Router::new().route("/v1/{*call}", post(answer)).with_state(Arc::new(served));
        let mut url = serve(routes).await;
        url.set_path("");
        let kms = Self { url, key_name, state };
        kms.rotate();
        kms
    }

    /// Where it listens, without a slash at the end.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }

    /// Lets a service account do something.
    pub fn grant(&self, email: &str, right: Right) {
        self.state().grants.push((email.to_owned(), right));
    }

    /// Makes a new version the primary one.
    pub fn rotate(&self) {
        self.state().versions.push(Some(rand::random()));
    }

    /// Disables a version, counted from 1.
    pub fn disable(&self, version: usize) {
        self.state().versions[version - 1] = None;
    }

    /// Lets the next calls go wrong, one for each fault.
    pub fn fail_next(&self, faults: &[KmsFault]) {
        self.state().faults = faults.to_vec();
    }

    /// How often `encrypt` or `decrypt` was called.
    #[must_use]
    pub fn calls(&self, method: &str) -> usize {
        self.state().calls.get(method).copied().unwrap_or_default()
    }

    /// The additional data of all calls until now, in order.
    #[must_use]
    pub fn purposes(&self) -> Vec<Vec<u8>> {
        self.state().purposes.clone()
    }

    fn state(&self) -> MutexGuard<'_, Keys> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both requests; the fields of each as the API names them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    #[serde(default)]
    plaintext: Option<String>,
    #[serde(default)]
    plaintext_crc32c: Option<String>,
    #[serde(default)]
    ciphertext: Option<String>,
    #[serde(default)]
    ciphertext_crc32c: Option<String>,
    #[serde(default)]
    additional_authenticated_data: String,
    #[serde(default)]
    additional_authenticated_data_crc32c: Option<String>,
}

struct Refusal(StatusCode, &'static str, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(code, status, message) = self;
        let error = json!({ "code": code.as_u16(), "message": message, "status": status });
        (code, Json(json!({ "error": error }))).into_response()
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", message.to_owned())
}

async fn answer(
    State(served): State<Arc<(String, Arc<Mutex<Keys>>)>>,
    Path(call): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> Result<Json<Value>, Refusal> {
    let (key_name, state) = &*served;
    let mut keys = state.lock().unwrap_or_else(PoisonError::into_inner);
    let (name, method) = call.rsplit_once(':').unwrap_or_default();
    let (method, right) = match method {
        "encrypt" => ("encrypt", Right::Encrypt),
        "decrypt" => ("decrypt", Right::Decrypt),
        other => return Err(Refusal(StatusCode::NOT_FOUND, "NOT_FOUND", format!("no method `{other}`"))),
    };
    *keys.calls.entry(method).or_default() += 1;
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let may = |(email, granted): &(String, Right)| {
        *granted == right && bearer == format!("Bearer {}", access_token_of(email))
    };
    if !keys.grants.iter().any(may) || name != key_name {
        let message = format!("Permission denied on resource '{name}' (or it may not exist).");
        return Err(Refusal(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message));
    }
    let fault = (!keys.faults.is_empty()).then(|| keys.faults.remove(0));
    if fault == Some(KmsFault::Outage) {
        let message = "The service is currently unavailable.".to_owned();
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message));
    }
    match right {
        Right::Encrypt => keys.encrypt(key_name, &body, fault),
        Right::Decrypt => keys.decrypt(&body, fault),
    }
    .map(Json)
}

/// A field of bytes, checked against its checksum, which has to be there.
fn checked(text: &str, crc32c_of_it: Option<&String>, fault: Option<KmsFault>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = BASE64_STANDARD.decode(text).map_err(|_| invalid("Invalid base64."))?;
    let told = crc32c_of_it.ok_or_else(|| invalid("This fake wants every checksum."))?;
    if fault == Some(KmsFault::DamagedRequest)
        && let Some(first) = bytes.first_mut()
    {
        *first ^= 1;
    }
    if *told != crc32c(&bytes).to_string() {
        return Err(invalid("The checksum in a field *_crc32c did not match the data in its field."));
    }
    Ok(bytes)
}

impl Keys {
    fn encrypt(&mut self, key_name: &str, body: &Body, fault: Option<KmsFault>) -> Result<Value, Refusal> {
        let text = body.plaintext.as_deref().unwrap_or_default();
        let plaintext = checked(text, body.plaintext_crc32c.as_ref(), fault)?;
        let purpose = self.purpose(body)?;
        let number = self.versions.len();
        let key = self.version(number)?;
        let mut sealed = plaintext;
        let nonce = key.seal_in_place_append_tag(Aad::from(purpose), &mut sealed).unwrap();
        let ciphertext = [&[u8::try_from(number).unwrap()], nonce.as_ref().as_slice(), &sealed].concat();
        let crc = crc32c(&ciphertext).to_string();
        let is_verified = fault != Some(KmsFault::LostChecksums);
        Ok(json!({
            "name": format!("{key_name}/cryptoKeyVersions/{number}"),
            "ciphertext": BASE64_STANDARD.encode(damaged(ciphertext, fault)),
            "ciphertextCrc32c": crc,
            "verifiedPlaintextCrc32c": is_verified,
            "verifiedAdditionalAuthenticatedDataCrc32c": is_verified,
            "protectionLevel": 1,
        }))
    }

    fn decrypt(&mut self, body: &Body, fault: Option<KmsFault>) -> Result<Value, Refusal> {
        let refused = || invalid("Decryption failed: verify that 'name' refers to the correct CryptoKey.");
        let text = body.ciphertext.as_deref().unwrap_or_default();
        let mut ciphertext = checked(text, body.ciphertext_crc32c.as_ref(), fault)?;
        let purpose = self.purpose(body)?;
        let (number, rest) = ciphertext.split_first_mut().ok_or_else(refused)?;
        let number = usize::from(*number);
        if !(1..=self.versions.len()).contains(&number) {
            return Err(refused());
        }
        let key = self.version(number)?;
        let (nonce, sealed) = rest.split_first_chunk_mut::<NONCE_LEN>().ok_or_else(refused)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plaintext = key.open_in_place(nonce, Aad::from(purpose), sealed).map_err(|_| refused())?;
        let crc = crc32c(plaintext).to_string();
        Ok(json!({
            "plaintext": BASE64_STANDARD.encode(damaged(plaintext.to_vec(), fault)),
            "plaintextCrc32c": crc,
            "usedPrimary": number == self.versions.len(),
            "protectionLevel": 1,
        }))
    }

    /// The additional data, which has to name something.
    fn purpose(&mut self, body: &Body) -> Result<Vec<u8>, Refusal> {
        let crc = body.additional_authenticated_data_crc32c.as_ref();
        let purpose = checked(&body.additional_authenticated_data, crc, None)?;
        self.purposes.push(purpose.clone());
        if purpose.is_empty() { Err(invalid("This fake wants additional data.")) } else { Ok(purpose) }
    }

    fn version(&self, number: usize) -> Result<RandomizedNonceKey, Refusal> {
        let bytes = self.versions[number - 1].as_ref().ok_or_else(|| {
            let message = "The CryptoKeyVersion is not enabled, current state is: DISABLED.".to_owned();
            Refusal(StatusCode::BAD_REQUEST, "FAILED_PRECONDITION", message)
        })?;
        Ok(RandomizedNonceKey::new(&AES_256_GCM, bytes).unwrap())
    }
}

fn damaged(mut bytes: Vec<u8>, fault: Option<KmsFault>) -> Vec<u8> {
    if fault == Some(KmsFault::DamagedAnswer)
        && let Some(last) = bytes.last_mut()
    {
        *last ^= 1;
    }
    bytes
}
