//! The check of a bucket: told line by line as its steps end, or when it has ended.

use std::convert::Infallible;

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use spillway::{
    domain::{BucketId, StepOutcome, StepReport},
    steps::{self, BucketProposal},
};

use super::{
    BASE,
    bodies::{CheckBody, LineBody, VerdictBody},
    extract::preferred,
};
use crate::{
    App, check,
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
    if telling == Telling::LineByLine {
        let lines = check::lines(app, viewer.account, candidate).await?;
        let body = Body::from_stream(lines.map(|line| Ok::<_, Infallible>(told(line))));
        return Ok(([(header::CONTENT_TYPE, NDJSON)], body).into_response());
    }
    let (steps, verdict) = check::outcome(app, viewer.account, candidate).await?;
    if !verdict.saved {
        return Err(failed(steps, verdict.problem));
    }
    // It may have been told by another nickname, trimmed by the rules.
    let id = BucketId(nickname.0.trim().to_owned());
    let bucket = app.parts.store.bucket(viewer.account, &id).await?;
    let bucket = bucket.ok_or_else(|| Problem::not_found("bucket", &format!("`{id}`")))?;
    let place = format!("{BASE}/buckets/{}", utf8_percent_encode(&id.0, NON_ALPHANUMERIC));
    let body = CheckBody { steps: steps.iter().map(Into::into).collect(), bucket: (&bucket).into() };
    Ok((status, [(header::LOCATION, place)], Json(body)).into_response())
}

fn failed(steps: Vec<StepReport>, problem: Option<String>) -> Problem {
    let last = steps.last().map(|step| &step.outcome);
    let detail = match (problem, last) {
        (Some(problem), _) => problem,
        (None, Some(StepOutcome::Failed { wrong, remedy })) => format!("{wrong} {remedy}"),
        (None, _) => ValidatorError::Unfinished.sentence().to_owned(),
    };
    Problem { steps, ..Problem::new(ProblemKind::CheckFailed, detail) }
}

/// A line, in our words. A check that breaks off ends with a verdict too.
fn told(told: Result<CheckLine, ValidatorError>) -> Bytes {
    line(&match told {
        Ok(CheckLine::Step(step)) => LineBody::Step((&step).into()),
        Ok(CheckLine::Verdict(verdict)) => LineBody::Verdict(verdict.into()),
        Err(error) => {
            let problem = Problem::from(error).detail;
            LineBody::Verdict(VerdictBody { saved: false, problem: Some(problem) })
        }
    })
}

fn line(body: &LineBody) -> Bytes {
    let mut bytes = serde_json::to_vec(body).expect("strings and truth values always serialise");
    bytes.push(b'\n');
    bytes.into()
}
