//! The queue of the cloud: two topics of Pub/Sub. What it takes is pushed to the functions; receiving is theirs.
//!
//! The publisher batches what is sent at once. A message that is lost all the same, or sent by nobody because a process
//! died before it, is sent again by the checker out of the store.

use std::time::Duration;

use async_trait::async_trait;
use google_cloud_auth::credentials::anonymous;
use google_cloud_gax::retry_policy::RetryPolicyExt;
use google_cloud_pubsub::{
    client::{BasePublisher, Publisher},
    model::Message,
    retry_policy::RetryableErrors,
};
use tokio::sync::Semaphore;

use crate::ports::{ChunkQueue, QueueError, Work};

/// How long sending is tried. Whoever sends is behind a request and can be repeated, so it need not be long.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// How many messages may be on their way to the server at once; the publisher itself would take any number into memory.
const MOST_IN_FLIGHT: usize = 1_000;

/// Which topics, and where.
#[derive(Debug, Clone)]
pub struct PubSubOptions {
    /// The project of both topics.
    pub project_id: String,
    /// The id of the topic of [`Work::Chunks`].
    pub chunks_topic: String,
    /// The id of the topic of [`Work::Run`].
    pub wakeups_topic: String,
    /// `host:port` of an emulator in place of Google, without a scheme; it gets no credentials.
    pub emulator_host: Option<String>,
}

/// The queue.
pub struct PubSubQueue {
    chunks: Publisher,
    wakeups: Publisher,
    in_flight: Semaphore,
}

impl PubSubQueue {
    /// A queue with the credentials of the machine; nothing is asked of the network yet.
    ///
    /// # Errors
    /// [`QueueError`] where the machine has none, or its TLS is unusable.
    pub async fn connect(options: PubSubOptions) -> Result<Self, QueueError> {
        let mut builder =
            BasePublisher::builder().with_retry_policy(RetryableErrors.with_time_limit(SEND_TIMEOUT));
        if let Some(host) = &options.emulator_host {
            builder = builder
                .with_endpoint(format!("http://{host}"))
                .with_credentials(anonymous::Builder::new().build());
        }
        let base = builder.build().await.map_err(|error| QueueError(error.to_string()))?;
        let publisher =
            |topic: &str| base.publisher(format!("projects/{}/topics/{topic}", options.project_id)).build();
        Ok(Self {
            chunks: publisher(&options.chunks_topic),
            wakeups: publisher(&options.wakeups_topic),
            in_flight: Semaphore::new(MOST_IN_FLIGHT),
        })
    }
}

#[async_trait]
impl ChunkQueue for PubSubQueue {
    async fn send(&self, work: Work) -> Result<(), QueueError> {
        let publisher = match work {
            Work::Run { .. } => &self.wakeups,
            Work::Chunks { .. } => &self.chunks,
        };
        let data = serde_json::to_vec(&work).map_err(|error| QueueError(error.to_string()))?;
        let _permit = self.in_flight.acquire().await.map_err(|error| QueueError(error.to_string()))?;
        let sent = publisher.publish(Message::new().set_data(data)).await;
        sent.map(|_id| ()).map_err(|error| QueueError(error.to_string()))
    }
}
