//! The encoder and the scheduler over embedded parts, in a process of their own that tests end, and call as Lambda does.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use spillway::{
    adapters::{
        gcs::{GcsOptions, GcsPartnerBuckets},
        key_file::KeyFileVault,
        lake::ObjectStoreLake,
        local_queue::LocalQueue,
        sqlite::SqliteStore,
        webhooks::{HttpsWebhooks, WebhookOptions},
    },
    service::{
        self, InvokerSettings, Invokers, Limits, Running, Service, StartError, Started,
        config::{Environment, Settings, Variable, any},
    },
    steps::{Options, Parts, Unobserved},
};

const HOME: Variable = Variable::new("SPILLWAY_TEST_HOME", "The folder of a test's app.");
const ENDPOINT: Variable = Variable::new("SPILLWAY_GCS_ENDPOINT", "The emulator of Google Cloud Storage.");

struct Told {
    home: PathBuf,
    endpoint: String,
    invokers: InvokerSettings,
}

impl Settings for Told {
    fn read(env: &mut Environment) -> Option<Self> {
        let (home, endpoint) = (env.required(HOME, any), env.required(ENDPOINT, any));
        let invokers = InvokerSettings::read(env);
        Some(Self { home: home?.into(), endpoint: endpoint?, invokers: invokers? })
    }
}

struct Served;

impl Service for Served {
    const NAME: &'static str = "served";
    const ABOUT: &'static str = "functions over the parts of a test";
    type Settings = Told;

    async fn start(told: Told, running: Running) -> Result<Started, StartError> {
        let Told { home, endpoint, invokers } = told;
        let invokers = Invokers::new(&invokers, &running.clock)?;
        let parts = Parts {
            store: Arc::new(SqliteStore::open(&home.join("state.sqlite"))?),
            queue: Arc::new(LocalQueue::new()),
            lake: Arc::new(ObjectStoreLake::folder(&home.join("lake"), Arc::clone(&running.clock))?),
            buckets: Arc::new(GcsPartnerBuckets::new(GcsOptions::new(endpoint))?),
            vault: Arc::new(KeyFileVault::open(&home.join("vault.key"))?),
            webhooks: Arc::new(HttpsWebhooks::new(WebhookOptions::default())?),
            clock: Arc::clone(&running.clock),
            observer: Arc::new(Unobserved),
            shutdown: running.shutdown.clone(),
            options: Options::default(),
        };
        let router = chunk_encoder::router(parts, &running, &invokers, 2);
        let limits = Limits { body_bytes: 65_536, request_timeout: Duration::from_secs(560), concurrency: 8 };
        Ok(Started { router, limits })
    }
}

fn main() -> ExitCode {
    service::main::<Served>()
}
