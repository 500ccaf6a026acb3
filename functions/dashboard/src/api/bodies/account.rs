//! An account's settings.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spillway::domain::{Account, EmailAddress, WebhookUrl, ZoneName, rules::AccountChange};
use utoipa::ToSchema;

use super::kinds::IdentityBody;
use crate::problem::FieldError;

/// An account's settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(in crate::api) struct AccountBody {
    /// The account's number.
    pub id: u64,
    /// The IANA time zone in which days begin and times are shown.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// The identities that the account uses.
    pub identities: Vec<IdentityBody>,
    /// Who is told by e-mail of what goes wrong.
    pub notify: Vec<String>,
    /// What is told of it too.
    pub webhook: Option<String>,
    /// When the secret was made with which deliveries are signed; null where there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub webhook_secret_made_at: Option<Timestamp>,
    /// The operator's switch: whether the account may create and edit exports.
    pub exports_enabled: bool,
    /// How many days back a one-time export may reach; null where any number.
    pub one_time_limit_days: Option<u32>,
}

impl From<&Account> for AccountBody {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.0,
            time_zone: account.time_zone.to_string(),
            identities: account.identities.iter().map(|kind| (*kind).into()).collect(),
            notify: account.notify.iter().map(ToString::to_string).collect(),
            webhook: account.webhook.as_ref().map(ToString::to_string),
            webhook_secret_made_at: account.webhook_secrets.as_ref().map(|secrets| secrets.made_at),
            exports_enabled: account.exports_enabled,
            one_time_limit_days: account.one_time_limit_days,
        }
    }
}

/// What is to change; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = AccountChange)]
pub(in crate::api) struct AccountPatch {
    /// The time zone; read-only once the account has data.
    #[serde(deserialize_with = "super::read::given")]
    #[schema(nullable = false, example = "Europe/Berlin")]
    pub time_zone: Option<String>,
    /// The identities that the account uses, at least one.
    #[serde(deserialize_with = "super::read::given")]
    #[schema(nullable = false, min_items = 1)]
    pub identities: Option<Vec<IdentityBody>>,
    /// Who is told by e-mail, at most 20.
    #[serde(deserialize_with = "super::read::given")]
    #[schema(nullable = false, max_items = 20)]
    pub notify: Option<Vec<String>>,
    /// The webhook, an `https` address; null takes it away.
    #[serde(deserialize_with = "super::read::given")]
    #[schema(value_type = Option<String>, pattern = "^https://")]
    pub webhook: Option<Option<String>>,
}

impl AccountPatch {
    /// The change, where every part of it can be read.
    pub(in crate::api) fn into_change(self) -> Result<AccountChange, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut keep =
            |pointer: &str, error: &dyn std::fmt::Display| errors.push(FieldError::at(pointer, error));
        let zone = self.time_zone.map(ZoneName::new).transpose();
        let time_zone = zone.unwrap_or_else(|error| {
            keep("/time_zone", &error);
            None
        });
        let notify = self.notify.map(|addresses| {
            let read = addresses.into_iter().enumerate().filter_map(|(index, address)| {
                let address = EmailAddress::new(address);
                address.inspect_err(|error| keep(&format!("/notify/{index}"), error)).ok()
            });
            read.collect()
        });
        let webhook = self.webhook.map(|webhook| {
            webhook.and_then(|text| WebhookUrl::new(&text).inspect_err(|error| keep("/webhook", error)).ok())
        });
        let identities = self.identities.map(|kinds| kinds.into_iter().map(Into::into).collect());
        if errors.is_empty() {
            Ok(AccountChange { time_zone, identities, notify, webhook })
        } else {
            Err(errors)
        }
    }
}
