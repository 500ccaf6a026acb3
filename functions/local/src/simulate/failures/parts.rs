//! The queue, which loses and doubles messages, and the mail server, which is down at times.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use spillway::ports::{ChunkQueue, Mail, MailError, Mailer, QueueError, Work};

/// Of how many messages one is lost, and one doubled.
const ONE_OF: u32 = 60;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A queue; clones are the same.
#[derive(Clone)]
pub(super) struct UnreliableQueue(Arc<Mutex<(VecDeque<Work>, StdRng, bool)>>);

impl UnreliableQueue {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new((VecDeque::new(), StdRng::seed_from_u64(seed), true))))
    }

    /// From now on nothing is lost or doubled.
    pub(super) fn mend(&self) {
        locked(&self.0).2 = false;
    }

    pub(super) fn pop(&self) -> Option<Work> {
        locked(&self.0).0.pop_front()
    }

    pub(super) fn push(&self, work: Work) {
        locked(&self.0).0.push_back(work);
    }
}

#[async_trait]
impl ChunkQueue for UnreliableQueue {
    async fn send(&self, work: Work) -> Result<(), QueueError> {
        let mut state = locked(&self.0);
        let (queue, rng, unreliable) = &mut *state;
        match rng.random_range(0..ONE_OF) {
            0 if *unreliable => {}
            1 if *unreliable => queue.extend([work.clone(), work]),
            _ => queue.push_back(work),
        }
        Ok(())
    }
}

/// A mail server; clones are the same.
#[derive(Clone, Default)]
pub(super) struct MailServer(Arc<Mutex<MailState>>);

#[derive(Default)]
struct MailState {
    is_down: bool,
    /// The end of addresses that are not taken now.
    busy_for: Option<String>,
    /// How often the mail of each notice was taken.
    taken: BTreeMap<String, u64>,
}

impl MailServer {
    pub(super) fn set_down(&self, is_down: bool) {
        locked(&self.0).is_down = is_down;
    }

    pub(super) fn set_busy_for(&self, addresses: Option<String>) {
        locked(&self.0).busy_for = addresses;
    }

    /// How often the mail of each notice was taken.
    pub(super) fn taken(&self) -> BTreeMap<String, u64> {
        locked(&self.0).taken.clone()
    }
}

#[async_trait]
impl Mailer for MailServer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let mut state = locked(&self.0);
        if state.is_down {
            return Err(MailError::Unavailable("as simulated".to_owned()));
        }
        if state.busy_for.as_ref().is_some_and(|busy| mail.to.as_str().ends_with(busy.as_str())) {
            return Err(MailError::Later("as simulated".to_owned()));
        }
        *state.taken.entry(mail.notice.to_string()).or_default() += 1;
        Ok(())
    }
}
