//! The GCS emulator and the official client in place of buckets in memory.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use gcs_emulator::{BucketOptions, Clock, Clocks, Emulator, Role, Running};
use serde_json::Value;
use spillway::{
    adapters::{
        gcs::{GcsOptions, GcsPartnerBuckets},
        system_clock::SystemClock,
    },
    ports::Clock as _,
};

use super::app::{ACCOUNT, BUCKET, TestApp};

/// The project of the customer.
pub const PROJECT: &str = "partner-project";
/// The customer's service account.
pub const EMAIL: &str = "spillway@partner-project.iam.gserviceaccount.com";

/// The emulator, running.
pub struct Google {
    running: Running,
    /// The key of the service account, as Google's console gives it out.
    pub key: Value,
}

impl Google {
    /// Starts an emulator for the app and connects the app to a bucket of it. The service account may create and
    /// read objects.
    ///
    /// # Panics
    /// Where the emulator does not start.
    pub async fn start(app: &mut TestApp, options: BucketOptions) -> Self {
        let (objects, tokens) = (app.clock.clone(), SystemClock);
        let objects: Clock = Arc::new(move || objects.now());
        let clocks = Clocks { objects, tokens: Arc::new(move || tokens.now()) };
        let running = Emulator::start(app.folder().join("google"), clocks).await.expect("an emulator");
        let emulator = running.emulator();
        let options = BucketOptions { project: PROJECT.to_owned(), ..options };
        emulator.create_bucket(BUCKET, options).expect("a bucket");
        let key = emulator.create_service_account_key(PROJECT, EMAIL).expect("a key");
        for role in [Role::ObjectCreator, Role::ObjectViewer] {
            emulator.grant(BUCKET, EMAIL, role).expect("a role");
        }
        let gcs = GcsOptions {
            attempts: 3,
            first_delay: Duration::from_millis(1),
            // The smallest that Google takes, so that a small file is sent in several parts.
            part_bytes: 256 << 10,
            ..GcsOptions::new(running.base_url())
        };
        app.other_buckets = Some(Arc::new(GcsPartnerBuckets::new(gcs).expect("a client")));
        app.connect(ACCOUNT, BUCKET, BUCKET, &key.to_string()).await;
        Self { running, key }
    }

    /// The emulator.
    #[must_use]
    pub fn emulator(&self) -> &Emulator {
        self.running.emulator()
    }

    /// Where it listens.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.running.base_url()
    }

    /// The bucket's objects by name, read from the emulator's folder past all faults and permissions.
    ///
    /// # Panics
    /// Where the folder cannot be read.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        let folder = self.emulator().root().join(BUCKET);
        let files = std::fs::read_dir(folder).expect("the bucket's folder");
        let read = files.map(|file| {
            let file = file.expect("a file");
            let name = file.file_name().into_string().expect("UTF-8");
            (name, Bytes::from(std::fs::read(file.path()).expect("a readable file")))
        });
        read.collect()
    }
}
