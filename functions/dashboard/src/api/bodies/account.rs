//! An account's settings as the API tells them.

use serde::Serialize;
use spillway::domain::Account;
use utoipa::ToSchema;

/// An account's settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountBody {
    /// The account's number.
    pub id: u64,
    /// The IANA time zone in which days begin and times are shown.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
}

impl From<&Account> for AccountBody {
    fn from(account: &Account) -> Self {
        Self { id: account.id.0, time_zone: account.time_zone.to_string() }
    }
}
