//! What the tests share: a running emulator with one bucket and one account, and clients for it.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use gcs_emulator::{BucketOptions, Clock, Clocks, Emulator, Role, Running};
use google_cloud_auth::credentials::{CacheableResource, Credentials, service_account};
use google_cloud_gax::{
    error::rpc::StatusDetails, exponential_backoff::ExponentialBackoffBuilder, retry_policy::RetryPolicyExt,
};
use google_cloud_storage::{
    client::Storage, model::Object, retry_policy::RetryableErrors, streaming_source::StreamingSource,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub const BUCKET: &str = "partner-bucket";
pub const PARENT: &str = "projects/_/buckets/partner-bucket";
pub const PROJECT: &str = "partner-project";
pub const EMAIL: &str = "spillway@partner-project.iam.gserviceaccount.com";

/// A clock that a test can move on; it starts at the system's time, by which Google's client signs its tokens.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn advance_secs(&self, secs: i64) {
        self.0.fetch_add(secs, Ordering::SeqCst);
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

pub struct World {
    pub running: Running,
    pub key: Value,
    pub clock: ManualClock,
    pub folder: tempfile::TempDir,
}

impl World {
    pub async fn with(options: BucketOptions, role: Role) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock(Arc::new(AtomicI64::new(system().as_second())));
        let running = start(folder.path(), &clock).await;
        let emulator = running.emulator();
        emulator.create_bucket(BUCKET, BucketOptions { project: PROJECT.into(), ..options }).unwrap();
        let key = emulator.create_service_account_key(PROJECT, EMAIL).unwrap();
        emulator.grant(BUCKET, EMAIL, role).unwrap();
        Self { running, key, clock, folder }
    }

    pub async fn new() -> Self {
        Self::with(BucketOptions::default(), Role::ObjectUser).await
    }

    /// The same folder, served by another process's worth of emulator.
    pub async fn restarted(self) -> Self {
        let Self { running, key, clock, folder } = self;
        running.shutdown().await;
        let running = start(folder.path(), &clock).await;
        Self { running, key, clock, folder }
    }

    pub fn emulator(&self) -> &Emulator {
        self.running.emulator()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.base_url())
    }

    pub async fn storage(&self) -> Storage {
        storage(self.running.base_url(), &self.key, 256 << 10).await
    }

    pub async fn http(&self) -> reqwest::Client {
        http(&self.key).await
    }

    /// Creates an object, as an exporter does: only if there is none.
    pub async fn create(&self, name: &str, data: Bytes) -> google_cloud_storage::Result<Object> {
        create(&self.storage().await, name, data).await
    }

    pub async fn read(&self, name: &str) -> Vec<u8> {
        let mut response = self.storage().await.read_object(PARENT, name).send().await.unwrap();
        let mut all = Vec::new();
        while let Some(bytes) = response.next().await {
            all.extend_from_slice(&bytes.unwrap());
        }
        all
    }
}

#[expect(clippy::disallowed_methods, reason = "Google's client dates its tokens by the system's clock")]
pub fn system() -> Timestamp {
    Timestamp::now()
}

async fn start(root: &Path, clock: &ManualClock) -> Running {
    let manual = clock.clone();
    let objects: Clock = Arc::new(move || manual.now() + SignedDuration::ZERO);
    Emulator::start(root, Clocks { objects, tokens: Arc::new(system) }).await.unwrap()
}

pub fn credentials(key: &Value) -> Credentials {
    service_account::Builder::new(key.clone()).build().unwrap()
}

/// The official client, with quick retries and small buffers.
pub async fn storage(base_url: &str, key: &Value, buffer_bytes: usize) -> Storage {
    let backoff = ExponentialBackoffBuilder::new()
        .with_initial_delay(Duration::from_millis(1))
        .with_maximum_delay(Duration::from_millis(5))
        .build()
        .unwrap();
    Storage::builder()
        .with_endpoint(base_url)
        .with_credentials(credentials(key))
        .with_retry_policy(RetryableErrors.with_attempt_limit(4))
        .with_backoff_policy(backoff)
        .with_resumable_upload_threshold(100_000_usize)
        .with_resumable_upload_buffer_size(buffer_bytes)
        .build()
        .await
        .unwrap()
}

/// A plain HTTP client with the same credentials.
pub async fn http(key: &Value) -> reqwest::Client {
    let headers = match credentials(key).headers(http::Extensions::new()).await.unwrap() {
        CacheableResource::New { data, .. } => data,
        CacheableResource::NotModified => unreachable!("nothing is cached yet"),
    };
    reqwest::Client::builder().default_headers(headers).build().unwrap()
}

pub async fn create(storage: &Storage, name: &str, data: Bytes) -> google_cloud_storage::Result<Object> {
    let source = Pieces { data, piece_bytes: 100_000 };
    storage
        .write_object(PARENT, name, source)
        .set_if_generation_match(0_i64)
        .set_content_type("application/gzip")
        .send_buffered()
        .await
}

/// A source of unknown length, which makes the client upload resumably.
pub struct Pieces {
    pub data: Bytes,
    pub piece_bytes: usize,
}

impl StreamingSource for Pieces {
    type Error = std::io::Error;

    async fn next(&mut self) -> Option<Result<Bytes, Self::Error>> {
        if self.data.is_empty() {
            return None;
        }
        let piece = self.data.split_to(self.piece_bytes.min(self.data.len()));
        Some(Ok(piece))
    }
}

/// Bytes that differ everywhere, so that a shift or a gap shows.
pub fn noise(len: usize) -> Bytes {
    let mut state = 0x2545_f491_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(next).collect::<Vec<u8>>().into()
}

/// The HTTP status and the reason of a failed call.
pub fn refusal(error: &google_cloud_storage::Error) -> (u16, String) {
    let reason = error.status().and_then(|status| {
        status.details.iter().find_map(|detail| match detail {
            StatusDetails::ErrorInfo(info) => Some(info.reason.clone()),
            _ => None,
        })
    });
    (error.http_status_code().unwrap_or(0), reason.unwrap_or_default())
}
