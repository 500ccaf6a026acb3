//! Fail points: the n-th await on a port kills its worker or fails, before or after it took effect.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// What happens at the fail point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// The worker ends there, as a process that is killed.
    Kill,
    /// The worker stands still there until [`Gate::release`].
    Hold,
    /// The call answers that the other side is not available. Where the point lies behind the call, its answer was
    /// lost on the way.
    Fail,
}

/// The call was struck by [`Strike::Fail`].
#[derive(Debug, Clone, Copy)]
pub struct Struck;

/// What became of a worker.
#[derive(Debug)]
pub enum Outcome<T> {
    /// It came to its end.
    Ended(T),
    /// It was killed.
    Killed,
}

impl<T> Outcome<T> {
    /// Whether it was killed.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        matches!(self, Self::Killed)
    }
}

/// The fail points of one worker. Each call on a port passes two: one before it, one behind it. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    killed: Notify,
    held: Notify,
    released: Notify,
}

#[derive(Debug, Default)]
struct State {
    passed: u64,
    armed: Option<(u64, Strike)>,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Strikes at the `nth` point from here, counted from 0.
    pub fn arm(&self, nth: u64, strike: Strike) {
        let mut state = self.state();
        state.armed = Some((state.passed + nth, strike));
    }

    /// Strikes no more. True where it had not struck yet.
    pub fn disarm(&self) -> bool {
        self.state().armed.take().is_some()
    }

    /// Waits until the worker stands still.
    pub async fn until_held(&self) {
        self.inner.held.notified().await;
    }

    /// Lets it go on.
    pub fn release(&self) {
        self.inner.released.notify_one();
    }

    /// How many points were passed.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.state().passed
    }

    fn count(&self) -> Option<Strike> {
        let mut state = self.state();
        let here = state.passed;
        state.passed += 1;
        let (_, strike) = state.armed.take_if(|(at, _)| *at == here)?;
        Some(strike)
    }

    /// A fail point.
    ///
    /// # Errors
    /// `Struck`; a worker that is killed does not come back.
    pub async fn pass(&self) -> Result<(), Struck> {
        match self.count() {
            None => Ok(()),
            Some(Strike::Fail) => Err(Struck),
            Some(Strike::Hold) => {
                self.inner.held.notify_one();
                self.inner.released.notified().await;
                Ok(())
            }
            Some(Strike::Kill) => {
                self.inner.killed.notify_one();
                std::future::pending().await
            }
        }
    }

    /// A fail point on a thread without awaits, where a kill is seen as a failure by a thread that nobody waits for,
    /// and nobody stands still.
    ///
    /// # Errors
    /// `Struck`.
    pub fn pass_blocking(&self) -> Result<(), Struck> {
        match self.count() {
            None | Some(Strike::Hold) => Ok(()),
            Some(Strike::Fail) => Err(Struck),
            Some(Strike::Kill) => {
                self.inner.killed.notify_one();
                Err(Struck)
            }
        }
    }

    /// Runs a worker until it ends or is killed; killed, it is dropped where it stands.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Outcome<T> {
        tokio::select! {
            biased;
            () = self.inner.killed.notified() => Outcome::Killed,
            done = work => Outcome::Ended(done),
        }
    }
}
