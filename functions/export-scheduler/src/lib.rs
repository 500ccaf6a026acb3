//! The export scheduler: creates the runs that are due, and plans them.
//!
//! `POST /tick`, which Cloud Scheduler calls, only creates runs; each is planned by a message of its own, which Pub/Sub
//! brings to `POST /push` (`Work::Run`), and planning that was cut off is begun anew. `PUT /accounts/{account}` and
//! `POST /accounts/{account}/runs/{run}/retry` are the operators' (`operate`).

mod operate;
mod tick;

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::post};
use spillway::{
    domain::REQUEST_TIMEOUT_SECS,
    service::{
        InvokerSettings, Invokers, Limits, Running, Service, StartError, Started,
        cloud::{self, CloudSettings, Keys},
        config::{Environment, Settings},
        push::{self, BODY_MAX_BYTES, Takes},
    },
    steps::Parts,
};

/// How many runs one instance plans at once.
const PLANS_AT_ONCE: usize = 4;

/// What a scheduler wants to be told.
pub struct SchedulerSettings {
    cloud: CloudSettings,
    invokers: InvokerSettings,
}

impl Settings for SchedulerSettings {
    fn read(env: &mut Environment) -> Option<Self> {
        let (cloud, invokers) = (CloudSettings::read(env), InvokerSettings::read(env));
        Some(Self { cloud: cloud?, invokers: invokers? })
    }
}

/// The routes.
pub fn router(parts: Parts, running: &Running, invokers: &Arc<Invokers>) -> Router {
    let pushes = push::router(parts.clone(), running, invokers, Takes::Runs, PLANS_AT_ONCE);
    let ticks = operate::routes().route("/tick", post(tick::tick)).with_state(parts);
    invokers.guard(ticks).merge(pushes)
}

/// The service.
pub struct ExportScheduler;

impl Service for ExportScheduler {
    const NAME: &'static str = "export-scheduler";
    const ABOUT: &'static str = "creates the runs that are due when Cloud Scheduler says so, and plans them";
    type Settings = SchedulerSettings;

    async fn start(settings: SchedulerSettings, running: Running) -> Result<Started, StartError> {
        let invokers = Invokers::new(&settings.invokers, &running.clock)?;
        let parts = cloud::parts(&settings.cloud, Keys::Sealed, &running).await?;
        let limits = Limits {
            body_bytes: BODY_MAX_BYTES,
            request_timeout: Duration::from_secs(REQUEST_TIMEOUT_SECS),
            concurrency: PLANS_AT_ONCE + 8,
        };
        Ok(Started { router: router(parts, &running, &invokers), limits })
    }
}
