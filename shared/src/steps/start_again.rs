//! An export that was stopped by failure is started again, without a gap.

use super::{Parts, StepError};
use crate::{
    domain::{AccountId, Export, RequestId, rules::Refusal},
    ports::{StartAgain, StartedAgain, StoreError, Work},
};

/// Why an export is not started again.
#[derive(Debug, thiserror::Error)]
pub enum StartAgainError {
    /// Nobody knows it.
    #[error("account {account} has no export {request}")]
    NoExport {
        /// Whose.
        account: AccountId,
        /// Which.
        request: RequestId,
    },
    /// It goes on already.
    #[error("Export {0} goes on already; nothing is to be done.")]
    GoesOn(RequestId),
    /// It is done, or a person stopped it.
    #[error(
        "Export {0} was not stopped by failure, so that there is nothing to go on with. Create a new export instead."
    )]
    NotStopped(RequestId),
    /// Exports are switched off for the account.
    #[error("{}", Refusal::ExportsOff)]
    ExportsOff,
    /// Its bucket is gone.
    #[error(
        "The bucket `{bucket}` of export {request} is not connected any more. Connect it again, then start again."
    )]
    NoBucket {
        /// Which export.
        request: RequestId,
        /// Its bucket.
        bucket: String,
    },
    /// An account has one export of profiles that flow.
    #[error(
        "Export {flow} of user properties is active, and an account has one at a time. Stop export {flow} first."
    )]
    AnotherFlow {
        /// Which.
        flow: RequestId,
    },
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl From<StoreError> for StartAgainError {
    fn from(error: StoreError) -> Self {
        Self::Step(error.into())
    }
}

/// Goes on with an export that was stopped by failure. What it had begun is finished first, under its own names; a
/// successor with the same spec takes all that was committed behind that. A one-time export goes on itself. Starting it
/// again twice gives the same successor.
///
/// # Errors
/// [`StartAgainError`].
pub async fn start_again(
    parts: &Parts,
    account: AccountId,
    request: RequestId,
    started_by: Option<String>,
) -> Result<StartedAgain, StartAgainError> {
    let export = parts.store.export(account, request).await?;
    let (Some(export), Some(settings)) = (export, parts.store.account(account).await?) else {
        return Err(StartAgainError::NoExport { account, request });
    };
    if export.successor.is_none() {
        check(parts, &export, settings.exports_enabled).await?;
    }
    let now = parts.now();
    let next_due_at = export.spec.frequency.next_due(now, &settings.time_zone.time_zone());
    let start = StartAgain { account, request, now, next_due_at, started_by };
    let started = match parts.store.start_again(&start).await {
        Err(StoreError::Conflict(_)) => return Err(StartAgainError::NotStopped(request)),
        started => started?,
    };
    for run in &started.resumed {
        // A tick or the checker does it where this is not done.
        parts.queue.send(Work::Run { run: *run }).await.map_err(StepError::from)?;
    }
    Ok(started)
}

async fn check(parts: &Parts, export: &Export, exports_enabled: bool) -> Result<(), StartAgainError> {
    if export.is_active() {
        return Err(StartAgainError::GoesOn(export.request));
    }
    if !export.may_be_started_again() {
        return Err(StartAgainError::NotStopped(export.request));
    }
    if !exports_enabled {
        return Err(StartAgainError::ExportsOff);
    }
    if parts.store.bucket(export.account, &export.spec.bucket).await?.is_none() {
        let (request, bucket) = (export.request, export.spec.bucket.0.clone());
        return Err(StartAgainError::NoBucket { request, bucket });
    }
    let flows = export.spec.data == crate::domain::DataSelection::AllProfiles;
    match parts.store.profiles_flow(export.account).await? {
        Some(flow) if flows => Err(StartAgainError::AnotherFlow { flow }),
        _ => Ok(()),
    }
}
