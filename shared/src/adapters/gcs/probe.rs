//! Whether exports into a bucket would work: the few requests that tell, over the JSON API.

use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;

use super::{handle::json, unreadable};
use crate::{
    domain::{BucketFailure, BucketSettings, RetentionPolicy},
    http::google,
    ports::BucketProbe,
};

/// A bucket under a key that has signed.
pub(super) struct GcsProbe {
    /// The endpoint, with the API's path and the bucket.
    bucket_url: String,
    upload_url: String,
    headers: HeaderMap,
    http: Client,
    timeout: Duration,
}

#[derive(Deserialize)]
struct HeldPermissions {
    #[serde(default)]
    permissions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BucketResource {
    retention_policy: Option<RetentionResource>,
    billing: Option<BillingResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetentionResource {
    /// 64-bit numbers are written as text.
    retention_period: String,
    #[serde(default)]
    is_locked: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BillingResource {
    #[serde(default)]
    requester_pays: bool,
}

impl GcsProbe {
    pub(super) fn new(
        endpoint: &str,
        bucket_name: &str,
        headers: HeaderMap,
        http: Client,
        timeout: Duration,
    ) -> Self {
        let bucket = utf8_percent_encode(bucket_name, NON_ALPHANUMERIC);
        let bucket_url = format!("{endpoint}/storage/v1/b/{bucket}");
        let upload_url = format!("{endpoint}/upload/storage/v1/b/{bucket}/o");
        Self { bucket_url, upload_url, headers, http, timeout }
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.headers(self.headers.clone()).timeout(self.timeout)
    }

    /// Ends an upload that was begun. The address speaks for itself, so no token goes with it; it comes from the
    /// answer, so it is followed to where the upload was begun only. An upload that stays is no object, and Google
    /// forgets it after a week.
    async fn cancel(&self, session: Option<&str>) {
        let begun_at = Url::parse(&self.upload_url);
        let session = session.and_then(|session| Url::parse(session).ok());
        let (Ok(begun_at), Some(session)) = (begun_at, session) else {
            tracing::warn!("an upload was begun without an address; it ends by itself");
            return;
        };
        if begun_at.origin() != session.origin() {
            tracing::warn!(host = ?session.host_str(), "an upload was begun elsewhere; it ends by itself");
            return;
        }
        let request = self.http.delete(session).header(header::CONTENT_LENGTH, 0).timeout(self.timeout);
        match request.send().await {
            Ok(answer) if google::is_cancelled(answer.status().as_u16()) => {}
            Ok(answer) => {
                tracing::warn!(
                    status = answer.status().as_u16(),
                    "an upload was not cancelled; it ends by itself"
                );
            }
            // Without the address, which is a secret.
            Err(error) => {
                let error = error.without_url();
                tracing::warn!(%error, "an upload was not cancelled; it ends by itself");
            }
        }
    }
}

#[async_trait]
impl BucketProbe for GcsProbe {
    async fn holds(&self, permission: &str) -> Result<bool, BucketFailure> {
        let url = format!("{}/iam/testPermissions", self.bucket_url);
        let request = self.signed(self.http.get(url).query(&[("permissions", permission)]));
        let held: HeldPermissions = json(request).await?;
        Ok(held.permissions.iter().any(|held| held == permission))
    }

    async fn try_upload(&self, name: &str) -> Result<(), BucketFailure> {
        let query = [("uploadType", "resumable"), ("name", name), ("ifGenerationMatch", "0")];
        let request = self.http.post(&self.upload_url).query(&query).json(&serde_json::json!({}));
        let answer = self.signed(request).send().await.map_err(|error| unreadable(&error.to_string()))?;
        let status = answer.status();
        if status.is_success() {
            let session = answer.headers().get(header::LOCATION).and_then(|session| session.to_str().ok());
            self.cancel(session).await;
            return Ok(());
        }
        let body = answer.bytes().await.map_err(|error| unreadable(&error.to_string()))?;
        Err(google::failure_of(status.as_u16(), &body))
    }

    async fn settings(&self) -> Result<BucketSettings, BucketFailure> {
        let fields = [("fields", "retentionPolicy(retentionPeriod,isLocked),billing(requesterPays)")];
        let bucket: BucketResource =
            json(self.signed(self.http.get(&self.bucket_url).query(&fields))).await?;
        let retention = bucket.retention_policy.map(|policy| {
            let period_secs = policy.retention_period.parse();
            let period_secs = period_secs.map_err(|_| unreadable("a retention period is no number"))?;
            Ok(RetentionPolicy { period_secs, locked: policy.is_locked })
        });
        let requester_pays = bucket.billing.is_some_and(|billing| billing.requester_pays);
        Ok(BucketSettings { retention: retention.transpose()?, requester_pays })
    }
}
