//! The failure checker: goes on with what nobody goes on with any more.
//!
//! `POST /check`, which Cloud Scheduler calls, looks at blocked buckets again, tells customers of those that still fail
//! and stops their exports after three days, publishes messages again that were lost, closes runs that are finished and
//! not closed, looks for what is unwell, and forgets candidates of buckets that have expired. `POST /notify`,
//! called more often, sends what is owed to webhooks.

mod check;
mod notify;

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::post};
use spillway::{
    domain::REQUEST_TIMEOUT_SECS,
    service::{
        InvokerSettings, Invokers, Limits, Running, Service, StartError, Started,
        cloud::{self, CloudSettings, Keys},
        config::{Environment, Settings},
        mail::{self, MailSettings},
        push::BODY_MAX_BYTES,
    },
    steps::{Notifier, Parts},
};

/// What a checker wants to be told.
pub struct CheckerSettings {
    cloud: CloudSettings,
    invokers: InvokerSettings,
    mail: MailSettings,
}

impl Settings for CheckerSettings {
    fn read(env: &mut Environment) -> Option<Self> {
        let (cloud, invokers) = (CloudSettings::read(env), InvokerSettings::read(env));
        let mail = MailSettings::read(env);
        Some(Self { cloud: cloud?, invokers: invokers?, mail: mail? })
    }
}

/// The routes.
pub fn router(parts: Parts, notifier: Notifier, invokers: &Arc<Invokers>) -> Router {
    let sends = Router::new().route("/notify", post(notify::notify)).with_state(parts.clone());
    let routes = Router::new().route("/check", post(check::check)).with_state((parts, notifier)).merge(sends);
    invokers.guard(routes)
}

/// The service.
pub struct FailureChecker;

impl Service for FailureChecker {
    const NAME: &'static str = "failure-checker";
    const ABOUT: &'static str =
        "goes on with what was lost when Cloud Scheduler says so, tells customers what fails, and tidies up";
    type Settings = CheckerSettings;

    async fn start(settings: CheckerSettings, running: Running) -> Result<Started, StartError> {
        let invokers = Invokers::new(&settings.invokers, &running.clock)?;
        let parts = cloud::parts(&settings.cloud, Keys::Opened, &running).await?;
        let limits = Limits {
            body_bytes: BODY_MAX_BYTES,
            request_timeout: Duration::from_secs(REQUEST_TIMEOUT_SECS),
            concurrency: 4,
        };
        let notifier = mail::notifier(&settings.mail)?;
        Ok(Started { router: router(parts, notifier, &invokers), limits })
    }
}
