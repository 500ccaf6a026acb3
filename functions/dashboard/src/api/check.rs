//! The check of a bucket: told line by line as its steps end, or when it has ended.

use std::convert::Infallible;

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http::{HeaderMap, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use spillway::{
    domain::{BucketId, CheckVerdict, StepOutcome, StepReport},
    steps::{self, BucketProposal},
};

use super::{
    BASE,
    bodies::{CheckBody, LineBody, VerdictBody},
    extract::preferred,
};
use crate::{
    App,
    identity::Viewer,
    problem::{Problem, ProblemKind},
    validator_client::{CheckLine, ValidatorError},
};

/// A line of JSON for each step.
const NDJSON: &str = "application/x-ndjson";

/// How the client wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    AtTheEnd,
    LineByLine,
}

pub(super) fn accepted(headers: &HeaderMap) -> Result<Telling, Problem> {
    let kind = preferred(headers, &["application/json", NDJSON])?;
    Ok(if kind == NDJSON { Telling::LineByLine } else { Telling::AtTheEnd })
}

/// Proposes, has it checked, and tells.
pub(super) async fn run(
    app: &App,
    viewer: &Viewer,
    proposal: BucketProposal,
    telling: Telling,
    status: StatusCode,
) -> Result<Response, Problem> {
    let nickname = proposal.nickname.clone();
    let candidate = steps::propose_bucket(&app.parts, viewer.account, proposal).await?;
    let lines = app.validator.check(viewer.account, &candidate).await?;
    if telling == Telling::LineByLine {
        let body = Body::from_stream(told(Box::pin(lines)));
        return Ok(([(header::CONTENT_TYPE, NDJSON)], body).into_response());
    }
    let steps = passed(Box::pin(lines)).await?;
    // It may have been told by another nickname, trimmed by the rules.
    let id = BucketId(nickname.0.trim().to_owned());
    let bucket = app.parts.store.bucket(viewer.account, &id).await?;
    let bucket = bucket.ok_or_else(|| Problem::not_found("bucket", &format!("`{id}`")))?;
    let place = format!("{BASE}/buckets/{}", utf8_percent_encode(&id.0, NON_ALPHANUMERIC));
    let body = CheckBody { steps: steps.iter().map(Into::into).collect(), bucket: (&bucket).into() };
    Ok((status, [(header::LOCATION, place)], Json(body)).into_response())
}

/// Every step, where all passed and the bucket is saved.
async fn passed(
    mut lines: impl Stream<Item = Result<CheckLine, ValidatorError>> + Unpin,
) -> Result<Vec<StepReport>, Problem> {
    let mut steps = Vec::new();
    while let Some(line) = lines.next().await {
        match line? {
            CheckLine::Step(step) => steps.push(step),
            CheckLine::Verdict(CheckVerdict { saved: true, .. }) => return Ok(steps),
            CheckLine::Verdict(CheckVerdict { problem, .. }) => return Err(failed(steps, problem)),
        }
    }
    Err(ValidatorError::Unfinished.into())
}

fn failed(steps: Vec<StepReport>, problem: Option<String>) -> Problem {
    let last = steps.last().map(|step| &step.outcome);
    let detail = match (problem, last) {
        (Some(problem), _) => problem,
        (None, Some(StepOutcome::Failed { wrong, remedy })) => format!("{wrong} {remedy}"),
        (None, _) => ValidatorError::SENTENCE.to_owned(),
    };
    Problem { steps, ..Problem::new(ProblemKind::CheckFailed, detail) }
}

/// The lines, in our words. A check that breaks off ends with a verdict too.
fn told(
    lines: impl Stream<Item = Result<CheckLine, ValidatorError>> + Unpin,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(Some(lines), async |lines| {
        let mut lines = lines?;
        let (text, goes_on) = match lines.next().await {
            Some(Ok(CheckLine::Step(step))) => (line(&LineBody::Step((&step).into())), true),
            Some(Ok(CheckLine::Verdict(verdict))) => (line(&LineBody::Verdict(verdict.into())), false),
            broken => {
                let error = match broken {
                    Some(Err(error)) => error,
                    _ => ValidatorError::Unfinished,
                };
                let problem = Problem::from(error).detail;
                (line(&LineBody::Verdict(VerdictBody { saved: false, problem: Some(problem) })), false)
            }
        };
        Some((Ok(text), goes_on.then_some(lines)))
    })
}

fn line(body: &LineBody) -> Bytes {
    let mut bytes = serde_json::to_vec(body).expect("strings and truth values always serialise");
    bytes.push(b'\n');
    bytes.into()
}
