//! The files of a run, by page, as they are completed.

use super::{Parts, StepError};
use crate::{domain::RunKey, ports::FilePage};

/// A page of the objects that a run has written so far, up to `limit` behind `cursor`, in the order of their names. A
/// run that is unknown or has no plan yet has none.
///
/// # Errors
/// [`StepError`].
pub async fn run_files(
    parts: &Parts,
    run: RunKey,
    cursor: Option<&str>,
    limit: usize,
) -> Result<FilePage, StepError> {
    let Some(plan) = parts.store.run(run).await?.and_then(|run| run.plan) else {
        return Ok(FilePage::default());
    };
    Ok(parts.store.files(run, &plan.token, cursor, limit).await?)
}
