//! Buckets: connected by a check, given another key by a check, removed.

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use spillway::{
    domain::{BucketId, PartnerBucket},
    steps::{self, BucketProposal},
};

use super::{
    bodies::{BucketBody, BucketList, CheckBody, LineBody, NewBucket, NewKey},
    check,
    extract::{JsonBody, PathOf},
};
use crate::{App, identity::Viewer, problem::Problem};

/// The account's buckets, by nickname.
#[utoipa::path(get, path = "/buckets", tag = "Buckets", responses((status = OK, body = BucketList)))]
pub(super) async fn list_buckets(
    State(app): State<Arc<App>>,
    viewer: Viewer,
) -> Result<Json<BucketList>, Problem> {
    let buckets = app.parts.store.buckets(viewer.account).await?;
    Ok(Json(BucketList { buckets: buckets.iter().map(Into::into).collect() }))
}

/// Connect a bucket. It is checked first, and saved only when the check passes.
///
/// With `Accept: application/x-ndjson` the answer is a line for each step as it ends, and a last line that says whether
/// the bucket was saved. Otherwise it comes when the check has ended: the bucket, or the problem.
#[utoipa::path(
    post, path = "/buckets", tag = "Buckets",
    request_body = NewBucket,
    responses(
        (status = CREATED, body = CheckBody, description = "The check passed, and the bucket is connected",
         headers(("Location" = String, description = "The bucket's address"))),
        (status = OK, description = "Lines of the check, as `Accept` asks for",
         content((LineBody = "application/x-ndjson"))),
        (status = NOT_FOUND, description = "Nothing is known of the account yet"),
        (status = BAD_GATEWAY, description = "The check cannot be made just now"),
    )
)]
pub(super) async fn create_bucket(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    JsonBody { value: wish, .. }: JsonBody<NewBucket>,
) -> Result<Response, Problem> {
    let accept = check::accepted(&headers)?;
    let nickname = BucketId(wish.nickname);
    let proposal = BucketProposal {
        nickname: nickname.clone(),
        bucket_name: wish.bucket_name,
        key: wish.key.into(),
        replaces: false,
    };
    check::run(&app, &viewer, proposal, accept, StatusCode::CREATED).await
}

/// A bucket.
#[utoipa::path(
    get, path = "/buckets/{nickname}", tag = "Buckets",
    params(("nickname" = String, Path, description = "The bucket's nickname")),
    responses((status = OK, body = BucketBody))
)]
pub(super) async fn get_bucket(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf(nickname): PathOf<String>,
) -> Result<Json<BucketBody>, Problem> {
    Ok(Json((&find(&app, &viewer, nickname).await?).into()))
}

/// Give a bucket another key. It is checked first; until it passes, the old key stays.
///
/// The answer follows `Accept` as that of connecting a bucket does.
#[utoipa::path(
    put, path = "/buckets/{nickname}/key", tag = "Buckets",
    params(("nickname" = String, Path, description = "The bucket's nickname")),
    request_body = NewKey,
    responses(
        (status = OK, description = "The check passed, and the key is kept; or, as `Accept` asks for, the lines of it",
         content((CheckBody = "application/json"), (LineBody = "application/x-ndjson"))),
        (status = BAD_GATEWAY, description = "The check cannot be made just now"),
    )
)]
pub(super) async fn replace_key(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    PathOf(nickname): PathOf<String>,
    JsonBody { value: wish, .. }: JsonBody<NewKey>,
) -> Result<Response, Problem> {
    let accept = check::accepted(&headers)?;
    let bucket = find(&app, &viewer, nickname).await?;
    let proposal = BucketProposal {
        nickname: bucket.id,
        bucket_name: bucket.bucket_name,
        key: wish.key.into(),
        replaces: true,
    };
    check::run(&app, &viewer, proposal, accept, StatusCode::OK).await
}

/// Remove a bucket and its key, unless an active export goes into it. Its files stay where they are, at Google.
#[utoipa::path(
    delete, path = "/buckets/{nickname}", tag = "Buckets",
    params(("nickname" = String, Path, description = "The bucket's nickname")),
    responses(
        (status = NO_CONTENT, description = "It is removed"),
        (status = CONFLICT, description = "Exports go into it; the problem names them"),
    )
)]
pub(super) async fn delete_bucket(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf(nickname): PathOf<String>,
) -> Result<StatusCode, Problem> {
    steps::remove_bucket(&app.parts, viewer.account, &BucketId(nickname)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn find(app: &App, viewer: &Viewer, nickname: String) -> Result<PartnerBucket, Problem> {
    let id = BucketId(nickname);
    let bucket = app.parts.store.bucket(viewer.account, &id).await?;
    bucket.ok_or_else(|| Problem::not_found("bucket", &format!("`{id}`")))
}
