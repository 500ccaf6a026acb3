//! A customer edits a recurring or live export, or moves a one-time one out of a bucket that is blocked.

use super::{Parts, StepError, close::first_open_runs};
use crate::{
    domain::{
        AccountId, Export, ExportSpec, RequestId,
        rules::{self, AcceptedEdit, Refused},
    },
    ports::{StoreError, Work},
};

/// Why an export is not edited.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Nobody knows it.
    #[error("account {account} has no export {request}")]
    NoExport {
        /// Whose.
        account: AccountId,
        /// Which.
        request: RequestId,
    },
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It is not any more what the customer saw.
    #[error("export {0} was changed meanwhile; look at it again, and edit it anew")]
    Changed(RequestId),
    /// Its number is another account's in the new bucket.
    #[error(
        "export {request} cannot move to bucket `{bucket_name}`, where files of another export carry its number; \
         create a new export into it instead"
    )]
    NumberTaken {
        /// Which.
        request: RequestId,
        /// The bucket's name at Google.
        bucket_name: String,
    },
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl From<StoreError> for EditError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NumberTaken { request, bucket_name } => Self::NumberTaken { request, bucket_name },
            error => Self::Step(error.into()),
        }
    }
}

/// Gives an export another spec, where the rules allow it. It takes effect from the next run; what is under way ends as
/// it began. `seen` is the spec that the customer had before him, where he says so: an edit of another one is refused.
///
/// # Errors
/// [`EditError`].
pub async fn edit_export(
    parts: &Parts,
    account: AccountId,
    request: RequestId,
    seen: Option<&ExportSpec>,
    spec: &ExportSpec,
) -> Result<Export, EditError> {
    let export = parts.store.export(account, request).await?;
    let (Some(export), Some(settings)) = (export, parts.store.account(account).await?) else {
        return Err(EditError::NoExport { account, request });
    };
    if seen.is_some_and(|seen| *seen != export.spec) {
        return Err(EditError::Changed(request));
    }
    let buckets = parts.store.buckets(account).await?;
    let AcceptedEdit { spec, next_due_at } =
        rules::check_edit(&export, spec, &settings, &buckets, parts.now())?;
    match parts.store.edit_export(account, request, &export.spec, &spec, next_due_at).await {
        Err(StoreError::Conflict(_)) => Err(EditError::Changed(request)),
        edited => {
            let edited = edited?;
            wake_moved(parts, &export, &edited).await;
            Ok(edited)
        }
    }
}

/// What waited for a blocked bucket follows its export into another one at once; a round of the checker does it else.
async fn wake_moved(parts: &Parts, before: &Export, edited: &Export) {
    if before.spec.bucket == edited.spec.bucket {
        return;
    }
    let woken = async {
        for run in first_open_runs(parts, edited).await? {
            parts.queue.send(Work::Run { run }).await?;
        }
        Ok::<(), StepError>(())
    };
    if let Err(error) = woken.await {
        tracing::warn!(export = %edited.request, %error, "the runs of a moved export wait for the checker");
    }
}
