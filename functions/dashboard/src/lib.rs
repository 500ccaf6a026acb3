//! What customers see: the HTTP API under `/api/v1` and the pages.
//!
//! One request: `security` (host, headers, size, time) → `identity` says whose account it is → the rate of that account →
//! a handler of `api` or `pages` → one step of `spillway`. Nothing listens here: a binary serves [`router`], of
//! `functions/local` or, in the cloud, our own (feature `service`).

pub mod api;
mod check;
pub mod config;
pub mod identity;
mod incidents;
pub mod pages;
pub mod problem;
pub mod revision;
pub mod security;
#[cfg(feature = "service")]
pub mod service;
pub mod validator_client;

use std::sync::Arc;

use axum::{Router, middleware};
use jiff::civil::Date;
use spillway::{domain::Account, steps::Parts};

use crate::{
    config::Config,
    identity::Identity,
    problem::Problem,
    security::{rate::RateLimits, streams::Streams},
    validator_client::ValidatorClient,
};

/// What every handler works with.
pub struct App {
    /// The steps' world.
    pub parts: Parts,
    /// As the operator wrote it.
    pub config: Arc<Config>,
    /// Checks candidates of buckets.
    pub validator: ValidatorClient,
    identity: Identity,
    rates: RateLimits,
    streams: Streams,
}

/// Why the app cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

impl App {
    /// Sets everything up; nothing is asked of the network yet.
    ///
    /// # Errors
    /// [`SetupError`]
    pub fn new(parts: Parts, config: Config) -> Result<Arc<Self>, SetupError> {
        let validator = ValidatorClient::new(&config.validator)?;
        Self::with_validator(parts, config, validator)
    }

    /// The same, with another way to the validator.
    ///
    /// # Errors
    /// [`SetupError`]
    pub fn with_validator(
        parts: Parts,
        config: Config,
        validator: ValidatorClient,
    ) -> Result<Arc<Self>, SetupError> {
        config.check()?;
        let identity = Identity::new(&config, &parts.clock)?;
        let rates = RateLimits::new(&config.limits, &parts.clock);
        let streams = Streams::new(&config.limits);
        let config = Arc::new(config);
        Ok(Arc::new(Self { parts, config, validator, identity, rates, streams }))
    }

    /// Today, where the account is.
    #[must_use]
    pub fn today(&self, account: &Account) -> Date {
        self.parts.clock.now().to_zoned_datetime(account.time_zone.time_zone()).date()
    }
}

/// All routes, behind all protection.
pub fn router(app: Arc<App>) -> Router {
    let whoever = || middleware::from_fn_with_state(Arc::clone(&app), identity::identify);
    let api = api::routes().layer(whoever());
    let forms = middleware::from_fn_with_state(Arc::clone(&app.config), security::csrf::protect);
    let pages = pages::routes()
        .layer(middleware::from_fn(identity::only_editors_change))
        .layer(forms)
        .layer(whoever());
    let routes = api.merge(pages).merge(api::public_routes(&app.config)).merge(pages::public_routes());
    let routes = security::around(routes.fallback(nowhere), &app);
    routes.layer(middleware::from_fn(pages::errors::as_pages)).with_state(app)
}

async fn nowhere(uri: http::Uri) -> Problem {
    Problem::no_route(uri.path())
}
