//! A check of a bucket, as the API and the pages have it made: told as its steps end, or when it has ended.
//!
//! The validator's check is a task of its own, which goes on where its answer breaks off. So a break is no verdict: the
//! store is asked what became of the candidate, and where that is open the customer is told so.

use std::sync::Arc;

use futures::{Stream, StreamExt, pin_mut, stream};
use spillway::domain::{AccountId, CandidateId, CheckVerdict, StepReport};

use crate::{
    App,
    validator_client::{CheckLine, ValidatorError},
};

/// The steps as they end, and as the last line the verdict or an error.
///
/// # Errors
/// [`ValidatorError`] where there is no answer at all.
pub(crate) async fn lines(
    app: &App,
    account: AccountId,
    candidate: CandidateId,
) -> Result<impl Stream<Item = Result<CheckLine, ValidatorError>> + Send + use<>, ValidatorError> {
    let (store, since) = (Arc::clone(&app.parts.store), app.parts.clock.now());
    let lines = app.validator.check(account, &candidate).await?;
    let unfinished = stream::once(async { Err(ValidatorError::Unfinished) });
    let lines = Some(Box::pin(lines.chain(unfinished)));
    Ok(stream::unfold(lines, move |lines| {
        let (store, candidate) = (Arc::clone(&store), candidate.clone());
        async move {
            let mut lines = lines?;
            let (line, goes_on) = match lines.next().await? {
                Ok(step @ CheckLine::Step(_)) => (Ok(step), true),
                Ok(verdict) => (Ok(verdict), false),
                Err(error) => match store.candidate(account, &candidate, since).await {
                    // It has become the bucket.
                    Ok(None) => (Ok(CheckLine::Verdict(CheckVerdict { saved: true, problem: None })), false),
                    _ => (Err(error), false),
                },
            };
            Some((line, goes_on.then_some(lines)))
        }
    }))
}

/// All steps and the verdict.
///
/// # Errors
/// [`ValidatorError`] where there is none.
pub(crate) async fn outcome(
    app: &App,
    account: AccountId,
    candidate: CandidateId,
) -> Result<(Vec<StepReport>, CheckVerdict), ValidatorError> {
    let lines = lines(app, account, candidate).await?;
    pin_mut!(lines);
    let mut steps = Vec::new();
    while let Some(line) = lines.next().await {
        match line? {
            CheckLine::Step(step) => steps.push(step),
            CheckLine::Verdict(verdict) => return Ok((steps, verdict)),
        }
    }
    Err(ValidatorError::Unfinished)
}
