//! An account's settings.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use spillway::{
    domain::{Account, AccountId},
    steps,
};

use super::{
    bodies::{AccountBody, AccountPatch},
    extract::{IfMatch, JsonBody, etag},
};
use crate::{
    App,
    identity::Viewer,
    problem::{Problem, ProblemKind},
};

/// The account's settings.
#[utoipa::path(
    get, path = "/account", tag = "Account",
    responses(
        (status = OK, body = AccountBody, headers(("ETag" = String, description = "The settings' version"))),
        (status = NOT_FOUND, description = "Nothing is known of the account yet"),
    )
)]
pub(super) async fn get_account(
    State(app): State<Arc<App>>,
    viewer: Viewer,
) -> Result<impl IntoResponse, Problem> {
    let account = find(&app, viewer.account).await?;
    Ok((etag(&account.revision()), Json(AccountBody::from(&account))))
}

/// Change the account's settings.
#[utoipa::path(
    patch, path = "/account", tag = "Account",
    params(("If-Match" = String, Header, pattern = r#"^(\*|"[!#-~]*")$"#, description = "The ETag of the settings, or `*`")),
    request_body = AccountPatch,
    responses(
        (status = OK, body = AccountBody, headers(("ETag" = String, description = "The settings' version"))),
        (status = NOT_FOUND, description = "Nothing is known of the account yet"),
    )
)]
pub(super) async fn patch_account(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    IfMatch(tag): IfMatch,
    JsonBody { value: patch, .. }: JsonBody<AccountPatch>,
) -> Result<impl IntoResponse, Problem> {
    let seen = find(&app, viewer.account).await?;
    if tag.as_ref().is_some_and(|tag| *tag != seen.revision()) {
        let detail = "The settings were changed meanwhile. Get them again, and decide anew.";
        return Err(Problem::new(ProblemKind::ChangedMeanwhile, detail));
    }
    let change = patch.into_change().map_err(Problem::refused)?;
    let account = steps::update_account(&app.parts, viewer.account, tag.map(|_| &seen), change).await?;
    Ok((etag(&account.revision()), Json(AccountBody::from(&account))))
}

/// The account, which is known once it has data.
pub(super) async fn find(app: &App, id: AccountId) -> Result<Account, Problem> {
    let account = app.parts.store.account(id).await?;
    account.ok_or_else(|| Problem::no_account(id))
}
