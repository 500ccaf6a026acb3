//! Everything that runs, and how a test begins.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::Bytes;
use gcs_emulator::{BucketOptions, Clocks, Emulator as GoogleEmulator, Role, Running};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use spillway::{
    adapters::firestore::{FirestoreOptions, FirestoreStore},
    domain::{Account, AccountId, ZoneName},
    ports::{Clock, Store},
};
use spillway_tests::{
    emulators::{Emulator, firestore, pubsub},
    fakes::{FakeKms, Issuer},
    harness::LakeFolder,
};
use tempfile::TempDir;

use crate::{
    clock::{ProcessClock, WorldClock},
    customer::Customer,
    data::Data,
    functions::{self, PUSHER, Places, TIMER},
    gate::Gate,
    process::Process,
    proxy::Proxy,
};

/// The customers' bucket.
pub(crate) const BUCKET: &str = "partner-bucket";
/// Where Google's own tokens come from.
const GOOGLE: &str = "https://accounts.google.com";
/// The customers' project.
const PROJECT: &str = "partner-project";

/// Everything. Dropped, it ends.
pub(crate) struct World {
    /// Time, for all.
    pub(crate) clock: WorldClock,
    /// The state, past the line.
    pub(crate) store: Arc<dyn Store>,
    /// The lake.
    pub(crate) data: Data,
    /// The customers' Google Cloud Storage.
    pub(crate) google: Running,
    /// Between Pub/Sub and the functions.
    pub(crate) proxy: Proxy,
    /// Pub/Sub.
    pub(crate) topics: pubsub::Topics,
    /// Signs for Google.
    pub(crate) invoker: Issuer,
    /// The processes.
    pub(crate) functions: BTreeMap<&'static str, Process>,
    /// The functions' line to Firestore.
    pub(crate) firestore: Gate,
    login: Issuer,
    /// How far Google Cloud Storage's clock is ahead where it looks at tokens.
    google_ahead_secs: Arc<AtomicI64>,
    folder: TempDir,
    _emulators: [Emulator; 2],
    // Held for as long as the functions use it.
    _pubsub: Gate,
}

impl World {
    /// Starts everything; it is ten in the morning, UTC.
    pub(crate) async fn start() -> Self {
        let clock = WorldClock::default();
        let morning = clock.now().to_zoned_datetime(TimeZone::UTC).date().at(10, 0, 0, 0);
        let morning = morning.to_zoned_datetime(TimeZone::UTC).unwrap().timestamp();
        clock.advance(morning.as_second() - clock.now().as_second());
        let folder = tempfile::tempdir().unwrap();
        let emulators =
            tokio::task::spawn_blocking(|| [firestore::shared(), pubsub::shared()]).await.unwrap();
        let [state, messages] = [emulators[0].address(), emulators[1].address()];
        let project = firestore::project_id();
        let options = FirestoreOptions {
            project_id: project.clone(),
            database_id: "(default)".to_owned(),
            emulator_host: Some(state.to_owned()),
        };
        let store: Arc<dyn Store> = Arc::new(FirestoreStore::connect(options).await.unwrap());
        let lake = LakeFolder::new(folder.path().join("home/lake")).unwrap();
        // As `spillway` wants a home.
        fs::set_permissions(folder.path().join("home"), fs::Permissions::from_mode(0o700)).unwrap();
        let google_ahead_secs = Arc::new(AtomicI64::new(0));
        let google = google(folder.path().join("google"), &clock, &google_ahead_secs).await;
        let (invoker, login) = (Issuer::start(GOOGLE).await, Issuer::start(functions::LOGIN).await);
        let kms = FakeKms::start().await;
        let (firestore, pubsub) = (Gate::to(state).await, Gate::to(messages).await);
        let places = Places {
            folder: folder.path(),
            project: &project,
            firestore: firestore.host(),
            pubsub: pubsub.host(),
            lake: lake.root(),
            google: google.base_url(),
            kms: &kms,
            invoker: &invoker,
            login: &login,
        };
        let functions = functions::all(&places, &clock).await;
        let url = |name: &str| functions[name].url.clone();
        let targets = BTreeMap::from([
            ("chunks", vec![url("encoder-1"), url("encoder-2")]),
            ("wakeups", vec![url("scheduler-1"), url("scheduler-2")]),
        ]);
        let proxy = Proxy::start(invoker.clone(), PUSHER, clock.clone(), targets).await;
        let topics = pubsub::Topics::new(messages, &project).await;
        for topic in ["chunks", "wakeups"] {
            topics.push(topic, &proxy.url.join(topic).unwrap()).await;
        }
        let data = Data::new(lake);
        let mut world = Self {
            clock,
            store,
            data,
            google,
            proxy,
            topics,
            invoker,
            functions,
            firestore,
            login,
            google_ahead_secs,
            folder,
            _emulators: emulators,
            _pubsub: pubsub,
        };
        world.functions.values_mut().for_each(Process::start);
        world.ready().await;
        world
    }

    /// Waits until all functions answer.
    pub(crate) async fn ready(&mut self) {
        for process in self.functions.values_mut() {
            process.ready().await;
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The day so many days ago.
    pub(crate) fn day(&self, ago: i64) -> Date {
        let today = self.now().to_zoned_datetime(TimeZone::UTC).date();
        today.saturating_sub(jiff::Span::new().days(ago))
    }

    /// Time goes on, for all at once.
    pub(crate) fn advance(&self, secs: i64) {
        self.clock.advance(secs);
        for process in self.functions.values() {
            process.clock.follow(&self.clock);
        }
    }

    /// Time goes on until then, where it has not yet.
    pub(crate) fn advance_to(&self, then: Timestamp) {
        self.advance((then.as_second() - self.now().as_second()).max(0));
    }

    /// Google Cloud Storage judges tokens by a clock that is ahead.
    pub(crate) fn google_ahead(&self, secs: i64) {
        self.google_ahead_secs.store(secs, Ordering::Relaxed);
    }

    /// A new account and somebody of it.
    pub(crate) async fn customer(&self, account: u64) -> Customer {
        let id = AccountId(account);
        self.store.put_account(&Account::new(id, ZoneName::default())).await.unwrap();
        Customer::new(id, &self.functions["dashboard"].url, &self.login, &self.clock)
    }

    /// A new account that has connected the bucket under a key of its own.
    pub(crate) async fn connected(&self, account: u64) -> Customer {
        let customer = self.customer(account).await;
        let email = format!("of-{account}@{PROJECT}.iam.gserviceaccount.com");
        let google = self.google.emulator();
        let key = google.create_service_account_key(PROJECT, &email).unwrap();
        for role in [Role::ObjectCreator, Role::ObjectViewer] {
            google.grant(BUCKET, &email, role).unwrap();
        }
        customer.connect("main", BUCKET, &key).await;
        customer
    }

    /// A call of Cloud Scheduler: a POST with a token of its service account.
    pub(crate) async fn timer(&self, instance: &str, path: &str) -> Option<StatusCode> {
        let process = &self.functions[instance];
        let token = self.invoker.id_token(TIMER, &process.origin(), self.now().as_second());
        let call = reqwest::Client::new().post(process.url.join(path).unwrap()).bearer_auth(token);
        let call = call.header("user-agent", "Google-Cloud-Scheduler").header("x-cloudscheduler", "true");
        Some(call.send().await.ok()?.status())
    }

    /// The hourly tick, or that of every five minutes.
    pub(crate) async fn tick(&self) {
        assert_eq!(self.timer("scheduler-1", "tick").await, Some(StatusCode::OK));
    }

    /// What is in the bucket, read past all faults and permissions.
    pub(crate) fn objects(&self) -> BTreeMap<String, Bytes> {
        let files = fs::read_dir(self.google.emulator().root().join(BUCKET)).unwrap();
        let read = files.map(|file| {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            (name, Bytes::from(fs::read(file.path()).unwrap()))
        });
        read.collect()
    }

    /// The folder whose `lake` is the lake, and a clock for a program that uses it.
    pub(crate) fn home(&self) -> (PathBuf, ProcessClock) {
        (
            self.folder.path().join("home"),
            ProcessClock::new(self.folder.path().join("home.clock"), &self.clock),
        )
    }
}

async fn google(root: PathBuf, clock: &WorldClock, ahead_secs: &Arc<AtomicI64>) -> Running {
    let (objects, tokens, ahead_secs) = (clock.clone(), clock.clone(), Arc::clone(ahead_secs));
    let clocks = Clocks {
        objects: Arc::new(move || objects.now()),
        tokens: Arc::new(move || {
            tokens.now() + SignedDuration::from_secs(ahead_secs.load(Ordering::Relaxed))
        }),
    };
    let running = GoogleEmulator::start(root, clocks).await.unwrap();
    let options = BucketOptions { project: PROJECT.to_owned(), ..BucketOptions::default() };
    running.emulator().create_bucket(BUCKET, options).unwrap();
    running
}
