//! The secrets of an account's webhook: one that counts, and for a while the one before it.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::domain::{BucketId, SealedKey};

/// How long a secret that was replaced goes on signing beside the new one.
pub const OVERLAP_HOURS: i64 = 24;

/// In the place of a bucket's nickname when the vault seals the secret: no nickname has such a character, so that no key
/// of a bucket opens as a secret or the other way round.
#[must_use]
pub fn seal_name() -> BucketId {
    BucketId("\0webhook".to_owned())
}

/// The sealed secrets of an account's webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecrets {
    /// The one that counts.
    current: SealedKey,
    /// When it was made.
    pub made_at: Timestamp,
    /// The one before it, which signs too until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<(SealedKey, Timestamp)>,
}

impl WebhookSecrets {
    /// The first secret.
    #[must_use]
    pub fn new(sealed: SealedKey, now: Timestamp) -> Self {
        Self { current: sealed, made_at: now, previous: None }
    }

    /// Another secret. The one before it signs too for [`OVERLAP_HOURS`], so that no delivery is refused meanwhile;
    /// one before that does not.
    #[must_use]
    pub fn replaced_by(self, sealed: SealedKey, now: Timestamp) -> Self {
        let until = now.checked_add(OVERLAP_HOURS.hours()).unwrap_or(Timestamp::MAX);
        Self { current: sealed, made_at: now, previous: Some((self.current, until)) }
    }

    /// Those that sign now, the newest first.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> Vec<&SealedKey> {
        let previous = self.previous.iter().filter(|(_, until)| now < *until).map(|(sealed, _)| sealed);
        std::iter::once(&self.current).chain(previous).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_secret_before_signs_for_a_day() {
        let sealed = |text: &str| SealedKey(text.to_owned());
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let secrets = WebhookSecrets::new(sealed("a"), at("2026-03-10T12:00:00Z"));
        assert_eq!(secrets.signing(at("2030-01-01T00:00:00Z")), [&sealed("a")]);
        let secrets = secrets.replaced_by(sealed("b"), at("2026-03-11T12:00:00Z"));
        assert_eq!(secrets.signing(at("2026-03-12T11:59:59Z")), [&sealed("b"), &sealed("a")]);
        assert_eq!(secrets.signing(at("2026-03-12T12:00:00Z")), [&sealed("b")]);
        let secrets = secrets.replaced_by(sealed("c"), at("2026-03-11T13:00:00Z"));
        assert_eq!(secrets.signing(at("2026-03-11T13:00:00Z")), [&sealed("c"), &sealed("b")]);
        let stored = serde_json::to_string(&secrets).unwrap();
        assert_eq!(serde_json::from_str::<WebhookSecrets>(&stored).unwrap(), secrets);
    }
}
