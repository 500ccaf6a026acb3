//! A customer changes an account's settings; the operator switches exports on and off.

use super::{Parts, StepError, webhook::with_secret};
use crate::{
    domain::{
        Account, AccountId, Dataset, ZoneName,
        rules::{self, AccountChange, AccountRefused},
    },
    ports::{LakeQuery, StoreError},
};

/// Why the settings stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Nobody knows the account.
    #[error("there is no account {0}; ingest data for it first")]
    NoAccount(AccountId),
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] AccountRefused),
    /// The settings are not any more what the customer saw.
    #[error("the settings of account {0} were changed meanwhile; look at them again, and change them anew")]
    Changed(AccountId),
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        Self::Step(error.into())
    }
}

/// How often a change is tried that others may be faster than.
pub(super) const TRIES: u32 = 20;

/// Changes an account's settings, where the rules allow it. `seen` are the settings that the customer had before him,
/// where he says so: a change of others is refused ([`Account::revision`] tells them apart).
///
/// # Errors
/// [`AccountError`].
pub async fn update_account(
    parts: &Parts,
    account: AccountId,
    seen: Option<&Account>,
    change: AccountChange,
) -> Result<Account, AccountError> {
    for _ in 0..TRIES {
        match update_once(parts, account, seen, change.clone()).await {
            // Whoever does not say what he has seen minds no change of others.
            Err(AccountError::Changed(_)) if seen.is_none() => {}
            changed => return changed,
        }
    }
    Err(AccountError::Changed(account))
}

async fn update_once(
    parts: &Parts,
    account: AccountId,
    seen: Option<&Account>,
    change: AccountChange,
) -> Result<Account, AccountError> {
    let known = parts.store.account(account).await?.ok_or(AccountError::NoAccount(account))?;
    if seen.is_some_and(|seen| *seen != known) {
        return Err(AccountError::Changed(account));
    }
    // Asked only where it matters, for an account without a catalogue costs a look into its lake.
    let has_data = match &change.time_zone {
        Some(zone) if *zone != known.time_zone => has_data(parts, account).await?,
        _ => false,
    };
    let changed = rules::check_account(&known, change, has_data)?;
    replace(parts, &known, with_secret(parts, changed).await?).await
}

/// What the platform says of an account. What is not given stays as it is, or is the product's default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountSettings {
    /// What a customer may change too.
    pub change: AccountChange,
    /// How many shards its users are spread over, 1 to 24; as the platform's lake has them, so that it never changes.
    pub shards: Option<u8>,
    /// How many days back a one-time export may reach; `Some(None)` for any.
    pub one_time_limit_days: Option<Option<u32>>,
    /// The operator's switch.
    pub exports_enabled: Option<bool>,
}

/// Makes an account known, or changes what is known of it: the platform's, never offered to customers.
///
/// # Errors
/// [`AccountError`]; a time zone stays where there is data.
pub async fn put_account(
    parts: &Parts,
    id: AccountId,
    settings: AccountSettings,
) -> Result<Account, AccountError> {
    let known = match parts.store.account(id).await? {
        Some(known) => {
            let is_other_zone =
                settings.change.time_zone.as_ref().is_some_and(|zone| *zone != known.time_zone);
            let has_data = is_other_zone && has_data(parts, id).await?;
            let changed = rules::check_account(&known, settings.change.clone(), has_data)?;
            return replace(parts, &known, settings.applied_to(changed)).await;
        }
        None => Account::new(id, ZoneName::default()),
    };
    let account = settings.applied_to(rules::check_account(&known, settings.change.clone(), false)?);
    parts.store.put_account(&account).await?;
    Ok(account)
}

impl AccountSettings {
    fn applied_to(&self, account: Account) -> Account {
        Account {
            shards: self.shards.unwrap_or(account.shards),
            one_time_limit_days: self.one_time_limit_days.unwrap_or(account.one_time_limit_days),
            exports_enabled: self.exports_enabled.unwrap_or(account.exports_enabled),
            ..account
        }
    }
}

/// Switches exports on or off for an account: the operator's, never offered to customers. What was created before goes on.
///
/// # Errors
/// [`AccountError`].
pub async fn enable_exports(
    parts: &Parts,
    account: AccountId,
    enabled: bool,
) -> Result<Account, AccountError> {
    let known = parts.store.account(account).await?.ok_or(AccountError::NoAccount(account))?;
    let changed = Account { exports_enabled: enabled, ..known.clone() };
    replace(parts, &known, changed).await
}

async fn replace(parts: &Parts, known: &Account, changed: Account) -> Result<Account, AccountError> {
    if changed != *known {
        match parts.store.replace_account(known, &changed).await {
            Err(StoreError::Conflict(_)) => return Err(AccountError::Changed(known.id)),
            replaced => replaced?,
        }
    }
    Ok(changed)
}

/// Whether the account's lake holds anything. Where the catalogue knows of nothing, the lake is asked: it may have been
/// filled since.
async fn has_data(parts: &Parts, account: AccountId) -> Result<bool, StepError> {
    if !parts.store.catalogue_totals(account).await?.is_empty() {
        return Ok(true);
    }
    for dataset in [Dataset::Events, Dataset::Profiles] {
        let query = LakeQuery {
            account,
            dataset,
            first_hour: jiff::Timestamp::UNIX_EPOCH,
            last_hour: parts.lake.now().await?,
        };
        match parts.lake.list(&query).await {
            Ok(files) if files.is_empty() => {}
            // A file in the wrong folder is data too.
            Ok(_) | Err(crate::ports::LakeError::Broken { .. }) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}
