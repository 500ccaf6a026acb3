//! The signature: HMAC-SHA256 over the delivery's id, its timestamp and its body, in the form of Standard Webhooks
//! (standardwebhooks.com), for which there are libraries in most languages.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::TOLERANCE_SECS;

/// What a secret begins with.
const SECRET_PREFIX: &str = "whsec_";
/// What a signature of this form begins with.
const VERSION: &str = "v1,";
/// How many bytes a secret of ours has.
const SECRET_BYTES: usize = 32;

/// A webhook's secret in the open; wiped when dropped and never shown but to whom it is for.
pub struct SigningSecret(Zeroizing<Vec<u8>>);

/// The text is no secret of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no secret of a webhook; make a new one in the settings")]
pub struct NotASecret;

impl SigningSecret {
    /// A new one, out of random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    /// [`NotASecret`].
    pub fn read(text: &str) -> Result<Self, NotASecret> {
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(NotASecret)?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| NotASecret)?;
        if bytes.is_empty() { Err(NotASecret) } else { Ok(Self(Zeroizing::new(bytes))) }
    }

    /// As it is given to the customer, once.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(self.0.as_slice())))
    }

    fn mac(&self, id: &str, sent_at: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in [id.as_bytes(), b".", sent_at.to_string().as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// The header [`SIGNATURE_HEADER`](super::SIGNATURE_HEADER): a signature for each secret.
#[must_use]
pub fn signature_header(secrets: &[SigningSecret], id: &str, sent_at: Timestamp, body: &[u8]) -> String {
    let sign = |secret: &SigningSecret| {
        let tag = secret.mac(id, sent_at.as_second(), body).finalize().into_bytes();
        format!("{VERSION}{}", BASE64_STANDARD.encode(tag))
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

/// Whether a delivery is one of ours, and no older or newer than [`TOLERANCE_SECS`]: what a receiver has to do.
#[must_use]
pub fn verify(
    secret: &SigningSecret,
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now: Timestamp,
) -> bool {
    let Ok(sent_at) = timestamp.parse::<i64>() else { return false };
    let is_fresh = now.as_second().abs_diff(sent_at) <= TOLERANCE_SECS.unsigned_abs();
    let is_signed =
        signatures.split(' ').filter_map(|signature| signature.strip_prefix(VERSION)).any(|encoded| {
            let tag = BASE64_STANDARD.decode(encoded).unwrap_or_default();
            // Takes as long for a near miss as for a far one.
            secret.mac(id, sent_at, body).verify_slice(&tag).is_ok()
        });
    is_fresh && is_signed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// The published example of Standard Webhooks.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_published_example_is_signed_as_published() {
        let secret = SigningSecret::read(SECRET).unwrap();
        let header = signature_header(&[secret], ID, at(1_614_265_330), BODY);
        assert_eq!(header, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_was_touched_or_is_old_is_refused() {
        let secret = SigningSecret::from_random([7; 32]);
        let (before, other) = (SigningSecret::from_random([8; 32]), SigningSecret::from_random([9; 32]));
        let both = [SigningSecret::from_random([7; 32]), SigningSecret::from_random([8; 32])];
        let header = signature_header(&both, ID, at(1_000), BODY);
        let is_right = |secret: &SigningSecret, id: &str, sent: &str, header: &str, body: &[u8], now| {
            verify(secret, id, sent, header, body, at(now))
        };
        assert!(is_right(&secret, ID, "1000", &header, BODY, 1_000));
        assert!(is_right(&before, ID, "1000", &header, BODY, 1_000), "the secret before counts too");
        assert!(!is_right(&other, ID, "1000", &header, BODY, 1_000));
        assert!(is_right(&secret, ID, "1000", &header, BODY, 1_300), "five minutes are allowed");
        assert!(!is_right(&secret, ID, "1000", &header, BODY, 1_301), "replayed later");
        assert!(!is_right(&secret, ID, "1000", &header, BODY, 699), "from the future");
        assert!(!is_right(&secret, ID, "1001", &header, BODY, 1_000), "another time");
        assert!(!is_right(&secret, "msg_2", "1000", &header, BODY, 1_000), "another id");
        assert!(!is_right(&secret, ID, "1000", &header, b"{}", 1_000), "another body");
        for broken in ["", "v1,", "v2,AAAA", "g0hM", "v1,☃"] {
            assert!(!is_right(&secret, ID, "1000", broken, BODY, 1_000), "{broken}");
        }
        assert!(!is_right(&secret, ID, "soon", &header, BODY, 1_000));
    }

    #[test]
    fn a_secret_is_given_once_and_never_shown() {
        let secret = SigningSecret::from_random([1; 32]);
        assert_eq!(secret.expose().as_str(), "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
        assert_eq!(SigningSecret::read(&secret.expose()).unwrap().0, secret.0);
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
        for text in ["", "whsec_", "AQEB", "whsec_☃"] {
            assert_eq!(SigningSecret::read(text).err(), Some(NotASecret), "{text}");
        }
    }
}
