//! A queue out of which a test delivers as it likes: late, twice, in any order, never.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use spillway::ports::{ChunkQueue, QueueError, Work};

/// The queue. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct TestQueue {
    waiting: Arc<Mutex<Vec<Work>>>,
}

impl TestQueue {
    fn waiting(&self) -> MutexGuard<'_, Vec<Work>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting().len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    /// Takes the oldest.
    #[must_use]
    pub fn pop(&self) -> Option<Work> {
        let mut waiting = self.waiting();
        if waiting.is_empty() { None } else { Some(waiting.remove(0)) }
    }

    /// Takes the one at `index`, counted around.
    #[must_use]
    pub fn take(&self, index: usize) -> Option<Work> {
        let mut waiting = self.waiting();
        let len = waiting.len();
        if len == 0 { None } else { Some(waiting.remove(index % len)) }
    }

    /// Puts one back, or in.
    pub fn put(&self, work: Work) {
        self.waiting().push(work);
    }

    /// All that wait; they stay.
    #[must_use]
    pub fn all(&self) -> Vec<Work> {
        self.waiting().clone()
    }

    /// Loses all messages. Gives how many.
    pub fn lose_all(&self) -> usize {
        std::mem::take(&mut *self.waiting()).len()
    }
}

#[async_trait]
impl ChunkQueue for TestQueue {
    async fn send(&self, work: Work) -> Result<(), QueueError> {
        self.put(work);
        Ok(())
    }
}
