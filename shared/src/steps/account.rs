//! A customer changes an account's settings; the operator switches exports on and off.

use super::{Parts, StepError};
use crate::{
    domain::{
        Account, AccountId, Dataset,
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
    replace(parts, &known, changed).await
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
