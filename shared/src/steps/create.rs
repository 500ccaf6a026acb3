//! A one-time export begins.

use jiff::Timestamp;

use super::{Parts, StepError};
use crate::{
    domain::{AccountId, DataSelection, Export, ExportSpec, Frequency, Run, Window},
    ports::{NewExport, Work},
};

/// Why an export is not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Nobody knows the account.
    #[error("there is no account {0}; ingest data for it first")]
    NoAccount(AccountId),
    /// Nobody knows the bucket.
    #[error("account {account} has no bucket `{bucket}`; connect it first")]
    NoBucket {
        /// Whose.
        account: AccountId,
        /// Which.
        bucket: crate::domain::BucketId,
    },
    /// Events need days.
    #[error("a one-time export of events needs its days; give the first and the last")]
    NoDays,
    /// The spec is not of a one-time export.
    #[error("this is not a one-time export")]
    NotOneTime,
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Creates a one-time export and its run, and sends the run on its way.
///
/// # Errors
/// [`CreateError`]; where only the message could not be sent, the run is there and the next start sends it.
pub async fn create_one_time(
    parts: &Parts,
    account: AccountId,
    spec: ExportSpec,
) -> Result<(Export, Run), CreateError> {
    let Frequency::OneTime { days } = spec.frequency else { return Err(CreateError::NotOneTime) };
    let found = parts.store.account(account).await.map_err(StepError::from)?;
    let zone = found.ok_or(CreateError::NoAccount(account))?.time_zone;
    let bucket = spec.bucket.clone();
    if parts.store.bucket(account, &bucket).await.map_err(StepError::from)?.is_none() {
        return Err(CreateError::NoBucket { account, bucket });
    }
    // The cut is an instant on the lake's own clock; a one-time run has no lag (DESIGN, Which rows).
    let cut = whole_micros(parts.lake.now().await.map_err(StepError::from)?);
    let window = match (&spec.data, days) {
        (DataSelection::AllProfiles, _) => Window::Committed { after: Timestamp::UNIX_EPOCH, upto: cut },
        (_, Some(days)) => Window::EventDate { days, cut },
        (_, None) => return Err(CreateError::NoDays),
    };
    let now = parts.now();
    let new = NewExport { account, spec, now, next_due_at: None };
    let created = parts.store.create_one_time(&new, window, &zone).await;
    let (export, run) = created.map_err(StepError::from)?;
    parts.queue.send(Work::Run { run: run.key }).await.map_err(StepError::from)?;
    Ok((export, run))
}

/// A cut is written into manifests, whose readers know no finer time than microseconds.
fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
