//! Partner buckets through `google-cloud-storage`, under the customer's own service account key.

mod handle;
mod key;
mod probe;
mod upload;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use google_cloud_auth::credentials::{CacheableResource, Credentials, service_account};
use google_cloud_gax::{exponential_backoff::ExponentialBackoffBuilder, retry_policy::RetryPolicyExt};
use google_cloud_storage::{client::Storage, retry_policy::RetryableErrors};
use http::{Extensions, HeaderMap};

use crate::{
    domain::{BucketFailure, FailureClass},
    ports::{BucketHandle, BucketProbe, PartnerBuckets, ServiceAccountKey},
};

/// Where Google Cloud Storage answers.
pub const GOOGLE_ENDPOINT: &str = "https://storage.googleapis.com";

/// The scope of the tokens that we sign with a customer's key: objects, no bucket settings.
const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_write";

/// How the client talks to Google.
#[derive(Debug, Clone)]
pub struct GcsOptions {
    /// [`GOOGLE_ENDPOINT`], or an emulator's address.
    pub endpoint: String,
    /// How often a request of an upload may fail in a passing way before the upload is given up.
    pub attempts: u32,
    /// The delay before the second attempt; it doubles from there on.
    pub first_delay: Duration,
    /// How many bytes of an upload are sent in one request, and kept until it is answered: a multiple of 256 KiB.
    pub part_bytes: usize,
    /// How long each request of a check may take: a person waits for it.
    pub probe_timeout: Duration,
}

impl GcsOptions {
    /// The options for an endpoint, with the retries that suit production.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            attempts: 6,
            first_delay: Duration::from_millis(500),
            part_bytes: 8 << 20,
            probe_timeout: Duration::from_secs(20),
        }
    }
}

/// Opens buckets at Google, or at an emulator.
#[derive(Debug, Clone)]
pub struct GcsPartnerBuckets {
    options: GcsOptions,
    http: reqwest::Client,
}

impl GcsPartnerBuckets {
    /// Buckets behind `options.endpoint`.
    ///
    /// # Errors
    /// When this machine's TLS set-up does not work.
    pub fn new(options: GcsOptions) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            // A redirect could lead a request with the customer's token elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { options, http })
    }

    fn endpoint(&self) -> &str {
        self.options.endpoint.trim_end_matches('/')
    }

    async fn storage(&self, credentials: Credentials) -> Result<Storage, BucketFailure> {
        let backoff = ExponentialBackoffBuilder::new()
            .with_initial_delay(self.options.first_delay)
            .with_maximum_delay(Duration::from_secs(20))
            .clamp();
        Storage::builder()
            .with_endpoint(&self.options.endpoint)
            .with_credentials(credentials)
            .with_retry_policy(upload::OnlyAnswered(
                RetryableErrors.with_attempt_limit(self.options.attempts),
            ))
            .with_backoff_policy(backoff)
            .with_resumable_upload_buffer_size(self.options.part_bytes)
            .build()
            .await
            .map_err(|error| unusable(&format!("the client cannot be built: {error}")))
    }
}

#[async_trait]
impl PartnerBuckets for GcsPartnerBuckets {
    async fn open(
        &self,
        bucket_name: &str,
        key: &ServiceAccountKey,
    ) -> Result<Box<dyn BucketHandle>, BucketFailure> {
        let credentials = credentials(key)?;
        let storage = self.storage(credentials.clone()).await?;
        Ok(Box::new(handle::GcsBucket {
            bucket_name: bucket_name.to_owned(),
            storage,
            credentials,
            endpoint: Arc::from(self.endpoint()),
            http: self.http.clone(),
        }))
    }

    async fn probe(
        &self,
        bucket_name: &str,
        key: &ServiceAccountKey,
    ) -> Result<Box<dyn BucketProbe>, BucketFailure> {
        let headers = signed(&credentials(key)?).await?;
        let (http, timeout) = (self.http.clone(), self.options.probe_timeout);
        Ok(Box::new(probe::GcsProbe::new(self.endpoint(), bucket_name, headers, http, timeout)))
    }
}

fn credentials(key: &ServiceAccountKey) -> Result<Credentials, BucketFailure> {
    service_account::Builder::new(key::parse(key)?)
        .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
        .build()
        .map_err(|error| unusable(&error.to_string()))
}

/// The headers that prove to Google who asks, under a token that is signed here.
async fn signed(credentials: &Credentials) -> Result<HeaderMap, BucketFailure> {
    match credentials.headers(Extensions::new()).await {
        Ok(CacheableResource::New { data, .. }) => Ok(data),
        Ok(CacheableResource::NotModified) => Err(unusable("the credentials gave no token")),
        Err(error) => Err(unusable(&error.to_string())),
    }
}

/// What passes: no answer, or none that can be read.
fn unreadable(message: &str) -> BucketFailure {
    BucketFailure { class: FailureClass::Unavailable, http_status: None, message: message.to_owned() }
}

/// A key that no request can be made with.
fn unusable(message: &str) -> BucketFailure {
    BucketFailure { class: FailureClass::KeyUnusable, http_status: None, message: message.to_owned() }
}
