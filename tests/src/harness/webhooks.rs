//! Webhooks that are written down in place of being called.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use spillway::ports::{WebhookCall, WebhookError, Webhooks};

/// What was called, and what the next calls are answered with.
#[derive(Clone, Default)]
pub struct RecordedWebhooks(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    calls: Vec<WebhookCall>,
    failure: Option<WebhookError>,
}

impl RecordedWebhooks {
    /// Every call so far, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<WebhookCall> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    /// From now on calls fail so, or are taken.
    pub fn fail_with(&self, failure: Option<WebhookError>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failure = failure;
    }
}

#[async_trait]
impl Webhooks for RecordedWebhooks {
    async fn call(&self, call: &WebhookCall) -> Result<u16, WebhookError> {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.calls.push(call.clone());
        recorded.failure.clone().map_or(Ok(200), Err)
    }
}
