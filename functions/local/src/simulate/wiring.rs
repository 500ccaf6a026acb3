//! The parts of a simulation: the real store, queue, vault and clock, a made-up lake and bucket.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use spillway::{
    adapters::{
        key_file::KeyFileVault,
        local_queue::LocalQueue,
        sqlite::SqliteStore,
        system_clock::SystemClock,
        webhooks::{HttpsWebhooks, WebhookOptions},
    },
    domain::{
        Account, AccountId, BucketId, BucketState, EmailAddress, KeyFacts, Opening, PartnerBucket, ZoneName,
    },
    ports::{
        AccountStore, BucketStore, ChunkQueue, Clock, KeyVault, Lake, PartnerBuckets, ServiceAccountKey,
        Store,
    },
    steps::{Observer, Options, Parts, Unobserved},
};
use tokio_util::sync::CancellationToken;

use super::{
    StoreKind,
    buckets::SimulatedBuckets,
    lake::{SHARDS, SimulatedLake},
    metered::Metered,
};
use crate::home::Home;

const BUCKET: &str = "simulated";

/// Everything that a simulation works with.
pub(super) struct Simulation {
    pub(super) parts: Parts,
    pub(super) queue: LocalQueue,
    pub(super) account: AccountId,
    pub(super) bucket: BucketId,
    /// What is asked of the store by the steps.
    pub(super) metered: Arc<Metered>,
    /// The store without the counts.
    pub(super) store: Arc<dyn Store>,
    /// What Firestore bills.
    pub(super) billing: Option<Billing>,
}

/// Reads off what a store has asked of Firestore.
pub(super) type Billing = Box<dyn Fn() -> Billed + Send + Sync>;

/// What Firestore bills.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct Billed {
    pub(super) reads: u64,
    pub(super) writes: u64,
    pub(super) commits: u64,
    /// Commits that had to be made again.
    pub(super) retries: u64,
}

impl Simulation {
    /// Opens an empty home, and connects an account with a bucket.
    pub(super) async fn open(
        root: &Path,
        kind: &StoreKind,
        lake: SimulatedLake,
        buckets: SimulatedBuckets,
        observer: Arc<dyn Observer>,
    ) -> anyhow::Result<Self> {
        let home = Home::open(root)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (store, billing) = open_store(&home, kind).await?;
        let vault = KeyFileVault::open(&home.vault_key())?;
        // A number of its own, so that no simulation meets another one's documents in a shared database.
        let account = AccountId(clock.now().as_microsecond().cast_unsigned());
        let mut settings = Account::new(account, ZoneName::default());
        settings.shards = SHARDS;
        store.put_account(&settings).await?;
        let bucket = BucketId(BUCKET.to_owned());
        let key = vault.seal(account, &bucket, &ServiceAccountKey::new("{}".to_owned())).await?;
        let key_facts =
            KeyFacts { client_email: String::new(), key_id: String::new(), added_at: clock.now() };
        let (id, bucket_name) = (bucket.clone(), format!("{BUCKET}-{account}"));
        store
            .put_bucket(&PartnerBucket {
                account,
                id,
                bucket_name,
                key,
                key_facts,
                state: BucketState::Ready,
                opening: Opening::default(),
            })
            .await?;
        let (queue, metered) =
            (LocalQueue::new(), Arc::new(Metered::new(Arc::clone(&store), Arc::clone(&clock))));
        let parts = Parts {
            store: Arc::clone(&metered) as Arc<dyn Store>,
            queue: Arc::new(queue.clone()),
            lake: Arc::new(lake),
            buckets: Arc::new(buckets),
            vault: Arc::new(vault),
            webhooks: Arc::new(HttpsWebhooks::new(WebhookOptions::default())?),
            clock,
            observer,
            shutdown: CancellationToken::new(),
            options: Options::default(),
        };
        Ok(Self { parts, queue, account, bucket, metered, store, billing })
    }
}

/// What a simulation of failures makes up.
pub(super) struct FailurePorts {
    pub(super) queue: Arc<dyn ChunkQueue>,
    pub(super) lake: Arc<dyn Lake>,
    pub(super) buckets: Arc<dyn PartnerBuckets>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The parts of a simulation of failures: an account with an address that is written to, and its buckets, each named so
/// at Google too.
pub(super) async fn failure_parts(
    root: &Path,
    account: AccountId,
    buckets: &[BucketId],
    ports: FailurePorts,
) -> anyhow::Result<Parts> {
    let home = Home::open(root)?;
    let store = SqliteStore::open(&home.state()).context("the state cannot be opened")?;
    let vault = KeyFileVault::open(&home.vault_key())?;
    let mut settings = Account::new(account, ZoneName::default());
    settings.notify = vec![EmailAddress::new("ops@customer.example")?];
    store.put_account(&settings).await?;
    for id in buckets {
        let key = vault.seal(account, id, &ServiceAccountKey::new("{}".to_owned())).await?;
        let added_at = ports.clock.now();
        let key_facts = KeyFacts { client_email: String::new(), key_id: String::new(), added_at };
        let (id, bucket_name, state) = (id.clone(), id.0.clone(), BucketState::Ready);
        let opening = Opening::first(added_at);
        store.put_bucket(&PartnerBucket { account, id, bucket_name, key, key_facts, state, opening }).await?;
    }
    Ok(Parts {
        store: Arc::new(store),
        queue: ports.queue,
        lake: ports.lake,
        buckets: ports.buckets,
        vault: Arc::new(vault),
        webhooks: Arc::new(HttpsWebhooks::new(WebhookOptions::default())?),
        clock: ports.clock,
        observer: Arc::new(Unobserved),
        shutdown: CancellationToken::new(),
        options: Options::default(),
    })
}

async fn open_store(home: &Home, kind: &StoreKind) -> anyhow::Result<(Arc<dyn Store>, Option<Billing>)> {
    match kind {
        StoreKind::Sqlite => {
            let store = SqliteStore::open(&home.state()).context("the state cannot be opened")?;
            Ok((Arc::new(store), None))
        }
        StoreKind::Firestore { project } => firestore(project.as_deref()).await,
    }
}

#[cfg(feature = "cloud")]
async fn firestore(project: Option<&str>) -> anyhow::Result<(Arc<dyn Store>, Option<Billing>)> {
    use spillway::adapters::firestore::{FirestoreOptions, FirestoreStore};

    let options = FirestoreOptions {
        project_id: project.unwrap_or("spillway-simulate").to_owned(),
        database_id: "(default)".to_owned(),
        emulator_host: std::env::var("FIRESTORE_EMULATOR_HOST").ok(),
    };
    let store = FirestoreStore::connect(options).await.context("Firestore cannot be reached")?;
    let counted = store.clone();
    let billing = move || {
        let done = counted.operations();
        Billed { reads: done.reads, writes: done.writes, commits: done.commits, retries: done.retries }
    };
    Ok((Arc::new(store), Some(Box::new(billing))))
}

#[cfg(not(feature = "cloud"))]
#[expect(clippy::unused_async, reason = "with the feature it waits for Firestore")]
async fn firestore(_project: Option<&str>) -> anyhow::Result<(Arc<dyn Store>, Option<Billing>)> {
    anyhow::bail!(
        "this binary was built without Firestore; build it with `cargo build -p spillway-local --features cloud`"
    )
}
