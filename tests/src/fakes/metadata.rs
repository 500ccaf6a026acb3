//! The metadata server of a machine of Google's, that has a service account.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use spillway::ports::Clock;
use url::Url;

use super::Issuer;
use crate::web::serve;

/// The server of one machine.
pub struct Metadata {
    /// Where it listens.
    pub url: Url,
    /// The machine's service account.
    pub email: String,
}

struct Machine {
    email: String,
    project: String,
    issuer: Issuer,
    clock: Arc<dyn Clock>,
}

impl Metadata {
    /// Starts the server of a machine with this service account, whose identity tokens the issuer signs.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start(project: &str, email: &str, issuer: Issuer, clock: Arc<dyn Clock>) -> Self {
        let machine = Machine { email: email.to_owned(), project: project.to_owned(), issuer, clock };
        const ACCOUNT: &str = "/computeMetadata/v1/instance/service-accounts/default";
        let routes = Router::new()
            .route(&format!("{ACCOUNT}/token"), get(access_token))
            .route(&format!("{ACCOUNT}/identity"), get(identity))
            .route(&format!("{ACCOUNT}/email"), get(async |State(of): State<Arc<Machine>>| of.email.clone()))
            .route("/computeMetadata/v1/universe/universe-domain", get(async || "googleapis.com"))
            .route(
                "/computeMetadata/v1/project/project-id",
                get(async |State(of): State<Arc<Machine>>| of.project.clone()),
            )
            .layer(middleware::from_fn(flavored))
            .with_state(Arc::new(machine));
        Self { url: serve(routes).await, email: email.to_owned() }
    }

    /// What the environment's `GCE_METADATA_HOST` has to be.
    #[must_use]
    pub fn host(&self) -> String {
        self.url.authority().to_owned()
    }
}

/// The access token of a service account, as far as the fakes know it.
pub(super) fn access_token_of(email: &str) -> String {
    format!("access-token-of:{email}")
}

async fn flavored(request: Request, next: Next) -> Response {
    let is_flavored = request.headers().get("metadata-flavor").is_some_and(|flavor| flavor == "Google");
    let mut response =
        if is_flavored { next.run(request).await } else { StatusCode::FORBIDDEN.into_response() };
    response.headers_mut().insert("metadata-flavor", http::HeaderValue::from_static("Google"));
    response
}

async fn access_token(State(machine): State<Arc<Machine>>) -> Response {
    let token = access_token_of(&machine.email);
    Json(json!({ "access_token": token, "expires_in": 3_599, "token_type": "Bearer" })).into_response()
}

#[derive(Deserialize)]
struct For {
    audience: String,
}

async fn identity(State(machine): State<Arc<Machine>>, Query(wish): Query<For>) -> String {
    machine.issuer.id_token(&machine.email, &wish.audience, machine.clock.now().as_second())
}
