//! Who is calling: self-signed JWTs of registered service account keys (RS256), checked against the clock.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use http::{HeaderMap, header};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    call::Operation,
    error::{ApiError, Result},
    state::keys::KeyRecord,
};

/// How far the clocks of client and server may differ. Google's client dates its tokens 10 s back.
const SKEW_SECS: i64 = 60;
/// The longest time for which a token may be made out.
const MAX_LIFETIME_SECS: i64 = 3600;

/// A service account that proved itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) project: String,
    /// What the token's scopes allow at most; IAM may allow less.
    pub(crate) reach: Reach,
}

/// What the scopes of a token allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    Read,
    Write,
    Full,
}

impl Reach {
    /// The widest of the token's scopes; `None` if none of them is for storage.
    fn of_scopes(scopes: &str) -> Option<Self> {
        let reach = |scope: &str| match scope.strip_prefix("https://www.googleapis.com/auth/")? {
            "cloud-platform" | "devstorage.full_control" => Some(Self::Full),
            "devstorage.read_write" => Some(Self::Write),
            "devstorage.read_only" | "cloud-platform.read-only" => Some(Self::Read),
            _ => None,
        };
        scopes.split_ascii_whitespace().filter_map(reach).max()
    }

    /// The least that an operation needs.
    fn needed(operation: Operation) -> Self {
        use Operation::*;
        match operation {
            ListBuckets | GetBucket | TestPermissions | List | Metadata | Read => Self::Read,
            CreateBucket | DeleteBucket | Delete | Insert | Start | UploadPart | UploadStatus | Finish
            | Cancel => Self::Write,
            UpdateBucket | LockRetention | GetIam | SetIam | Update => Self::Full,
        }
    }

    /// 403 if the token's scopes are too narrow for the operation.
    pub(crate) fn check(self, operation: Operation) -> Result<(), ApiError> {
        if self >= Self::needed(operation) {
            Ok(())
        } else {
            Err(ApiError::forbidden("Provided scope(s) are not authorized"))
        }
    }
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Option<String>,
    scope: Option<String>,
    iat: i64,
    exp: i64,
}

/// The caller by the `Authorization` header; `None` is anonymous. Keys are looked up by id with `key`.
///
/// # Errors
/// 401 for anything that is not a valid token of a registered key.
pub(crate) fn caller(
    headers: &HeaderMap,
    now: Timestamp,
    key: impl FnOnce(&str) -> Result<Option<KeyRecord>>,
) -> Result<Option<Account>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
    let refused = ApiError::invalid_credentials;
    let token = token.ok_or_else(refused)?;
    let (signed, signature) = token.rsplit_once('.').ok_or_else(refused)?;
    let (head, claims) = signed.split_once('.').ok_or_else(refused)?;
    let head: Head = decode(head).ok_or_else(refused)?;
    let key = key(&head.kid)?.filter(|key| !key.revoked && head.alg == "RS256").ok_or_else(refused)?;
    let public_key = BASE64_STANDARD.decode(&key.public_key).map_err(|_| refused())?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| refused())?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| refused())?;
    let claims: Claims = decode(claims).ok_or_else(refused)?;
    let reach = believe(&claims, &key, now.as_second()).ok_or_else(refused)?;
    Ok(Some(Account { email: key.client_email, project: key.project, reach }))
}

/// Whether well-signed claims hold: whose, for whom, from when and until when.
fn believe(claims: &Claims, key: &KeyRecord, now: i64) -> Option<Reach> {
    let whose = claims.iss == key.client_email && claims.sub == key.client_email;
    let lifetime = claims.exp.checked_sub(claims.iat)?;
    let when = claims.iat <= now + SKEW_SECS
        && claims.exp > now - SKEW_SECS
        && (0..=MAX_LIFETIME_SECS + SKEW_SECS).contains(&lifetime);
    let reach = match (&claims.scope, &claims.aud) {
        (Some(scopes), _) => Reach::of_scopes(scopes),
        (None, Some(audience)) => {
            (audience.trim_end_matches('/') == "https://storage.googleapis.com").then_some(Reach::Full)
        }
        (None, None) => None,
    };
    reach.filter(|_| whose && when)
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_749_623_187;

    fn reach(change: impl FnOnce(&mut Claims)) -> Option<Reach> {
        let email = "sa@p.iam.gserviceaccount.com".to_owned();
        let key = KeyRecord {
            project: "p".into(),
            client_email: email.clone(),
            public_key: String::new(),
            revoked: false,
        };
        let scope = Some("https://www.googleapis.com/auth/cloud-platform".to_owned());
        // What google-cloud-auth sends: 10 s back, 1 h and 10 s ahead.
        let mut claims =
            Claims { iss: email.clone(), sub: email, aud: None, scope, iat: NOW - 10, exp: NOW + 3610 };
        change(&mut claims);
        believe(&claims, &key, NOW)
    }

    #[test]
    fn claims_are_held_against_key_and_clock() {
        assert_eq!(reach(|_| ()), Some(Reach::Full));
        assert_eq!(reach(|claims| claims.iss = "b@p".into()), None);
        assert_eq!(reach(|claims| claims.sub = "b@p".into()), None);
        assert_eq!(reach(|claims| (claims.iat, claims.exp) = (NOW - 3700, NOW - 100)), None);
        assert_eq!(reach(|claims| (claims.iat, claims.exp) = (NOW + 100, NOW + 3600)), None);
        assert_eq!(reach(|claims| claims.exp = NOW + 7200), None);
        assert_eq!(reach(|claims| (claims.iat, claims.exp) = (i64::MIN, i64::MAX)), None);
        assert_eq!(reach(|claims| claims.exp = NOW - 20), None, "ends before it begins");
    }

    #[test]
    fn scopes_and_audiences() {
        let scope = |name: &str| {
            let scope = format!("https://www.googleapis.com/auth/{name}");
            reach(|claims| claims.scope = Some(scope))
        };
        assert_eq!(scope("devstorage.read_only"), Some(Reach::Read));
        assert_eq!(scope("devstorage.read_write"), Some(Reach::Write));
        assert_eq!(scope("devstorage.full_control"), Some(Reach::Full));
        assert_eq!(scope("pubsub"), None);
        let audience =
            |text: &str| reach(|claims| (claims.scope, claims.aud) = (None, Some(text.to_owned())));
        assert_eq!(audience("https://storage.googleapis.com/"), Some(Reach::Full));
        assert_eq!(audience("https://pubsub.googleapis.com/"), None);
        assert_eq!(reach(|claims| claims.scope = None), None);
        assert!(Reach::Read.check(Operation::Read).is_ok());
        assert!(Reach::Read.check(Operation::Insert).is_err());
        assert!(Reach::Write.check(Operation::Finish).is_ok());
    }
}
