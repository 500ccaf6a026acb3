//! The queue of a laptop: in this process.
//!
//! What is queued is lost with the process. That is harmless: the store knows which runs are open, and whoever goes
//! on with one publishes what is unfinished.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::ports::{ChunkQueue, QueueError, Work};

/// How many messages are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCounts {
    /// Waiting for a worker.
    pub queued: usize,
    /// Given back, to be delivered again later.
    pub delayed: usize,
    /// With a worker.
    pub in_flight: usize,
}

impl QueueCounts {
    /// Whether nothing is left anywhere.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// The queue; its clones are the same queue.
#[derive(Clone, Default)]
pub struct LocalQueue {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Wakes one worker for each thing that happens; a worker that leaves something behind wakes the next.
    arrived: Notify,
    /// Wakes all who wait for the queue to become empty.
    settled: Notify,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Work>,
    /// When which delayed message is due, the earliest first; the number keeps equal instants in order.
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    delayed: HashMap<u64, Work>,
    next_number: u64,
    in_flight: usize,
    is_closed: bool,
}

impl State {
    fn counts(&self) -> QueueCounts {
        QueueCounts { queued: self.ready.len(), delayed: self.delayed.len(), in_flight: self.in_flight }
    }

    fn promote_due(&mut self, now: Instant) {
        while let Some(Reverse((due, number))) = self.due.peek().copied() {
            if due > now {
                break;
            }
            self.due.pop();
            self.ready.extend(self.delayed.remove(&number));
        }
    }

    fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message off a worker's hands.
    fn settle(&self, again: Option<(Work, Duration)>) {
        let mut state = self.state();
        state.in_flight -= 1;
        match again {
            Some((work, after)) if !state.is_closed && after.is_zero() => state.ready.push_back(work),
            Some((work, after)) if !state.is_closed => {
                let number = state.next_number;
                state.next_number += 1;
                state.due.push(Reverse((Instant::now() + after, number)));
                state.delayed.insert(number, work);
            }
            _ => {}
        }
        let is_empty = state.counts().is_empty();
        drop(state);
        self.arrived.notify_one();
        if is_empty {
            self.settled.notify_waiters();
        }
    }
}

impl LocalQueue {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next message, in the order of sending; none once the queue is closed. Any number of workers may wait.
    /// A call that is dropped loses no message.
    pub async fn receive(&self) -> Option<Delivery> {
        loop {
            let due = {
                let mut state = self.shared.state();
                if state.is_closed {
                    drop(state);
                    // Hand the news on to the next who waits.
                    self.shared.arrived.notify_one();
                    return None;
                }
                state.promote_due(Instant::now());
                if let Some(work) = state.ready.pop_front() {
                    state.in_flight += 1;
                    let more = !state.ready.is_empty() || !state.due.is_empty();
                    drop(state);
                    if more {
                        self.shared.arrived.notify_one();
                    }
                    return Some(Delivery { shared: Arc::clone(&self.shared), work: Some(work) });
                }
                state.next_due()
            };
            // A message that comes between the look above and the wait below leaves its permit in `arrived`.
            let arrived = self.shared.arrived.notified();
            match due {
                None => arrived.await,
                Some(due) => tokio::select! {
                    () = arrived => {}
                    () = sleep_until(due) => {}
                },
            }
        }
    }

    /// Ends the queue: what waits is forgotten, no message is taken or given any more. Messages that workers hold
    /// are theirs to finish.
    pub fn close(&self) {
        let mut state = self.shared.state();
        state.is_closed = true;
        state.ready.clear();
        state.due.clear();
        state.delayed.clear();
        drop(state);
        self.shared.arrived.notify_one();
        self.shared.settled.notify_waiters();
    }

    /// How many messages are where.
    #[must_use]
    pub fn counts(&self) -> QueueCounts {
        self.shared.state().counts()
    }

    /// Waits until nothing is queued, delayed or with a worker.
    pub async fn settled(&self) {
        loop {
            let mut settled = std::pin::pin!(self.shared.settled.notified());
            // From here on a wake-up counts, so that none is missed after the look below.
            settled.as_mut().enable();
            if self.counts().is_empty() {
                return;
            }
            settled.await;
        }
    }
}

#[async_trait]
impl ChunkQueue for LocalQueue {
    async fn send(&self, work: Work) -> Result<(), QueueError> {
        let mut state = self.shared.state();
        if state.is_closed {
            return Err(QueueError("it is closed, since the process is ending".to_owned()));
        }
        state.ready.push_back(work);
        drop(state);
        self.shared.arrived.notify_one();
        Ok(())
    }
}

/// A message in a worker's hands. One that is dropped without [`Delivery::ack`] or [`Delivery::nack`] is delivered
/// again at once, as when a worker dies.
pub struct Delivery {
    shared: Arc<Shared>,
    /// None once it has been answered.
    work: Option<Work>,
}

impl Delivery {
    /// What is to be done.
    #[must_use]
    pub fn work(&self) -> &Work {
        self.work.as_ref().expect("taken only by what consumes the delivery")
    }

    /// It has been done.
    pub fn ack(mut self) {
        self.work = None;
        self.shared.settle(None);
    }

    /// To be delivered again after a while.
    pub fn nack(mut self, after: Duration) {
        let again = self.work.take().map(|work| (work, after));
        self.shared.settle(again);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.shared.settle(Some((work, Duration::ZERO)));
        }
    }
}
