//! The client's view of a byte source, and of what can go wrong while it is sent.

use bytes::Bytes;
use google_cloud_storage::{Error, streaming_source::StreamingSource};
use tokio::sync::Mutex;

use super::unusable;
use crate::{
    domain::{BucketFailure, FailureClass},
    http::google,
    ports::{ByteSource, SourceError},
};

/// A byte source as the client takes it: it wants `Sync`, which a lock that is never contended gives.
pub(super) struct Streaming(Mutex<Box<dyn ByteSource>>);

impl Streaming {
    pub(super) fn new(source: Box<dyn ByteSource>) -> Self {
        Self(Mutex::new(source))
    }
}

impl StreamingSource for Streaming {
    type Error = SourceError;

    async fn next(&mut self) -> Option<Result<Bytes, SourceError>> {
        self.0.get_mut().next().await.transpose()
    }
}

/// Whether the upload ended because its source gave up.
pub(super) fn is_source_error(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<SourceError>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// The failure that the client's error tells.
pub(super) fn failure_of(error: &Error) -> BucketFailure {
    if let Some(http_status) = error.http_status_code() {
        let body = error.http_payload().cloned().unwrap_or_default();
        return google::failure_of(http_status, &body);
    }
    if error.is_authentication() {
        return unusable("no token can be signed with this private key");
    }
    // Resets, time-outs and broken answers: the network between us and Google.
    BucketFailure { class: FailureClass::Unavailable, http_status: None, message: error.to_string() }
}
