//! The client's view of a byte source, and of what can go wrong while it is sent.

use bytes::Bytes;
use google_cloud_gax::{
    error::{CredentialsError, rpc::StatusDetails},
    retry_policy::RetryPolicy,
    retry_result::RetryResult,
    retry_state::RetryState,
};
use google_cloud_storage::{Error, streaming_source::StreamingSource};
use tokio::sync::Mutex;

use super::unusable;
use crate::{
    adapters::causes::has_cause,
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
    has_cause::<SourceError>(error)
}

/// Retries what Google answered, unless that stays so until somebody makes room; never a connection that broke: `send_buffered` of google-cloud-storage 1.21 loses
/// the buffer in flight then, goes on with the next one, and so can create an object with a hole in it. A broken
/// upload is begun anew instead, by the next attempt on its chunk.
#[derive(Debug, Clone)]
pub(super) struct OnlyAnswered<P>(pub(super) P);

impl<P: RetryPolicy> RetryPolicy for OnlyAnswered<P> {
    fn on_error(&self, state: &RetryState, error: Error) -> RetryResult {
        match error.http_status_code() {
            Some(status) if !google::is_out_of_storage(status) => self.0.on_error(state, error),
            _ => RetryResult::Permanent(error),
        }
    }
}

/// The failure that the client's error tells.
pub(super) fn failure_of(error: &Error) -> BucketFailure {
    if let Some(http_status) = error.http_status_code() {
        // The client has taken the published body apart already; other bodies it hands over as they came.
        return match error.status() {
            Some(status) => {
                let reason = status.details.iter().find_map(|detail| match detail {
                    StatusDetails::ErrorInfo(info) => Some(info.reason.as_str()),
                    _ => None,
                });
                google::failure_with(http_status, reason.unwrap_or_default(), status.message.clone())
            }
            None => google::failure_of(http_status, &error.http_payload().cloned().unwrap_or_default()),
        };
    }
    // An upload's requests hide it behind a transport error. We sign for ourselves, so it is never the network.
    if error.is_authentication() || has_cause::<CredentialsError>(error) {
        return unusable("no token can be signed with this private key");
    }
    // Resets, time-outs and broken answers: the network between us and Google.
    BucketFailure { class: FailureClass::Unavailable, http_status: None, message: error.to_string() }
}
