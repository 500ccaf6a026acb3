//! All parts of Spillway in a temporary folder.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, civil::Date};
use spillway::{
    adapters::{key_file::KeyFileVault, lake::ObjectStoreLake, sqlite::SqliteStore},
    domain::{
        Account, AccountId, BucketId, BucketState, DataSelection, DateRange, Export, ExportSpec, Format,
        Frequency, IdentityPriority, KeyFacts, Opening, Packaging, PartnerBucket, RequestId, Run, RunKey,
        Window, ZoneName, plan::PlanLimits,
    },
    ports::{
        ChunkQueue, KeyVault, Lake, NewExport, NewRun, Origin, PartnerBuckets, ServiceAccountKey, Store,
        Webhooks, Work,
    },
    steps::{self, Handled, Options, Parts, StepError, Unobserved},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{
    gate::Gate,
    gated::Gated,
    lake::{FileSpec, LakeFolder},
    memory_buckets::MemoryBuckets,
    queue::TestQueue,
    webhooks::RecordedWebhooks,
};
use crate::clock::ManualClock;

/// The tenant of most tests.
pub const ACCOUNT: AccountId = AccountId(100_000_000);
/// Its bucket: the nickname and the name at Google.
pub const BUCKET: &str = "partner-bucket";
/// More deliveries than any test needs.
const DELIVERIES: usize = 20_000;

/// The parts. Dropped, it asserts that no message is left on the queue.
pub struct TestApp {
    /// Stands still until a test moves it.
    pub clock: ManualClock,
    /// SQLite.
    pub store: Arc<dyn Store>,
    /// Delivers as the test likes.
    pub queue: TestQueue,
    /// Where the data comes from.
    pub lake: LakeFolder,
    /// Where the files go, unless a test brings other buckets.
    pub buckets: MemoryBuckets,
    /// Small, so that little data makes many files.
    pub options: Options,
    /// What webhooks were told.
    pub webhooks: RecordedWebhooks,
    /// In place of `webhooks`.
    pub other_webhooks: Option<Arc<dyn Webhooks>>,
    /// In place of `buckets`.
    pub other_buckets: Option<Arc<dyn PartnerBuckets>>,
    lake_reader: Arc<dyn Lake>,
    vault: Arc<KeyFileVault>,
    is_abandoned: AtomicBool,
    folder: TempDir,
}

/// Somebody who works messages, behind fail points of its own.
pub struct Worker {
    /// Its fail points.
    pub gate: Gate,
    /// What it works with.
    pub parts: Parts,
}

impl TestApp {
    /// Everything new and empty: an account, its bucket, noon of 2026-03-10.
    ///
    /// # Panics
    /// Where the disk fails.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = ManualClock::new("2026-03-10T12:00:00Z".parse().expect("a time"));
        let lake = LakeFolder::new(folder.path().join("lake")).expect("a folder for the lake");
        let lake_reader = ObjectStoreLake::folder(lake.root(), Arc::new(clock.clone())).expect("a lake");
        let store = SqliteStore::open(&folder.path().join("state.sqlite")).expect("a store");
        let vault = KeyFileVault::open(&folder.path().join("vault.key")).expect("a vault");
        let plan = PlanLimits { target_bytes: 6_000, files: 4, message_chunks: 3 };
        let options =
            Options { file_limit_bytes: 8_000, plan, outstanding_messages: 3, ..Options::default() };
        let app = Self {
            clock,
            store: Arc::new(store),
            queue: TestQueue::default(),
            lake,
            buckets: MemoryBuckets::default(),
            options,
            webhooks: RecordedWebhooks::default(),
            other_webhooks: None,
            other_buckets: None,
            lake_reader: Arc::new(lake_reader),
            vault: Arc::new(vault),
            is_abandoned: AtomicBool::new(false),
            folder,
        };
        app.connect(ACCOUNT, BUCKET, BUCKET, "{}").await;
        app
    }

    /// Where the app keeps its files.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Creates an account where there is none, and connects a bucket under a key.
    ///
    /// # Panics
    /// Where the store fails.
    pub async fn connect(&self, account: AccountId, nickname: &str, bucket_name: &str, key: &str) {
        if self.store.account(account).await.expect("the store works").is_none() {
            let mut settings = Account::new(account, ZoneName::default());
            settings.shards = 24;
            self.store.put_account(&settings).await.expect("the store works");
        }
        let id = BucketId(nickname.to_owned());
        let key = ServiceAccountKey::new(key.to_owned());
        let sealed = self.vault.seal(account, &id, &key).await.expect("the vault works");
        let facts = KeyFacts { client_email: String::new(), key_id: String::new(), added_at: self.now() };
        // Another key of a bucket that is known opens it again.
        let known = self.store.bucket(account, &id).await.expect("the store works");
        let opening = known.map_or(Opening::first(self.now()), |known| known.opening.next());
        let bucket = PartnerBucket {
            account,
            id,
            bucket_name: bucket_name.to_owned(),
            key: sealed,
            key_facts: facts,
            state: BucketState::Ready,
            opening,
        };
        self.store.put_bucket(&bucket).await.expect("the store works");
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        spillway::ports::Clock::now(&self.clock)
    }

    /// Moves the clock on.
    pub fn advance_secs(&self, secs: i64) {
        self.clock.advance(SignedDuration::from_secs(secs));
    }

    /// A file that the lake took a minute ago.
    #[must_use]
    pub fn file(&self, group_rows: usize) -> FileSpec {
        let committed = self.now() - SignedDuration::from_secs(60);
        FileSpec { account: ACCOUNT, committed, group_rows, lists_keys: true }
    }

    /// The bucket as the store knows it.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn bucket(&self) -> PartnerBucket {
        let id = BucketId(BUCKET.to_owned());
        self.store.bucket(ACCOUNT, &id).await.expect("the store works").expect("the bucket is known")
    }

    /// What a worker without fail points works with.
    #[must_use]
    pub fn parts(&self) -> Parts {
        self.worker().parts
    }

    /// A new worker.
    #[must_use]
    pub fn worker(&self) -> Worker {
        let gate = Gate::default();
        let queue: Arc<dyn ChunkQueue> = Arc::new(self.queue.clone());
        let buckets = match &self.other_buckets {
            Some(buckets) => Arc::clone(buckets),
            None => Arc::new(self.buckets.with_gate(gate.clone())),
        };
        let parts = Parts {
            store: Arc::new(Gated { gate: gate.clone(), port: Arc::clone(&self.store) }),
            queue: Arc::new(Gated { gate: gate.clone(), port: queue }),
            lake: Arc::new(Gated { gate: gate.clone(), port: Arc::clone(&self.lake_reader) }),
            buckets,
            vault: Arc::clone(&self.vault) as Arc<dyn KeyVault>,
            webhooks: match &self.other_webhooks {
                Some(webhooks) => Arc::clone(webhooks),
                None => Arc::new(self.webhooks.clone()),
            },
            clock: Arc::new(self.clock.clone()),
            observer: Arc::new(Unobserved),
            shutdown: CancellationToken::new(),
            options: self.options,
        };
        Worker { gate, parts }
    }

    /// A one-time export of all events of a range of days in a format, gzipped.
    #[must_use]
    pub fn spec(&self, format: Format, first: Date, last: Date) -> ExportSpec {
        let days = DateRange::new(first, last).ok();
        ExportSpec {
            bucket: BucketId(BUCKET.to_owned()),
            data: DataSelection::AllEvents,
            identities: IdentityPriority::default(),
            frequency: Frequency::OneTime { days },
            format,
            packaging: Packaging::Gzip,
            as_string: false,
            header_line: true,
            manifest: true,
        }
    }

    /// Creates a one-time export of the account.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn export(&self, spec: ExportSpec) -> (Export, Run) {
        steps::create_one_time(&self.parts(), ACCOUNT, spec).await.expect("an export")
    }

    /// Creates an export whose runs the test creates.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn recurring(&self, spec: ExportSpec) -> Export {
        let new = NewExport {
            account: ACCOUNT,
            spec,
            now: self.now(),
            next_due_at: None,
            origin: Origin::default(),
        };
        self.store.create_export(&new).await.expect("an export")
    }

    /// Creates the next run of a recurring export, up to now, and sends it on its way.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn next_run(&self, request: RequestId) -> Run {
        let export = self.store.export(ACCOUNT, request).await.expect("the store works").expect("an export");
        let (expected_cut, now) = (export.planned_cut, self.now());
        let window = Window::Committed { after: expected_cut.unwrap_or(Timestamp::UNIX_EPOCH), upto: now };
        let (account, zone, next_due_at) = (ACCOUNT, ZoneName::default(), None);
        let new = NewRun { account, request, window, zone, expected_cut, next_due_at, now };
        let run = self.store.create_run(&new).await.expect("a run");
        self.queue.put(Work::Run { run: run.key });
        run
    }

    /// The run as it is now.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn run(&self, key: RunKey) -> Run {
        self.store.run(key).await.expect("the store works").expect("the run is there")
    }

    /// Delivers until nothing waits, one message after the other; what is to come again comes when its time has come,
    /// and the clock moves on to then.
    ///
    /// # Errors
    /// The last step that broke off, where some message never comes to its end.
    ///
    /// # Panics
    /// Where messages go round without an error.
    pub async fn drain(&self) -> Result<(), StepError> {
        let worker = self.worker();
        let (mut later, mut errors): (Vec<(Timestamp, Work)>, usize) = (Vec::new(), 0);
        for _ in 0..DELIVERIES {
            let Some(work) = self.queue.pop() else {
                later.sort_by_key(|(due, _)| *due);
                if later.is_empty() {
                    return Ok(());
                }
                let (due, work) = later.remove(0);
                if due > self.now() {
                    self.clock.set(due);
                }
                self.queue.put(work);
                continue;
            };
            match steps::handle(&worker.parts, &work).await {
                Ok(Handled::Done) => {}
                Ok(Handled::Again(after)) => later.push((self.now() + after, work)),
                Err(error) if errors > 20 => return Err(error),
                Err(_) => {
                    errors += 1;
                    later.push((self.now() + Duration::from_secs(2), work));
                }
            }
        }
        panic!("messages go round: {:?}", self.queue.all());
    }

    /// What the next start and the checker do: leases end, lost messages are published again, until the run has ended.
    ///
    /// # Panics
    /// Where it does not end.
    pub async fn recover(&self, key: RunKey) -> Run {
        for _ in 0..60 {
            self.drain().await.expect("nothing is broken any more");
            let run = self.run(key).await;
            if run.status.is_closed() {
                return run;
            }
            self.advance_secs(521);
            steps::republish(&self.parts(), &run, self.now()).await.expect("nothing is broken any more");
            self.queue.put(Work::Run { run: key });
        }
        panic!("the run does not end: {:?}", self.run(key).await);
    }

    /// Messages may be left on the queue.
    pub fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.is_abandoned.load(Ordering::Relaxed) {
            assert_eq!(self.queue.all(), [], "messages are left on the queue");
        }
    }
}
