//! Creating an export may be repeated: the caller's key names the creation, and a repeat gives what it gave.

use sha2::{Digest, Sha256};

use super::ExportSpec;

/// How long a key is known, in seconds: a day.
pub const IDEMPOTENCY_SECS: i64 = 86_400;

/// The caller's name for a creation (the header `Idempotency-Key`), and what was asked for under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    key: String,
    request: Option<Fingerprint>,
}

/// The key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("An Idempotency-Key has 1 to 255 printable ASCII characters. Send one like a UUID.")]
pub struct BadIdempotencyKey;

/// A hash of what was asked for, so that a key is not taken for another wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl IdempotencyKey {
    /// A key. Two requests under it are the same where their specs are.
    ///
    /// # Errors
    /// When it has not 1 to 255 printable ASCII characters.
    pub fn new(key: impl Into<String>) -> Result<Self, BadIdempotencyKey> {
        let key = key.into();
        let is_printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if is_printable && (1..=255).contains(&key.len()) {
            Ok(Self { key, request: None })
        } else {
            Err(BadIdempotencyKey)
        }
    }

    /// Two requests are the same where these bytes are, whatever spec they mean: "yesterday" means other days after
    /// midnight, and its repeat must give the first export nevertheless.
    #[must_use]
    pub fn for_request(self, bytes: &[u8]) -> Self {
        Self { request: Some(Fingerprint::of(bytes)), ..self }
    }

    /// The key itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.key
    }

    /// What was asked for: the request's own bytes where they were given, else `spec`.
    #[must_use]
    pub fn fingerprint(&self, spec: &ExportSpec) -> Fingerprint {
        self.request.clone().unwrap_or_else(|| {
            let json =
                serde_json::to_vec(spec).expect("the domain's types have text keys and always serialise");
            Fingerprint::of(&json)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_key_is_printable_and_short() {
        for good in ["a", "4f1c 2b", &"~".repeat(255)] {
            assert_eq!(IdempotencyKey::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a\n", "ключ", "\u{7f}", &"a".repeat(256)] {
            assert_eq!(IdempotencyKey::new(bad), Err(BadIdempotencyKey), "{bad:?}");
        }
    }
}
