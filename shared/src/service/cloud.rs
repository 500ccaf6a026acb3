//! The wiring: the adapters of Google Cloud, out of the environment.

use std::{path::Path, sync::Arc};

use google_cloud_auth::credentials::idtoken::{IDTokenCredentials, mds};
use tokio::runtime::Handle;
use url::Url;

use super::{
    PROJECT_ID, Running, StartError,
    config::{Environment, Settings, Variable, any, host_port, http_url, number, project_id},
};
use crate::{
    adapters::{
        firestore::{FirestoreOptions, FirestoreStore},
        gcs::{GOOGLE_ENDPOINT, GcsOptions, GcsPartnerBuckets},
        kms::{KmsOptions, KmsVault},
        lake::ObjectStoreLake,
        pubsub::{PubSubOptions, PubSubQueue},
        webhooks::{HttpsWebhooks, WebhookOptions},
    },
    ports::Lake,
    steps::{Options, Parts, Unobserved},
};

const DATABASE: Variable =
    Variable::new("SPILLWAY_FIRESTORE_DATABASE", "The Firestore database with the state.").or("(default)");
const FIRESTORE_EMULATOR: Variable =
    Variable::new("FIRESTORE_EMULATOR_HOST", "A Firestore emulator, in place of Google: host:port.");
const CHUNKS_TOPIC: Variable =
    Variable::new("SPILLWAY_CHUNKS_TOPIC", "The Pub/Sub topic with the encoders' messages.").or("chunks");
const WAKEUPS_TOPIC: Variable =
    Variable::new("SPILLWAY_WAKEUPS_TOPIC", "The Pub/Sub topic with the schedulers' messages.").or("wakeups");
const PUBSUB_EMULATOR: Variable =
    Variable::new("PUBSUB_EMULATOR_HOST", "A Pub/Sub emulator, in place of Google: host:port.");
const KMS_KEY: Variable = Variable::new(
    "SPILLWAY_KMS_KEY",
    "The Cloud KMS key that seals customers' keys: projects/…/locations/…/keyRings/…/cryptoKeys/….",
);
const KMS_ENDPOINT: Variable =
    Variable::new("SPILLWAY_KMS_ENDPOINT", "Where Cloud KMS answers, where that is not its public address.");
const LAKE_URL: Variable =
    Variable::new("SPILLWAY_LAKE_URL", "Where the lake is: gs://bucket/prefix, or a folder.");
const GCS_ENDPOINT: Variable = Variable::new(
    "SPILLWAY_GCS_ENDPOINT",
    "Where Google Cloud Storage answers for customers' buckets, where that is not its public address.",
)
.or(GOOGLE_ENDPOINT);
const OUTSTANDING: Variable = Variable::new(
    "SPILLWAY_OUTSTANDING_MESSAGES",
    "How many messages of a run are with the encoders at most, so that a huge export starves nobody.",
)
.or("32");
const METADATA_HOST: Variable = Variable::new(
    "GCE_METADATA_HOST",
    "Where Google's metadata server is, in place of its own name: host:port.",
);

/// Where everything is.
#[derive(Debug, Clone)]
pub struct CloudSettings {
    store: FirestoreOptions,
    queue: PubSubOptions,
    vault: KmsOptions,
    lake: String,
    gcs_endpoint: String,
    /// How many messages of a run are out at most.
    outstanding_messages: usize,
}

impl Settings for CloudSettings {
    fn read(env: &mut Environment) -> Option<Self> {
        let project = env.required(PROJECT_ID, project_id);
        let (database, firestore) =
            (env.required(DATABASE, any), env.optional(FIRESTORE_EMULATOR, host_port));
        let (chunks, wakeups) = (env.required(CHUNKS_TOPIC, topic), env.required(WAKEUPS_TOPIC, topic));
        let pubsub = env.optional(PUBSUB_EMULATOR, host_port);
        let (key_name, kms) = (env.required(KMS_KEY, crypto_key), env.optional(KMS_ENDPOINT, http_url));
        let (lake, gcs_endpoint) = (env.required(LAKE_URL, lake), env.required(GCS_ENDPOINT, http_url));
        let outstanding_messages = env.required(OUTSTANDING, number(1..=1_000));
        // Read by Google's libraries themselves.
        env.optional(METADATA_HOST, any)?;
        let project_id = project?;
        Some(Self {
            store: FirestoreOptions {
                project_id: project_id.clone(),
                database_id: database?,
                emulator_host: firestore?,
            },
            queue: PubSubOptions {
                project_id,
                chunks_topic: chunks?,
                wakeups_topic: wakeups?,
                emulator_host: pubsub?,
            },
            vault: KmsOptions { key_name: key_name?, endpoint: kms?.map(without_slash) },
            lake: lake?,
            gcs_endpoint: without_slash(gcs_endpoint?),
            outstanding_messages: outstanding_messages?,
        })
    }
}

/// The clients put paths behind it.
fn without_slash(url: Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn topic(text: &str) -> Result<String, String> {
    let is_right = (3..=255).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.~+%".contains(letter));
    if is_right {
        Ok(text.to_owned())
    } else {
        Err("give a topic's id, at least 3 letters, like chunks".to_owned())
    }
}

fn crypto_key(text: &str) -> Result<String, String> {
    let parts: Vec<_> = text.split('/').collect();
    let is_right = match *parts {
        ["projects", project, "locations", place, "keyRings", ring, "cryptoKeys", key] => {
            [project, place, ring, key].iter().all(|part| !part.is_empty())
        }
        _ => false,
    };
    let wrong = || "give projects/…/locations/…/keyRings/…/cryptoKeys/…, without a version".to_owned();
    if is_right { Ok(text.to_owned()) } else { Err(wrong()) }
}

fn lake(text: &str) -> Result<String, String> {
    let bucket = text.strip_prefix("gs://").map(|rest| rest.split('/').next().unwrap_or_default());
    match bucket {
        Some("") => Err("give gs://bucket/prefix".to_owned()),
        None if text.contains("://") => Err("give gs://bucket/prefix, or a folder".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Whether a function may open customers' keys; by IAM too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// It seals, or has nothing to do with them.
    Sealed,
    /// It opens them.
    Opened,
}

/// All parts, connected. Nothing is asked of the network that does not have to be.
///
/// # Errors
/// Where a part cannot be set up.
pub async fn parts(settings: &CloudSettings, keys: Keys, running: &Running) -> Result<Parts, StartError> {
    let CloudSettings { store, queue, vault, lake, gcs_endpoint, outstanding_messages } = settings;
    let (store, queue, vault) = tokio::try_join!(
        async { FirestoreStore::connect(store.clone()).await.map_err(StartError::from) },
        async { PubSubQueue::connect(queue.clone()).await.map_err(StartError::from) },
        async { KmsVault::connect(vault.clone()).await.map_err(StartError::from) },
    )?;
    let lake: Arc<dyn Lake> = if lake.starts_with("gs://") {
        Arc::new(ObjectStoreLake::google_cloud(lake, Handle::current())?)
    } else {
        Arc::new(ObjectStoreLake::folder(Path::new(lake), Arc::clone(&running.clock))?)
    };
    let options = Options {
        outstanding_messages: *outstanding_messages,
        opens_keys: keys == Keys::Opened,
        ..Options::default()
    };
    Ok(Parts {
        store: Arc::new(store),
        queue: Arc::new(queue),
        lake,
        buckets: Arc::new(GcsPartnerBuckets::new(GcsOptions::new(gcs_endpoint))?),
        vault: Arc::new(vault),
        webhooks: Arc::new(HttpsWebhooks::new(WebhookOptions::default())?),
        clock: Arc::clone(&running.clock),
        observer: Arc::new(Unobserved),
        shutdown: running.shutdown.clone(),
        options,
    })
}

/// Tokens that say who this service is, for one that it calls.
pub struct IdTokens(IDTokenCredentials);

impl IdTokens {
    /// Tokens of the metadata server for an audience; none is fetched yet.
    ///
    /// # Errors
    /// Where that cannot be set up.
    pub fn new(audience: &str) -> Result<Self, StartError> {
        // The short form of a token does not say the e-mail address, by which callers are known.
        let credentials = mds::Builder::new(audience).with_format(mds::Format::Full).build()?;
        Ok(Self(credentials))
    }

    /// A token that is valid for a while yet.
    ///
    /// # Errors
    /// What the metadata server says.
    pub async fn token(&self) -> Result<String, StartError> {
        Ok(self.0.id_token().await?)
    }
}
