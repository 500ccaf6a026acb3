//! `POST /check`.

use std::convert::Infallible;

use axum::{
    Json,
    body::Body,
    extract::{State, rejection::JsonRejection},
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use serde::{Deserialize, Serialize};
use spillway::{
    domain::{AccountId, CandidateId, CheckVerdict, PartnerBucket, StepReport},
    steps::{self, CheckError, Parts},
};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::problem;

/// What to check.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckRequest {
    account: AccountId,
    candidate: CandidateId,
}

/// What the check tells: its steps, and its end once.
enum News {
    Step(StepReport),
    End(Result<Option<PartnerBucket>, CheckError>),
}

/// Checks a candidate. The check is a task of its own: a caller that goes away does not end it half-way.
pub(crate) async fn check(
    State(parts): State<Parts>,
    request: Result<Json<CheckRequest>, JsonRejection>,
) -> Response {
    let CheckRequest { account, candidate } = match request {
        Ok(Json(request)) => request,
        Err(rejection) => return problem::bad_request(rejection.status(), &rejection.body_text()),
    };
    let (sender, mut news) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        // Nobody may be listening any more.
        let steps = sender.clone();
        let report = move |report| drop(steps.send(News::Step(report)));
        let end = steps::check_candidate(&parts, account, &candidate, report).await;
        match &end {
            Ok(Some(bucket)) => tracing::info!(%account, bucket = %bucket.id, "a bucket is saved"),
            Ok(None) => tracing::info!(%account, "a bucket did not pass its check"),
            Err(CheckError::Step(error)) => tracing::error!(%account, %error, "a check broke off"),
            Err(error) => tracing::info!(%account, %error, "a check came to nothing"),
        }
        drop(sender.send(News::End(end)));
    });
    match news.recv().await {
        None => problem::internal(),
        Some(News::End(Err(error))) => problem::of_check(&error),
        Some(first) => {
            let headers =
                [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
            (headers, lines(first, news)).into_response()
        }
    }
}

fn lines(first: News, news: UnboundedReceiver<News>) -> Body {
    Body::from_stream(stream::unfold((Some(first), news), |(first, mut news)| async {
        let next = match first {
            Some(first) => first,
            None => news.recv().await?,
        };
        Some((Ok::<_, Infallible>(line(next)), (None, news)))
    }))
}

fn line(news: News) -> Bytes {
    match news {
        News::Step(report) => json(&report),
        News::End(end) => {
            let (saved, problem) = match end {
                Ok(bucket) => (bucket.is_some(), None),
                Err(CheckError::Step(_)) => (false, Some(problem::OURS.to_owned())),
                Err(error) => (false, Some(error.to_string())),
            };
            json(&CheckVerdict { saved, problem })
        }
    }
}

fn json(line: &impl Serialize) -> Bytes {
    // The types are ours and have text keys.
    let mut text = serde_json::to_vec(line).expect("reports always serialise");
    text.push(b'\n');
    text.into()
}
