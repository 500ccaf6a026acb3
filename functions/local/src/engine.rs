//! The workers that take messages off the queue, as Pub/Sub's pushes would.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use spillway::{
    adapters::local_queue::{Delivery, LocalQueue},
    domain::RunKey,
    ports::{ChunkQueue, StoreError, VaultError, Work},
    steps::{self, Handled, Parts, StepError},
};
use tokio::{sync::SetOnce, task::JoinSet};

/// How many workers a command has: one encodes while the other waits for its bucket. Each takes up to some 60 MiB
/// beside what the process has anyway, and all of it is to stay under 256 MiB, on a machine of any size.
pub(crate) const WORKERS: usize = 2;

/// How long a message waits after a step broke off.
const AFTER_ERROR: Duration = Duration::from_secs(2);

/// How often runs that an earlier process left are looked at again, until its leases have ended.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Whether a run reads and writes where this process does. A bucket that is mended wakes the runs of other places too;
/// worked here, they would find their lake's files vanished.
pub(crate) type IsOurs = Arc<dyn Fn(RunKey) -> bool + Send + Sync>;

/// Why the workers of this process cannot go on, once that is known: somebody at this machine has to act first.
pub(crate) type Stuck = Arc<SetOnce<String>>;

/// Workers under way. Dropped, they are aborted where they stand.
pub struct Workers {
    parts: Parts,
    tasks: JoinSet<()>,
}

impl Workers {
    /// Starts `count` workers and sends the runs on their way that an earlier process `left` unfinished. Messages of
    /// runs that are not ours are dropped; whoever goes on with those publishes anew. What no worker can get over by
    /// trying again is told to `stuck`.
    ///
    /// # Errors
    /// When the queue takes no messages.
    pub async fn start(
        parts: &Parts,
        queue: &LocalQueue,
        count: usize,
        left: Vec<RunKey>,
        is_ours: IsOurs,
        stuck: Stuck,
    ) -> anyhow::Result<Self> {
        // Everything that was on the queue of an earlier process is lost with it.
        let started = parts.clock.now();
        for run in oldest_of_exports(&left) {
            queue.send(Work::Run { run }).await?;
        }
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (parts, queue) = (parts.clone(), queue.clone());
            let (is_ours, stuck) = (Arc::clone(&is_ours), Arc::clone(&stuck));
            tasks.spawn(async move {
                while let Some(delivery) = queue.receive().await {
                    match delivery.work() {
                        Work::Run { run } | Work::Chunks { run, .. } if !is_ours(*run) => delivery.ack(),
                        _ => work(&parts, delivery, &stuck).await,
                    }
                }
            });
        }
        tasks.spawn(sweep(parts.clone(), started, left));
        Ok(Self { parts: parts.clone(), tasks })
    }

    /// Gives running chunks back and waits for the workers to end.
    pub async fn stop(mut self, queue: &LocalQueue) {
        self.parts.shutdown.cancel();
        queue.close();
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn work(parts: &Parts, delivery: Delivery, stuck: &SetOnce<String>) {
    // A chunk gives its lease back by itself; planning a large lake would go on until it is done, and is cut off: it
    // may be, anywhere, and the next start plans anew.
    let is_run = matches!(delivery.work(), Work::Run { .. });
    let handled = tokio::select! {
        handled = steps::handle(parts, delivery.work()) => handled,
        () = parts.shutdown.cancelled(), if is_run => return,
    };
    match handled {
        Ok(Handled::Done) => delivery.ack(),
        Ok(Handled::Again(after)) => delivery.nack(after),
        Err(error) => {
            tracing::warn!(%error, work = ?delivery.work(), "a step broke off; it is tried again");
            if needs_a_hand(&error) {
                // Whoever told it first said the same.
                drop(stuck.set(error.to_string()));
            }
            delivery.nack(AFTER_ERROR);
        }
    }
}

/// Whether whoever runs this process has to mend something, so that a command need not wait for it.
fn needs_a_hand(error: &StepError) -> bool {
    matches!(error, StepError::Store(StoreError::Full(_)) | StepError::Vault(VaultError::Unreadable { .. }))
}

/// The first of each export's runs, which are in order: the others wait until it wakes them.
fn oldest_of_exports(runs: &[RunKey]) -> Vec<RunKey> {
    let mut seen = BTreeSet::new();
    runs.iter().copied().filter(|run| seen.insert((run.account, run.request))).collect()
}

/// Publishes what was published before this process began; chunks that a killed process had leased come free only
/// when their leases end.
async fn sweep(parts: Parts, started: Timestamp, mut left: Vec<RunKey>) {
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = parts.shutdown.cancelled() => return,
        }
        let swept = async {
            let mut open = Vec::new();
            for key in &left {
                let run = parts.store.run(*key).await?;
                if let Some(run) = run.filter(|run| !run.status.is_closed()) {
                    steps::republish(&parts, &run, started).await?;
                    open.push(*key);
                }
            }
            for run in oldest_of_exports(&open) {
                parts.queue.send(Work::Run { run }).await?;
            }
            left = open;
            Ok::<_, steps::StepError>(())
        };
        if let Err(error) = swept.await {
            tracing::warn!(%error, "what an earlier process left could not be looked at");
        }
    }
}
