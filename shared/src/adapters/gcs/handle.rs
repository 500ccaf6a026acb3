//! One bucket under one key: objects through the client, their facts and lists through the JSON API (the
//! client's own control plane is gRPC only).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use google_cloud_auth::credentials::Credentials;
use google_cloud_storage::{client::Storage, read_object::ReadObjectResponse};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    signed, unreadable,
    upload::{Streaming, failure_of, is_source_error},
};
use crate::{
    domain::{BucketFailure, Crc32c, FailureClass},
    http::google,
    ports::{BucketHandle, ByteSource, CreateObjectError, ObjectFacts, SourceError},
};

/// A bucket.
pub(super) struct GcsBucket {
    pub(super) bucket_name: String,
    pub(super) storage: Storage,
    pub(super) credentials: Credentials,
    pub(super) endpoint: Arc<str>,
    pub(super) http: reqwest::Client,
}

/// An object of the JSON API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectResource {
    name: String,
    size: String,
    crc32c: Crc32c,
    time_created: Option<Timestamp>,
}

/// A page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectPage {
    #[serde(default)]
    items: Vec<ObjectResource>,
    next_page_token: Option<String>,
}

impl ObjectResource {
    fn facts(self) -> Result<ObjectFacts, BucketFailure> {
        let bytes = self.size.parse().map_err(|_| unreadable("an object's size is no number"))?;
        Ok(ObjectFacts { name: self.name, bytes, crc32c: self.crc32c, created_at: self.time_created })
    }
}

impl GcsBucket {
    fn resource_name(&self) -> String {
        format!("projects/_/buckets/{}", self.bucket_name)
    }

    fn objects_url(&self) -> String {
        format!(
            "{}/storage/v1/b/{}/o",
            self.endpoint,
            utf8_percent_encode(&self.bucket_name, NON_ALPHANUMERIC)
        )
    }

    async fn get<T: DeserializeOwned>(&self, url: &str, query: &[(&str, &str)]) -> Result<T, BucketFailure> {
        json(self.http.get(url).query(query).headers(signed(&self.credentials).await?)).await
    }
}

/// The JSON that a request is answered with.
pub(super) async fn json<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, BucketFailure> {
    let answer = request.send().await.map_err(|error| unreadable(&error.to_string()))?;
    let (status, body) = (answer.status(), answer.bytes().await);
    let body = body.map_err(|error| unreadable(&error.to_string()))?;
    if !status.is_success() {
        return Err(google::failure_of(status.as_u16(), &body));
    }
    serde_json::from_slice(&body).map_err(|error| unreadable(&format!("Google's answer: {error}")))
}

#[async_trait]
impl BucketHandle for GcsBucket {
    async fn create(
        &self,
        name: &str,
        content_type: &str,
        source: Box<dyn ByteSource>,
    ) -> Result<ObjectFacts, CreateObjectError> {
        let created = self
            .storage
            .write_object(self.resource_name(), name, Streaming::new(source))
            .set_if_generation_match(0_i64)
            .set_content_type(content_type)
            .send_buffered()
            .await;
        match created {
            Ok(object) => Ok(ObjectFacts {
                name: object.name,
                bytes: u64::try_from(object.size).unwrap_or_default(),
                crc32c: Crc32c(object.checksums.and_then(|sums| sums.crc32c).unwrap_or_default()),
                created_at: None,
            }),
            Err(error) if is_source_error(&error) => Err(CreateObjectError::Source(SourceError)),
            Err(error)
                if google::is_precondition_failed(error.http_status_code())
                    // Policies of an organisation are refused with the same status.
                    && failure_of(&error).class != FailureClass::OrganisationPolicy =>
            {
                Err(CreateObjectError::Exists)
            }
            Err(error) => Err(CreateObjectError::Failed(failure_of(&error))),
        }
    }

    async fn facts(&self, name: &str) -> Result<Option<ObjectFacts>, BucketFailure> {
        let url = format!("{}/{}", self.objects_url(), utf8_percent_encode(name, NON_ALPHANUMERIC));
        match self.get::<ObjectResource>(&url, &[("fields", "name,size,crc32c,timeCreated")]).await {
            Ok(object) => object.facts().map(Some),
            Err(failure) if google::is_missing_object(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn read(&self, name: &str) -> Result<Option<Box<dyn ByteSource>>, BucketFailure> {
        match self.storage.read_object(self.resource_name(), name).send().await {
            Ok(response) => Ok(Some(Box::new(Reading(response)))),
            Err(error) => {
                let failure = failure_of(&error);
                if google::is_missing_object(&failure) { Ok(None) } else { Err(failure) }
            }
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectFacts>, BucketFailure> {
        let (mut objects, mut token) = (Vec::new(), None::<String>);
        loop {
            let fields = "items(name,size,crc32c,timeCreated),nextPageToken";
            let mut query = vec![("prefix", prefix), ("fields", fields)];
            query.extend(token.as_deref().map(|token| ("pageToken", token)));
            let page: ObjectPage = self.get(&self.objects_url(), &query).await?;
            for object in page.items {
                objects.push(object.facts()?);
            }
            match page.next_page_token {
                Some(next) => token = Some(next),
                None => return Ok(objects),
            }
        }
    }
}

/// An object being read. The client compares its CRC32C at the end.
struct Reading(ReadObjectResponse);

#[async_trait]
impl ByteSource for Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        match self.0.next().await.transpose() {
            Ok(bytes) => Ok(bytes),
            Err(error) => {
                tracing::warn!(%error, "reading an object broke off");
                Err(SourceError)
            }
        }
    }
}
