//! `POST /recheck`: a bucket is looked at now, and what waited for it goes on where it works.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use spillway::{
    domain::{AccountId, BucketFailure, BucketId},
    steps::{self, Parts, Verdict},
};

use crate::problem;

/// Which.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecheckRequest {
    account: AccountId,
    bucket: BucketId,
}

pub(crate) async fn recheck(
    State(parts): State<Parts>,
    request: Result<Json<RecheckRequest>, JsonRejection>,
) -> Response {
    let RecheckRequest { account, bucket } = match request {
        Ok(Json(request)) => request,
        Err(rejection) => return problem::bad_request(rejection.status(), &rejection.body_text()),
    };
    let answer = |works: bool, failure: Option<&BucketFailure>| {
        tracing::info!(%account, %bucket, works, "a bucket was looked at again");
        Json(json!({ "works": works, "failure": failure })).into_response()
    };
    match steps::recheck_bucket(&parts, account, &bucket).await {
        Ok(None) => problem::no_bucket(),
        Ok(Some(Verdict::Works)) => answer(true, None),
        Ok(Some(Verdict::Fails(failure) | Verdict::Unasked(failure) | Verdict::Unclear(failure, _))) => {
            answer(false, Some(&failure))
        }
        Err(error) => {
            tracing::error!(%account, %bucket, %error, "a bucket could not be looked at again");
            problem::of_step(&error)
        }
    }
}
