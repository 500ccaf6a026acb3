//! `/_emulator/faults`: the switchboard for other processes, for callers on this machine only.

use axum::{
    Json,
    extract::{ConnectInfo, State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;

use super::App;
use crate::{error::ApiError, faults::FaultRule, serve::Peer};

/// One rule or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Rules {
    One(FaultRule),
    Many(Vec<FaultRule>),
}

fn local(peer: &Peer) -> Result<(), ApiError> {
    if peer.address.ip().to_canonical().is_loopback() {
        Ok(())
    } else {
        Err(ApiError::forbidden("Faults can be switched from the emulator's own machine only."))
    }
}

/// The rules that are still to strike.
pub(super) async fn show(State(app): State<App>, ConnectInfo(peer): ConnectInfo<Peer>) -> Response {
    match local(&peer) {
        Ok(()) => Json(app.emulator.faults().pending()).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// Adds rules, e.g. `{"kind":"unavailable","operation":"finish","times":2}`.
pub(super) async fn add(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    rules: Result<Json<Rules>, JsonRejection>,
) -> Response {
    if let Err(refusal) = local(&peer) {
        return refusal.into_response();
    }
    let rules = match rules {
        Ok(Json(Rules::One(rule))) => vec![rule],
        Ok(Json(Rules::Many(rules))) => rules,
        Err(rejection) => return ApiError::invalid(rejection.body_text()).into_response(),
    };
    rules.into_iter().for_each(|rule| app.emulator.faults().add(rule));
    StatusCode::NO_CONTENT.into_response()
}

/// Forgets all rules.
pub(super) async fn clear(State(app): State<App>, ConnectInfo(peer): ConnectInfo<Peer>) -> Response {
    if let Err(refusal) = local(&peer) {
        return refusal.into_response();
    }
    app.emulator.faults().clear();
    StatusCode::NO_CONTENT.into_response()
}
