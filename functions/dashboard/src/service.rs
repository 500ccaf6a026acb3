//! The dashboard as a service of its own.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use spillway::service::{
    BaseSettings, Limits as ServiceLimits, Running, Service, StartError, Started,
    cloud::{self, CloudSettings, IdTokens, Keys},
    config::{Environment, Settings, Variable, any, http_url, list},
};

use crate::{
    App,
    config::{Config, ConfigError, Limits, Secret, ValidatorConfig},
    router,
    validator_client::{CallerIdentity, ValidatorClient},
};

const PUBLIC_URL: Variable = Variable::new(
    "SPILLWAY_PUBLIC_URL",
    "The dashboard's address as browsers see it; with https, cookies are strict.",
);
const IDENTITY: Variable = Variable::new(
    "SPILLWAY_IDENTITY",
    "Who may come in, as JSON: {\"kind\":\"oidc\",\"issuer\":…,\"audience\":…,\"jwks_url\":…} or \
     {\"kind\":\"iap\",\"audience\":…}; each with \"claims\" where they have other names.",
);
const VALIDATOR_URL: Variable = Variable::new(
    "SPILLWAY_VALIDATOR_URL",
    "The credential validator's address, and so the audience of our tokens for it.",
);
const OUTGOING_IPS: Variable = Variable::new(
    "SPILLWAY_OUTGOING_IPS",
    "The static addresses from which webhooks and mails come, for customers' allow-lists, with commas between them.",
);
const OPERATOR_CONTACT: Variable =
    Variable::new("SPILLWAY_OPERATOR_CONTACT", "Whom customers ask, in words or as an address.");
const FRAME_ANCESTORS: Variable = Variable::new(
    "SPILLWAY_FRAME_ANCESTORS",
    "The origins, like https://app.example.com, whose pages may embed the dashboard, with commas between them.",
);
const LIMITS: Variable = Variable::new(
    "SPILLWAY_LIMITS",
    "How much anybody may ask for, as JSON: reads_per_minute, writes_per_minute, body_bytes, request_timeout_secs, \
     streams, streams_per_account.",
)
.or("{}");

/// How many requests are worked on at once.
const CONCURRENCY: usize = 250;

/// What a dashboard wants to be told.
pub struct DashboardSettings {
    cloud: CloudSettings,
    config: Config,
}

impl Settings for DashboardSettings {
    fn read(env: &mut Environment) -> Option<Self> {
        let (base, cloud) = (BaseSettings::read(env), CloudSettings::read(env));
        let (public_url, identity) = (env.required(PUBLIC_URL, http_url), env.required(IDENTITY, json));
        let validator_url = env.required(VALIDATOR_URL, http_url);
        let outgoing_ips = env.optional(OUTGOING_IPS, list(any));
        let operator_contact = env.optional(OPERATOR_CONTACT, any);
        let frame_ancestors = env.optional(FRAME_ANCESTORS, list(http_url));
        let limits: Option<Limits> = env.required(LIMITS, json);
        let validator = ValidatorConfig { url: validator_url?, secret: None, timeout_secs: 120 };
        let config = Config {
            listen: (Ipv4Addr::UNSPECIFIED, base?.port).into(),
            public_url: public_url?,
            identity: identity?,
            limits: limits?,
            frame_ancestors: frame_ancestors?.unwrap_or_default(),
            validator,
            outgoing_ips: outgoing_ips?.unwrap_or_default(),
            operator_contact: operator_contact?,
            // Mails are sent; there is nothing to show.
            mail_folder: None,
        };
        if let Err(error) = config.check() {
            let variable = match error {
                ConfigError::LocalBeyondLoopback(_)
                | ConfigError::KeysInTheOpen(_)
                | ConfigError::MailsOfAll
                | ConfigError::NoHeader(_) => IDENTITY,
                ConfigError::LoginsInTheOpen(_) => PUBLIC_URL,
                ConfigError::NothingAllowed(_) => LIMITS,
                ConfigError::NoOrigin(_) => FRAME_ANCESTORS,
            };
            env.wrong(variable.name, error.to_string());
            return None;
        }
        Some(Self { cloud: cloud?, config })
    }
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("give JSON as --help shows it; {error}"))
}

/// The service.
pub struct Dashboard;

impl Service for Dashboard {
    const NAME: &'static str = "dashboard";
    const ABOUT: &'static str = "what customers see: the pages and the HTTP API";
    type Settings = DashboardSettings;

    async fn start(settings: DashboardSettings, running: Running) -> Result<Started, StartError> {
        let DashboardSettings { cloud, config } = settings;
        let parts = cloud::parts(&cloud, Keys::Sealed, &running).await?;
        let audience = config.validator.url.as_str().trim_end_matches('/');
        let identity = Arc::new(ServiceAccount(IdTokens::new(audience)?));
        let validator = ValidatorClient::new(&config.validator)?.with_identity(identity);
        let Limits { body_bytes, request_timeout_secs, .. } = config.limits;
        let limits = ServiceLimits {
            body_bytes,
            // The dashboard's own limit comes first, and says it in its own way.
            request_timeout: Duration::from_secs(request_timeout_secs.saturating_add(5)),
            concurrency: CONCURRENCY,
        };
        Ok(Started { router: router(App::with_validator(parts, config, validator)?), limits })
    }
}

/// We are whom the metadata server says.
struct ServiceAccount(IdTokens);

#[async_trait]
impl CallerIdentity for ServiceAccount {
    async fn token(&self) -> Result<Secret, String> {
        self.0.token().await.map(Secret::from).map_err(|error| error.to_string())
    }
}
