//! An export begins.

use jiff::Timestamp;

use super::{Parts, StepError};
use crate::{
    domain::{
        Account, AccountId, BucketId, DataSelection, Export, ExportSpec, Frequency, IdempotencyKey,
        RequestId, Run, RunKey, RunStatus, RunTimestamp, Window,
        rules::{self, Accepted, ClippedDays, Refused},
    },
    ports::{NewExport, Origin, Repeatable, Repeated, StoreError, Work},
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
        bucket: BucketId,
    },
    /// Events need days.
    #[error("a one-time export of events needs its days; give the first and the last")]
    NoDays,
    /// The spec is not of a one-time export.
    #[error("this is not a one-time export")]
    NotOneTime,
    /// The key is another creation's.
    #[error(
        "The Idempotency-Key `{key}` has created export {request} already, from another request. Send this request \
         under a key of its own."
    )]
    KeyReused {
        /// The key.
        key: String,
        /// What it created.
        request: RequestId,
    },
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A part did not work.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl From<StoreError> for CreateError {
    fn from(error: StoreError) -> Self {
        Self::Step(error.into())
    }
}

/// What a customer asks for.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// What.
    pub spec: ExportSpec,
    /// Who asks, by e-mail address, where that is known.
    pub created_by: Option<String>,
    /// Under which key the request may be repeated.
    pub idempotency: Option<IdempotencyKey>,
}

impl From<ExportSpec> for NewRequest {
    /// Asked for by nobody in particular, and not to be repeated.
    fn from(spec: ExportSpec) -> Self {
        Self { spec, created_by: None, idempotency: None }
    }
}

/// What a customer created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The export.
    pub export: Export,
    /// A one-time export's run; others get theirs from [`tick`](super::tick).
    pub run: Option<Run>,
    /// Days that were left out, which the customer must be told.
    pub clipped: Option<ClippedDays>,
    /// Whether an earlier request under the same key created it.
    pub is_repeat: bool,
}

/// Creates what a customer asks for, where the rules allow it: a one-time export begins at once, a recurring or live
/// one with its first due time. Its first window begins at the start date, 12:00 a.m. of the account (of profiles, at the
/// beginning of time). The same request under the same key gives the first export again, as it is then.
///
/// # Errors
/// [`CreateError`].
pub async fn create_export(
    parts: &Parts,
    account: AccountId,
    request: impl Into<NewRequest>,
) -> Result<Created, CreateError> {
    let request = request.into();
    // The rules must not judge a repeat: what the first request created may be what they refuse it for.
    if let Some(created) = repeat(parts, account, &request).await? {
        return Ok(created);
    }
    match create_by_rules(parts, account, &request).await {
        // Somebody was faster with the same key, and what he created is what the rules see now.
        Err(CreateError::Refused(refused)) => {
            repeat(parts, account, &request).await?.ok_or(CreateError::Refused(refused))
        }
        // Or with an export of profiles. Then the rules see it, and say which.
        Err(CreateError::Step(StepError::Store(StoreError::Conflict(_)))) => {
            match repeat(parts, account, &request).await? {
                Some(created) => Ok(created),
                None => create_by_rules(parts, account, &request).await,
            }
        }
        created => created,
    }
}

/// What an earlier request under the same key created.
async fn repeat(
    parts: &Parts,
    account: AccountId,
    request: &NewRequest,
) -> Result<Option<Created>, CreateError> {
    let Some(key) = &request.idempotency else { return Ok(None) };
    let Some(first) = parts.store.repeated(account, key.as_str(), parts.now()).await? else {
        return Ok(None);
    };
    let Repeated { request: created, fingerprint } = first;
    if fingerprint != key.fingerprint(&request.spec) {
        return Err(CreateError::KeyReused { key: key.as_str().to_owned(), request: created });
    }
    let (export, settings) =
        (parts.store.export(account, created).await?, parts.store.account(account).await?);
    let (Some(export), Some(settings)) = (export, settings) else {
        return Err(StepError::Internal(format!("export {created} of account {account} is gone")).into());
    };
    let run = match export.is_one_time() {
        true => {
            let key = RunKey { account, request: created, run: RunTimestamp(created.0) };
            parts.store.run(key).await?
        }
        false => None,
    };
    // The first caller may have ended before it could send the run on its way.
    if let Some(run) = run.as_ref().filter(|run| run.status == RunStatus::Owed) {
        parts.queue.send(Work::Run { run: run.key }).await.map_err(StepError::from)?;
    }
    let clipped = match (request.spec.frequency, export.spec.frequency) {
        (Frequency::OneTime { days: Some(wanted) }, Frequency::OneTime { days: Some(left) }) => {
            ClippedDays::between(wanted, left, &settings)
        }
        _ => None,
    };
    Ok(Some(Created { export, run, clipped, is_repeat: true }))
}

async fn create_by_rules(
    parts: &Parts,
    account: AccountId,
    request: &NewRequest,
) -> Result<Created, CreateError> {
    let account = parts.store.account(account).await?.ok_or(CreateError::NoAccount(account))?;
    let buckets = parts.store.buckets(account.id).await?;
    let flow = parts.store.profiles_flow(account.id).await?;
    let now = parts.now();
    let Accepted { spec, clipped } = rules::check_new(&request.spec, &account, &buckets, flow, now)?;
    let origin = request.origin();
    let Some(next_due_at) = spec.frequency.next_due(now, &account.time_zone.time_zone()) else {
        let (export, run) = begin_one_time(parts, &account, spec, origin).await?;
        return Ok(Created { export, run: Some(run), clipped, is_repeat: false });
    };
    let new = NewExport { account: account.id, spec, now, next_due_at: Some(next_due_at), origin };
    let export = parts.store.create_export(&new).await?;
    Ok(Created { export, run: None, clipped, is_repeat: false })
}

impl NewRequest {
    fn origin(&self) -> Origin {
        let repeatable = self
            .idempotency
            .as_ref()
            .map(|key| Repeatable { key: key.as_str().to_owned(), fingerprint: key.fingerprint(&self.spec) });
        Origin { created_by: self.created_by.clone(), repeatable }
    }
}

/// Creates a one-time export and its run, and sends the run on its way. For operators: the customer's rules are not
/// asked ([`create_export`] does that), but for the one that the store keeps.
///
/// # Errors
/// [`CreateError`]. Where only the message could not be sent the export is created, and a later tick or the next start
/// sends it.
pub async fn create_one_time(
    parts: &Parts,
    account: AccountId,
    spec: ExportSpec,
) -> Result<(Export, Run), CreateError> {
    create_one_time_by(parts, account, spec, Origin::default()).await
}

/// As [`create_one_time`], under the key of `origin`: [`ExportStore::repeated`](crate::ports::ExportStore::repeated)
/// knows then whether it was created.
///
/// # Errors
/// [`CreateError`].
pub async fn create_one_time_by(
    parts: &Parts,
    account: AccountId,
    spec: ExportSpec,
    origin: Origin,
) -> Result<(Export, Run), CreateError> {
    let account = parts.store.account(account).await?.ok_or(CreateError::NoAccount(account))?;
    if parts.store.bucket(account.id, &spec.bucket).await?.is_none() {
        return Err(CreateError::NoBucket { account: account.id, bucket: spec.bucket });
    }
    begin_one_time(parts, &account, spec, origin).await
}

async fn begin_one_time(
    parts: &Parts,
    account: &Account,
    spec: ExportSpec,
    origin: Origin,
) -> Result<(Export, Run), CreateError> {
    let window = one_time_window(parts, &spec).await?;
    let new = NewExport { account: account.id, spec, now: parts.now(), next_due_at: None, origin };
    let (export, run) = parts.store.create_one_time(&new, window, &account.time_zone).await?;
    // It is created: whoever is told of an error now creates it twice.
    if let Err(error) = parts.queue.send(Work::Run { run: run.key }).await {
        tracing::warn!(run = %run.key, %error, "a new run waits for the tick, which wakes it");
    }
    Ok((export, run))
}

/// What a one-time export would deliver if it began now: its days, as committed up to now on the lake's own clock, or
/// all profiles.
///
/// # Errors
/// [`CreateError::NotOneTime`], [`CreateError::NoDays`], or where the lake's clock cannot be read.
pub async fn one_time_window(parts: &Parts, spec: &ExportSpec) -> Result<Window, CreateError> {
    let Frequency::OneTime { days } = spec.frequency else { return Err(CreateError::NotOneTime) };
    // A one-time run has no lag (DESIGN, Which rows).
    let cut = whole_micros(parts.lake.now().await.map_err(StepError::from)?);
    match (&spec.data, days) {
        (DataSelection::AllProfiles, _) => Ok(Window::Committed { after: Timestamp::UNIX_EPOCH, upto: cut }),
        (_, Some(days)) => Ok(Window::EventDate { days, cut }),
        (_, None) => Err(CreateError::NoDays),
    }
}

/// A cut is written into manifests, whose readers know no finer time than microseconds.
pub(super) fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
