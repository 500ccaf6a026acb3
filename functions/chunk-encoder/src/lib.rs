//! The chunk encoder: takes messages with chunks, and makes a file in the customer's bucket of each.
//!
//! `POST /push` takes `Work::Chunks` from Pub/Sub. Whoever completes a run's last chunk closes the run. It is one of the
//! few places where a customer's key is opened.

use std::{sync::Arc, time::Duration};

use axum::Router;
use spillway::{
    domain::REQUEST_TIMEOUT_SECS,
    encode::GzipLevel,
    service::{
        InvokerSettings, Invokers, Limits, Running, Service, StartError, Started,
        cloud::{self, CloudSettings, Keys},
        config::{Environment, Settings, Variable, number},
        push::{self, BODY_MAX_BYTES, Takes},
    },
    steps::Parts,
};

const CONCURRENCY: Variable = Variable::new(
    "SPILLWAY_ENCODER_CONCURRENCY",
    "How many messages one instance works on at once; each takes up to some 60 MiB.",
)
.or("2");

const GZIP_LEVEL: Variable = Variable::new(
    "SPILLWAY_ENCODER_GZIP_LEVEL",
    "How hard gzip tries: `fast`, or `compact` for about an eighth fewer bytes in about twice the CPU time.",
)
.or("fast");

/// What an encoder wants to be told.
pub struct EncoderSettings {
    cloud: CloudSettings,
    invokers: InvokerSettings,
    concurrency: usize,
    gzip_level: GzipLevel,
}

fn gzip_level(text: &str) -> Result<GzipLevel, String> {
    match text {
        "fast" => Ok(GzipLevel::Fast),
        "compact" => Ok(GzipLevel::Compact),
        _ => Err("give `fast` or `compact`".to_owned()),
    }
}

impl Settings for EncoderSettings {
    fn read(env: &mut Environment) -> Option<Self> {
        let (cloud, invokers) = (CloudSettings::read(env), InvokerSettings::read(env));
        let concurrency = env.required(CONCURRENCY, number(1..=16));
        let gzip_level = env.required(GZIP_LEVEL, gzip_level);
        let (cloud, invokers) = (cloud?, invokers?);
        Some(Self { cloud, invokers, concurrency: concurrency?, gzip_level: gzip_level? })
    }
}

/// The routes.
pub fn router(parts: Parts, running: &Running, invokers: &Arc<Invokers>, concurrency: usize) -> Router {
    push::router(parts, running, invokers, Takes::Chunks, concurrency)
}

/// The service.
pub struct ChunkEncoder;

impl Service for ChunkEncoder {
    const NAME: &'static str = "chunk-encoder";
    const ABOUT: &'static str = "makes the files: takes chunks from Pub/Sub, encodes and uploads them";
    type Settings = EncoderSettings;

    async fn start(settings: EncoderSettings, running: Running) -> Result<Started, StartError> {
        let EncoderSettings { cloud, invokers, concurrency, gzip_level } = settings;
        let invokers = Invokers::new(&invokers, &running.clock)?;
        let mut parts = cloud::parts(&cloud, Keys::Opened, &running).await?;
        parts.options.gzip_level = gzip_level;
        let limits = Limits {
            body_bytes: BODY_MAX_BYTES,
            request_timeout: Duration::from_secs(REQUEST_TIMEOUT_SECS),
            // Some more, which are sent away in words.
            concurrency: concurrency + 8,
        };
        Ok(Started { router: router(parts, &running, &invokers, concurrency), limits })
    }
}
