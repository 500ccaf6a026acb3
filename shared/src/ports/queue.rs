//! The queue between planning and encoding.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{ChunkId, PlanToken, RunKey};

/// A message. It may arrive twice, late, out of order or never: the store knows the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "lowercase")]
pub enum Work {
    /// Plan and open a run, or go on with it.
    Run {
        /// Which.
        run: RunKey,
    },
    /// Work these chunks, up to 50.
    Chunks {
        /// Their run.
        run: RunKey,
        /// Their plan.
        plan: PlanToken,
        /// Which.
        chunks: Vec<ChunkId>,
    },
}

/// The message may not have been taken.
#[derive(Debug, thiserror::Error)]
#[error("the queue does not take messages: {0}")]
pub struct QueueError(pub String);

/// Sends messages. Receiving is the business of whoever runs the encoders.
#[async_trait]
pub trait ChunkQueue: Send + Sync {
    /// Sends a message; when this returns, the queue has it.
    ///
    /// # Errors
    /// [`QueueError`]; the message may or may not arrive.
    async fn send(&self, work: Work) -> Result<(), QueueError>;
}
