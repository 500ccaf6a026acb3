//! A tenant and its settings.

use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{AccountId, EmailAddress, IdentityKind, WebhookUrl, webhook::WebhookSecrets};

/// An IANA time zone that is known to exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ZoneName(String);

/// The text names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no IANA time zone; use a name like Europe/Berlin or UTC")]
pub struct UnknownZone(pub String);

impl ZoneName {
    /// A zone by its IANA name, in capitals or not: it is kept as IANA writes it, so that one zone has one name.
    ///
    /// # Errors
    /// When the zone data base has no such name.
    pub fn new(name: impl Into<String>) -> Result<Self, UnknownZone> {
        let name = name.into();
        match TimeZone::get(&name) {
            Ok(zone) => Ok(Self(zone.iana_name().map_or(name, str::to_owned))),
            Err(_) => Err(UnknownZone(name)),
        }
    }

    /// The zone's rules.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        TimeZone::get(&self.0).expect("checked when the name was made; the zone data is compiled in")
    }

    /// The IANA name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ZoneName {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ZoneName {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl TryFrom<String> for ZoneName {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

impl From<ZoneName> for String {
    fn from(zone: ZoneName) -> Self {
        zone.0
    }
}

/// One tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// In which days begin and times are written; read-only once there is data.
    pub time_zone: ZoneName,
    /// The identities that it uses.
    pub identities: Vec<IdentityKind>,
    /// How many shards (database ids) its users are spread over, 1–24.
    pub shards: u8,
    /// How many days back a one-time export may reach; none: any.
    pub one_time_limit_days: Option<u32>,
    /// Who is told by e-mail of what goes wrong.
    #[serde(default)]
    pub notify: Vec<EmailAddress>,
    /// What is told of it too.
    #[serde(default)]
    pub webhook: Option<WebhookUrl>,
    /// What signs that, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secrets: Option<WebhookSecrets>,
    /// The operator's switch: whether the account may create and edit exports. What is there goes on either way.
    #[serde(default = "switched_on")]
    pub exports_enabled: bool,
}

/// Accounts that were stored before there was a switch may export.
fn switched_on() -> bool {
    true
}

impl Account {
    /// An account with the product's defaults: three identities, 60 days.
    #[must_use]
    pub fn new(id: AccountId, time_zone: ZoneName) -> Self {
        let identities = IdentityKind::ALL.to_vec();
        Self {
            id,
            time_zone,
            identities,
            shards: 1,
            one_time_limit_days: Some(60),
            notify: Vec::new(),
            webhook: None,
            webhook_secrets: None,
            exports_enabled: true,
        }
    }

    /// Tells these settings from any others: equal settings have equal revisions. For `ETag` and `If-Match`.
    #[must_use]
    pub fn revision(&self) -> String {
        let json = serde_json::to_vec(self).expect("the domain's types have text keys and always serialise");
        Sha256::digest(json)[..12].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_zone_is_kept_as_iana_writes_it() {
        for (given, want) in
            [("europe/berlin", "Europe/Berlin"), ("ASIA/KOLKATA", "Asia/Kolkata"), ("utc", "UTC")]
        {
            assert_eq!(ZoneName::new(given).unwrap().as_str(), want);
            assert_eq!(ZoneName::new(given), ZoneName::new(want));
        }
        assert_eq!(ZoneName::new("Europe/Atlantis"), Err(UnknownZone("Europe/Atlantis".to_owned())));
    }

    #[test]
    fn documents_without_the_newer_settings_are_read() {
        let old = r#"{"id":7,"time_zone":"Europe/Berlin","identities":["identity"],"shards":3,"one_time_limit_days":null}"#;
        let account: Account = serde_json::from_str(old).unwrap();
        assert_eq!((account.notify.len(), &account.webhook, account.exports_enabled), (0, &None, true));
    }

    #[test]
    fn a_revision_tells_settings_apart() {
        let account = Account::new(AccountId(1), ZoneName::default());
        let off = Account { exports_enabled: false, ..account.clone() };
        assert_eq!(account.revision(), account.clone().revision());
        assert_ne!(account.revision(), off.revision());
        assert_eq!(account.revision().len(), 24);
    }
}
