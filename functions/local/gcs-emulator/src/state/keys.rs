//! Service account keys: made like Google's, checked by their public half.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Store, names, random_hex};
use crate::error::{Error, Result};

/// What `.gcs/keys/<key id>.json` holds. No private key is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub(crate) project: String,
    pub(crate) client_email: String,
    /// RFC 8017 `RSAPublicKey`, DER, base64.
    pub(crate) public_key: String,
    pub(crate) revoked: bool,
}

/// A new key as Google's console downloads it; its public half is not registered yet.
pub(crate) fn generate(project: &str, email: &str) -> Result<Value> {
    let unusable = |_| Error::Key("the system could not make an RSA key");
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(unusable)?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(unusable)?;
    let cert = utf8_percent_encode(email, NON_ALPHANUMERIC);
    let client_id: u64 = rand::random();
    Ok(json!({
        "type": "service_account",
        "project_id": project,
        "private_key_id": random_hex(20),
        "private_key": pem("PRIVATE KEY", pkcs8.as_ref()),
        "client_email": email,
        "client_id": format!("1{client_id:020}"),
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": format!("https://www.googleapis.com/robot/v1/metadata/x509/{cert}"),
        "universe_domain": "googleapis.com",
    }))
}

/// RFC 7468: base64 in lines of 64 characters.
fn pem(label: &str, der: &[u8]) -> String {
    let text = Zeroizing::new(BASE64_STANDARD.encode(der));
    // With room for all of it, so that no copy is left behind by growing.
    let mut out = String::with_capacity(text.len() * 2 + 100);
    out += &format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|&byte| char::from(byte)));
        out.push('\n');
    }
    out += &format!("-----END {label}-----\n");
    out
}

/// The DER inside a `BEGIN PRIVATE KEY` block (PKCS#8, the only kind that Google gives out).
fn der_of_pem(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let inner = text.trim().strip_prefix("-----BEGIN PRIVATE KEY-----")?;
    let inner = inner.strip_suffix("-----END PRIVATE KEY-----")?;
    let mut base64 = Zeroizing::new(String::with_capacity(inner.len()));
    base64.extend(inner.chars().filter(|character| !character.is_whitespace()));
    BASE64_STANDARD.decode(&*base64).ok().map(Zeroizing::new)
}

impl Store {
    fn key_file(&self, id: &str) -> std::path::PathBuf {
        self.internal("keys").join(format!("{id}.json"))
    }

    /// Makes a service account key JSON known, so that tokens signed with it are believed.
    pub(crate) fn register_key(&self, key: &Value) -> Result<KeyRecord> {
        let field = |name: &str, missing| key[name].as_str().ok_or(Error::Key(missing));
        if key["type"] != "service_account" {
            return Err(Error::Key("its \"type\" is not \"service_account\""));
        }
        let id = field("private_key_id", "it has no \"private_key_id\"")?;
        if !names::is_id(id) {
            return Err(Error::Key("its \"private_key_id\" has characters other than letters and digits"));
        }
        let der = der_of_pem(field("private_key", "it has no \"private_key\"")?)
            .ok_or(Error::Key("its \"private_key\" is not a PKCS#8 PEM block"))?;
        let pair = KeyPair::from_pkcs8(&der)
            .map_err(|_| Error::Key("its \"private_key\" is not an RSA key of 2048 bits or more"))?;
        let known = self.key(id)?;
        let record = KeyRecord {
            project: field("project_id", "it has no \"project_id\"")?.to_owned(),
            client_email: field("client_email", "it has no \"client_email\"")?.to_owned(),
            public_key: BASE64_STANDARD.encode(pair.public_key().as_ref()),
            // To be told of it once more does not bring it back.
            revoked: known.is_some_and(|known| known.revoked),
        };
        self.write(&self.key_file(id), &record)?;
        Ok(record)
    }

    /// The key with this id, if it was ever registered.
    pub(crate) fn key(&self, id: &str) -> Result<Option<KeyRecord>> {
        if names::is_id(id) { self.read(&self.key_file(id)) } else { Ok(None) }
    }

    /// From now on tokens of this key are refused with 401.
    pub(crate) fn revoke_key(&self, id: &str) -> Result<()> {
        let mut record = self.key(id)?.ok_or_else(|| Error::NoKey(id.to_owned()))?;
        record.revoked = true;
        self.write(&self.key_file(id), &record)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_made_key_reads_back() {
        let key = generate("p", "sa@p.iam.gserviceaccount.com").unwrap();
        let text = key["private_key"].as_str().unwrap();
        assert!(text.lines().all(|line| line.len() <= 64));
        assert!(KeyPair::from_pkcs8(&der_of_pem(text).unwrap()).is_ok());
        assert_eq!(
            key["client_x509_cert_url"],
            "https://www.googleapis.com/robot/v1/metadata/x509/sa%40p%2Eiam%2Egserviceaccount%2Ecom"
        );
    }
}
