//! Whether the encoder ever waits for its upload: the steps of a chunk, lake in, objects out, into the emulator over HTTP
//! at a limited rate. `tests/bench/overlap` makes the lake and runs this.
//!
//! `overlap LAKE json|csv|xml|parquet [MB_PER_SEC]` prints seconds: of encoding alone (into a bucket that keeps nothing), of sending
//! what came of it alone, of both together, and for how many of these the encoder stood still with bytes in its hands.
#![allow(clippy::unwrap_used, reason = "a tool for developers")]

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use gcs_emulator::{BucketOptions, Emulator, Fault, FaultRule, Operation, Role};
use jiff::{Timestamp, civil::date};
use spillway::{
    adapters::{
        gcs::{GcsOptions, GcsPartnerBuckets},
        key_file::KeyFileVault,
        lake::ObjectStoreLake,
        local_queue::LocalQueue,
        sqlite::SqliteStore,
        system_clock::SystemClock,
        webhooks::{HttpsWebhooks, WebhookOptions},
    },
    domain::{
        Account, AccountId, BucketFailure, BucketId, BucketState, Crc32c, DataSelection, DateRange,
        ExportSpec, FailureClass, Footer, Format, Frequency, IdentityPriority, KeyFacts, LakeFile, Opening,
        Packaging, PartnerBucket, RunKey, RunStatus, Slice, ZoneName,
    },
    ports::{
        AccountStore as _, BucketHandle, BucketProbe, BucketStore as _, ByteSource, Clock as _,
        CreateObjectError, KeyVault as _, Lake, LakeError, LakeQuery, LakeRows, ObjectFacts, PartnerBuckets,
        ServiceAccountKey, SourceError, SourcedBatch, Work,
    },
    steps::{self, Handled, Observer, Options, Parts},
};
use tokio_util::sync::CancellationToken;

/// The account of `make_lake.py`.
const ACCOUNT: AccountId = AccountId(100_000_000);
const BUCKET: &str = "overlap";
const EMAIL: &str = "overlap@project.iam.gserviceaccount.com";

/// Adds up for how long the encoder's thread waits: from when it has bytes to give until it comes for the next rows.
#[derive(Default)]
struct Meter {
    giving_since: Mutex<Option<Instant>>,
    waited: Mutex<Duration>,
}

impl Meter {
    fn gave(&self) {
        if let Some(since) = self.giving_since.lock().unwrap().take() {
            *self.waited.lock().unwrap() += since.elapsed();
        }
    }
}

struct MeteredObserver(Arc<Meter>);

impl Observer for MeteredObserver {
    fn encoded(&self, _run: RunKey, _rows: u64, bytes: u64) {
        if bytes > 0 {
            *self.0.giving_since.lock().unwrap() = Some(Instant::now());
        }
    }
}

struct MeteredLake(ObjectStoreLake, Arc<Meter>);

struct MeteredRows(Box<dyn LakeRows>, Arc<Meter>);

impl LakeRows for MeteredRows {
    fn next_batch(&mut self) -> Result<Option<SourcedBatch>, LakeError> {
        self.1.gave();
        self.0.next_batch()
    }
}

impl Drop for MeteredRows {
    fn drop(&mut self) {
        self.1.gave();
    }
}

#[async_trait]
impl Lake for MeteredLake {
    async fn now(&self) -> Result<Timestamp, LakeError> {
        self.0.now().await
    }

    async fn list(&self, query: &LakeQuery) -> Result<Vec<LakeFile>, LakeError> {
        self.0.list(query).await
    }

    async fn committed(&self, path: &str) -> Result<Timestamp, LakeError> {
        self.0.committed(path).await
    }

    async fn footer(&self, path: &str) -> Result<Footer, LakeError> {
        self.0.footer(path).await
    }

    fn rows(&self, slice: &Slice, columns: &[&str]) -> Box<dyn LakeRows> {
        Box::new(MeteredRows(self.0.rows(slice, columns), Arc::clone(&self.1)))
    }
}

/// All bytes, in pieces as the encoder gives them.
struct Whole(Bytes);

#[async_trait]
impl ByteSource for Whole {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let piece = self.0.split_to(self.0.len().min(256 << 10));
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// Takes all bytes at once, and keeps none.
struct Nowhere;

#[async_trait]
impl PartnerBuckets for Nowhere {
    async fn open(&self, _: &str, _: &ServiceAccountKey) -> Result<Box<dyn BucketHandle>, BucketFailure> {
        Ok(Box::new(Self))
    }

    async fn probe(&self, _: &str, _: &ServiceAccountKey) -> Result<Box<dyn BucketProbe>, BucketFailure> {
        let message = "nobody asks".to_owned();
        Err(BucketFailure { class: FailureClass::Unavailable, http_status: None, message })
    }
}

#[async_trait]
impl BucketHandle for Nowhere {
    async fn create(
        &self,
        name: &str,
        _content_type: &str,
        mut source: Box<dyn ByteSource>,
    ) -> Result<ObjectFacts, CreateObjectError> {
        let (mut crc32c, mut bytes) = (0, 0);
        while let Some(piece) = source.next().await? {
            crc32c = crc32c::crc32c_append(crc32c, &piece);
            bytes += piece.len() as u64;
        }
        Ok(ObjectFacts { name: name.to_owned(), bytes, crc32c: Crc32c(crc32c), created_at: None })
    }

    async fn facts(&self, _name: &str) -> Result<Option<ObjectFacts>, BucketFailure> {
        Ok(None)
    }

    async fn read(&self, _name: &str) -> Result<Option<Box<dyn ByteSource>>, BucketFailure> {
        Ok(None)
    }

    async fn list(&self, _prefix: &str) -> Result<Vec<ObjectFacts>, BucketFailure> {
        Ok(Vec::new())
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (lake, format) = (PathBuf::from(arguments.next().unwrap()), arguments.next().unwrap());
    let format = Format::ALL.into_iter().find(|known| known.as_str() == format).unwrap();
    let mb_per_sec: u64 = arguments.next().map_or(100, |rate| rate.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();

    let none = ServiceAccountKey::new("{}".to_owned());
    let (encoding, _) = export(&folder.path().join("alone"), &lake, format, Arc::new(Nowhere), &none).await;

    let google = Emulator::start(folder.path().join("google"), clock()).await.unwrap();
    google.emulator().create_bucket(BUCKET, BucketOptions::default()).unwrap();
    let key = google.emulator().create_service_account_key("project", EMAIL).unwrap();
    google.emulator().grant(BUCKET, EMAIL, Role::ObjectCreator).unwrap();
    let slow = Fault::Slow { bytes_per_sec: mb_per_sec * 1_000_000 };
    for operation in [Operation::Insert, Operation::UploadPart, Operation::Finish] {
        google.emulator().faults().add(FaultRule::always(slow).on(operation));
    }
    let client = Arc::new(GcsPartnerBuckets::new(GcsOptions::new(google.base_url())).unwrap());
    let key = ServiceAccountKey::new(key.to_string());
    let buckets: Arc<dyn PartnerBuckets> = Arc::<GcsPartnerBuckets>::clone(&client);
    let (together, waited) = export(&folder.path().join("together"), &lake, format, buckets, &key).await;

    let (mut sending, mut objects, mut bytes) = (Duration::ZERO, 0, 0);
    let bucket = client.open(BUCKET, &key).await.unwrap();
    for file in std::fs::read_dir(folder.path().join("google").join(BUCKET)).unwrap() {
        let whole = Bytes::from(std::fs::read(file.unwrap().path()).unwrap());
        (objects, bytes) = (objects + 1, bytes + whole.len());
        let begun = Instant::now();
        bucket.create(&format!("again-{objects}"), "application/gzip", Box::new(Whole(whole))).await.unwrap();
        sending += begun.elapsed();
    }
    println!(
        "{:8} {:8.1} {objects:7} {:9.2} {:8.2} {:9.2} {:7.2}",
        format.as_str(),
        bytes as f64 / 1e6,
        encoding.as_secs_f64(),
        sending.as_secs_f64(),
        together.as_secs_f64(),
        waited.as_secs_f64()
    );
}

fn clock() -> gcs_emulator::Clock {
    Arc::new(|| SystemClock.now())
}

/// Exports the lake's day, one message after the other. Gives how long the messages of chunks took, and for how long of that
/// the encoder waited.
async fn export(
    home: &Path,
    lake: &Path,
    format: Format,
    buckets: Arc<dyn PartnerBuckets>,
    key: &ServiceAccountKey,
) -> (Duration, Duration) {
    std::fs::create_dir_all(home).unwrap();
    let meter = Arc::new(Meter::default());
    let reader = ObjectStoreLake::folder(lake, Arc::new(SystemClock)).unwrap();
    let (store, queue) = (SqliteStore::open(&home.join("state")).unwrap(), LocalQueue::new());
    let vault = KeyFileVault::open(&home.join("vault.key")).unwrap();
    let mut account = Account::new(ACCOUNT, ZoneName::default());
    account.one_time_limit_days = None;
    store.put_account(&account).await.unwrap();
    let id = BucketId(BUCKET.to_owned());
    let added_at = SystemClock.now();
    let bucket = PartnerBucket {
        account: ACCOUNT,
        bucket_name: BUCKET.to_owned(),
        key: vault.seal(ACCOUNT, &id, key).await.unwrap(),
        key_facts: KeyFacts { client_email: EMAIL.to_owned(), key_id: String::new(), added_at },
        state: BucketState::Ready,
        opening: Opening::first(added_at),
        id: id.clone(),
    };
    store.put_bucket(&bucket).await.unwrap();
    let parts = Parts {
        store: Arc::new(store),
        queue: Arc::new(queue.clone()),
        lake: Arc::new(MeteredLake(reader, Arc::clone(&meter))),
        buckets,
        vault: Arc::new(vault),
        webhooks: Arc::new(HttpsWebhooks::new(WebhookOptions::default()).unwrap()),
        clock: Arc::new(SystemClock),
        observer: Arc::new(MeteredObserver(Arc::clone(&meter))),
        shutdown: CancellationToken::new(),
        options: Options::default(),
    };
    let day = date(2024, 5, 1);
    let spec = ExportSpec {
        bucket: id,
        data: DataSelection::AllEvents,
        identities: IdentityPriority::default(),
        frequency: Frequency::OneTime { days: Some(DateRange::new(day, day).unwrap()) },
        format,
        packaging: Packaging::Gzip,
        as_string: false,
        header_line: true,
        manifest: false,
    };
    let (_, run) = steps::create_one_time(&parts, ACCOUNT, spec).await.unwrap();
    let mut took = Duration::ZERO;
    while !queue.counts().is_empty() {
        let delivery = queue.receive().await.unwrap();
        let begun = Instant::now();
        let handled = steps::handle(&parts, delivery.work()).await.unwrap();
        if matches!(delivery.work(), Work::Chunks { .. }) {
            took += begun.elapsed();
        }
        match handled {
            Handled::Done => delivery.ack(),
            Handled::Again(after) => delivery.nack(after),
        }
    }
    let run = parts.store.run(run.key).await.unwrap().unwrap();
    assert_eq!(run.status, RunStatus::Done);
    let waited = *meter.waited.lock().unwrap();
    (took, waited)
}
