//! The secrets of an account's webhook: one that counts, and for a while those before it.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::domain::{BucketId, SealedKey};

/// How long a secret that was replaced goes on signing beside the new one.
pub const OVERLAP_HOURS: i64 = 24;

/// How many that were replaced sign at most.
const MOST_PREVIOUS: usize = 4;

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
    /// Those before it, newest first, each of which signs too until then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    previous: Vec<(SealedKey, Timestamp)>,
}

impl WebhookSecrets {
    /// The first secret.
    #[must_use]
    pub fn new(sealed: SealedKey, now: Timestamp) -> Self {
        Self { current: sealed, made_at: now, previous: Vec::new() }
    }

    /// Another secret. Each before it signs too for [`OVERLAP_HOURS`] since it was replaced, so that no delivery is refused
    /// meanwhile, also where several are made in a row: up to four, of which the oldest stays, which a
    /// receiver is likeliest to have.
    #[must_use]
    pub fn replaced_by(self, sealed: SealedKey, now: Timestamp) -> Self {
        let until = now.checked_add(OVERLAP_HOURS.hours()).unwrap_or(Timestamp::MAX);
        let mut previous = vec![(self.current, until)];
        previous.extend(self.previous.into_iter().filter(|(_, until)| now < *until));
        if previous.len() > MOST_PREVIOUS {
            previous.remove(MOST_PREVIOUS - 1);
        }
        Self { current: sealed, made_at: now, previous }
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
    fn the_secrets_before_sign_for_a_day() {
        let sealed = |text: &str| SealedKey(text.to_owned());
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let secrets = WebhookSecrets::new(sealed("a"), at("2026-03-10T12:00:00Z"));
        assert_eq!(secrets.signing(at("2030-01-01T00:00:00Z")), [&sealed("a")]);
        let secrets = secrets.replaced_by(sealed("b"), at("2026-03-11T12:00:00Z"));
        assert_eq!(secrets.signing(at("2026-03-12T11:59:59Z")), [&sealed("b"), &sealed("a")]);
        assert_eq!(secrets.signing(at("2026-03-12T12:00:00Z")), [&sealed("b")]);
        let secrets = secrets.replaced_by(sealed("c"), at("2026-03-11T13:00:00Z"));
        assert_eq!(
            secrets.signing(at("2026-03-11T13:00:00Z")),
            [&sealed("c"), &sealed("b"), &sealed("a")],
            "whoever makes two in a row loses no delivery"
        );
        assert_eq!(secrets.signing(at("2026-03-12T12:00:00Z")), [&sealed("c"), &sealed("b")]);
        let more = ["d", "e", "f", "g"].into_iter();
        let secrets =
            more.fold(secrets, |secrets, text| secrets.replaced_by(sealed(text), at("2026-03-11T14:00:00Z")));
        let signing = secrets.signing(at("2026-03-11T15:00:00Z"));
        assert_eq!(signing, [&sealed("g"), &sealed("f"), &sealed("e"), &sealed("d"), &sealed("a")]);
        let stored = serde_json::to_string(&secrets).unwrap();
        assert_eq!(serde_json::from_str::<WebhookSecrets>(&stored).unwrap(), secrets);
    }
}
