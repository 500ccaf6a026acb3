//! The incident of a bucket, and another look at it, as the API and the pages have it.

use spillway::{
    domain::{AccountId, BucketId, Incident},
    ports::StoreError,
};

use crate::{
    App,
    problem::{Problem, ProblemKind},
    validator_client::RecheckAnswer,
};

/// How many incidents of an account are looked through for one that is open; nearly always there is none.
const LOOKED_AT: usize = 100;

/// The incident of a bucket of which something may still come.
///
/// # Errors
/// [`StoreError`]
pub(crate) async fn open_of(
    app: &App,
    account: AccountId,
    bucket: &BucketId,
) -> Result<Option<Incident>, StoreError> {
    let incidents = app.parts.store.incidents(account, LOOKED_AT).await?;
    Ok(incidents.into_iter().find(|incident| incident.bucket == *bucket && incident.is_open()))
}

/// Has a bucket looked at now; what waited for one that works goes on.
///
/// # Errors
/// [`Problem`]: where it cannot be looked at, and where there is none.
pub(crate) async fn recheck(
    app: &App,
    account: AccountId,
    bucket: &BucketId,
) -> Result<RecheckAnswer, Problem> {
    let missing = || Problem::not_found("bucket", &format!("`{bucket}`"));
    app.parts.store.bucket(account, bucket).await?.ok_or_else(missing)?;
    let answer = app.validator.recheck(account, bucket).await.map_err(|error| {
        tracing::error!(%error, "a bucket could not be looked at again");
        let detail = "The bucket cannot be looked at just now, since our checker does not answer. Try again in a minute.";
        Problem::new(ProblemKind::ValidatorUnavailable, detail)
    })?;
    answer.ok_or_else(missing)
}
