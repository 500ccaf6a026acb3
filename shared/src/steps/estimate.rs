//! What an export would deliver, before it is created: answered from the catalogue, without a look into the lake.

use super::{
    Parts, StepError,
    catalogue::{catalogue, unseen_events},
    open::ratio_key,
};
use crate::{
    domain::{
        AccountId, DataSelection, DateRange, Estimate, Estimator, ExportSpec, Frequency, Records, RequestId,
        plan::Ratios,
        rules::{self, Refusal, Refused},
    },
    ports::StoreError,
};

/// Why there is no estimate.
#[derive(Debug, thiserror::Error)]
pub enum EstimateError {
    /// Nobody knows the account.
    #[error("there is no account {0}; ingest data for it first")]
    NoAccount(AccountId),
    /// The days or the events are not ones that can be exported.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl From<StoreError> for EstimateError {
    fn from(error: StoreError) -> Self {
        Self::Step(error.into())
    }
}

/// Estimates a one-time export, or a run of a recurring or live one. Only the data and the days are judged: whatever else
/// may be wrong with the spec is told when it is created. `of` is the export that is edited, where there is one.
///
/// # Errors
/// [`EstimateError`].
pub async fn estimate(
    parts: &Parts,
    account: AccountId,
    spec: &ExportSpec,
    of: Option<RequestId>,
) -> Result<Estimate, EstimateError> {
    let account = parts.store.account(account).await?.ok_or(EstimateError::NoAccount(account))?;
    if matches!(&spec.data, DataSelection::SelectEvents { names } if names.is_empty()) {
        return Err(Refused::from(Refusal::NoEvents).into());
    }
    let ratios = Ratios(parts.store.ratios(account.id, &ratio_key(spec)).await?);
    let (limits, now) = (parts.options.plan, parts.now());
    let estimator = Estimator { account: &account, spec, ratios: &ratios, of, limits, now };
    let unseen = unseen_events(parts, account.id, &spec.data).await?;
    let estimate = match (spec.frequency, spec.data == DataSelection::AllProfiles) {
        (Frequency::OneTime { days: Some(_) }, true) => {
            return Err(Refused::from(Refusal::DaysOfProfiles).into());
        }
        (Frequency::OneTime { days: None }, true) => {
            let totals = parts.store.catalogue_totals(account.id).await?;
            estimator.profiles(totals.iter().find(|total| total.records == Records::Profiles))
        }
        (Frequency::OneTime { days: None }, false) => return Err(Refused::from(Refusal::NoDays).into()),
        (Frequency::OneTime { days: Some(days) }, false) => {
            let (days, clipped) =
                rules::check_days(days, &account, estimator.today()).map_err(Refused::from)?;
            let catalogue = parts.store.catalogue_sums(account.id, days, &spec.data).await?;
            let estimate = estimator.once(days, clipped, &catalogue);
            // Where there are some is looked up only for whom it helps.
            let days_with_data =
                if estimate.rows == 0 { days_of_events(parts, account.id, &spec.data).await? } else { None };
            Estimate { days_with_data, ..estimate }
        }
        (Frequency::Recurring(_) | Frequency::Live { .. }, _) => {
            let catalogue = parts.store.catalogue_sums(account.id, estimator.look_back(), &spec.data).await?;
            estimator.each_run(&catalogue)
        }
    };
    Ok(Estimate { unseen, ..estimate })
}

/// From which day to which there are events of a selection; none where there are none, or for profiles.
///
/// # Errors
/// [`StepError`].
pub async fn days_of_events(
    parts: &Parts,
    account: AccountId,
    data: &DataSelection,
) -> Result<Option<DateRange>, StepError> {
    let events = catalogue(parts, account).await?;
    let wanted = || events.iter().filter(|event| event.rows > 0 && data.wants_event(&event.name));
    let (first, last) =
        (wanted().map(|event| event.first_day).min(), wanted().map(|event| event.last_day).max());
    Ok(first.zip(last).and_then(|(first, last)| DateRange::new(first, last).ok()))
}
