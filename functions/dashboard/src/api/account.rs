//! An account's settings.

use std::sync::Arc;

use axum::{Json, extract::State};

use super::bodies::AccountBody;
use crate::{App, identity::Viewer, problem::Problem};

/// The account's settings.
#[utoipa::path(get, path = "/account", tag = "Account", responses((status = OK, body = AccountBody)))]
pub(super) async fn get_account(
    State(app): State<Arc<App>>,
    viewer: Viewer,
) -> Result<Json<AccountBody>, Problem> {
    let account = app.parts.store.account(viewer.account).await.map_err(|error| Problem::internal(&error))?;
    let account = account.ok_or_else(|| Problem::not_found("the account", &viewer.account))?;
    Ok(Json(AccountBody::from(&account)))
}
