//! The validator as a service of its own.

use std::time::Duration;

use spillway::service::{
    InvokerSettings, Invokers, Limits, Running, Service, StartError, Started,
    cloud::{self, CloudSettings, Keys},
    config::{Environment, Settings},
};

use crate::{BODY_MAX_BYTES, router};

/// How long the first line of an answer may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// What a validator wants to be told.
pub struct ValidatorSettings {
    cloud: CloudSettings,
    invokers: InvokerSettings,
}

impl Settings for ValidatorSettings {
    fn read(env: &mut Environment) -> Option<Self> {
        let (cloud, invokers) = (CloudSettings::read(env), InvokerSettings::read(env));
        Some(Self { cloud: cloud?, invokers: invokers? })
    }
}

/// The service.
pub struct CredentialValidator;

impl Service for CredentialValidator {
    const NAME: &'static str = "credential-validator";
    const ABOUT: &'static str = "checks a customer's bucket and key for the dashboard, and saves them";
    type Settings = ValidatorSettings;

    async fn start(settings: ValidatorSettings, running: Running) -> Result<Started, StartError> {
        let invokers = Invokers::new(&settings.invokers, &running.clock)?;
        let parts = cloud::parts(&settings.cloud, Keys::Opened, &running).await?;
        let limits = Limits { body_bytes: BODY_MAX_BYTES, request_timeout: REQUEST_TIMEOUT, concurrency: 80 };
        Ok(Started { router: router(parts, |routes| invokers.guard(routes)), limits })
    }
}
