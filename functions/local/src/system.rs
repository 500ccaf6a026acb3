//! The wiring: embedded parts over the home folder.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use gcs_emulator::{Emulator, Running};
use jiff::Timestamp;
use spillway::{
    adapters::{
        gcs::{GcsOptions, GcsPartnerBuckets},
        lake::ObjectStoreLake,
        local_queue::LocalQueue,
        mail::{EmlFolder, MailSender},
        sqlite::SqliteStore,
        system_clock::SystemClock,
        webhooks::{HttpsWebhooks, WebhookOptions},
    },
    domain::{EmailAddress, Run, RunKey},
    ports::{Clock, Lake, Store},
    steps::{Notifier, Options, Parts},
};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{IsOurs, Stuck, WORKERS, Workers},
    home::Home,
    ingest,
    interrupt::Interrupts,
    leftover,
    origins::{Origins, Places},
    progress::Progress,
    vault,
};

/// All parts of Spillway in this process.
pub(crate) struct System {
    pub(crate) home: Home,
    pub(crate) parts: Parts,
    pub(crate) queue: LocalQueue,
    pub(crate) progress: Progress,
    pub(crate) places: Places,
    pub(crate) origins: Origins,
    emulator: Option<Running>,
    /// Whether nobody else was at work on this home when this process began to be.
    is_alone: AtomicBool,
    stuck: Stuck,
}

impl System {
    /// Opens the home folder, and starts the emulator unless buckets are elsewhere.
    pub(crate) async fn open(root: &Path, places: Places, quiet: bool) -> anyhow::Result<Self> {
        let home = Home::open(root)?;
        let places = places.canonical();
        let origins = Origins::new(home.origins());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = SqliteStore::open(&home.state()).context("the state cannot be opened")?;
        let vault = vault::open(&home, &store).await?;
        if let Err(error) = ingest::complete_killed(&home.lake(), &*clock) {
            tracing::warn!("an ingest that was killed at its end cannot be completed yet: {error}");
        }
        let lake = open_lake(&home, places.lake.as_deref(), &clock)?;
        let (endpoint, emulator) = match &places.gcs_endpoint {
            Some(endpoint) => (endpoint.clone(), None),
            None => {
                let objects = Arc::clone(&clock);
                let now: gcs_emulator::Clock = Arc::new(move || -> Timestamp { objects.now() });
                let running = Emulator::start(home.buckets(), now).await?;
                (running.base_url().to_owned(), Some(running))
            }
        };
        let (queue, progress) = (LocalQueue::new(), Progress::new(quiet));
        let parts = Parts {
            store: Arc::new(store),
            queue: Arc::new(queue.clone()),
            lake,
            buckets: Arc::new(GcsPartnerBuckets::new(GcsOptions::new(endpoint))?),
            vault: Arc::new(vault),
            webhooks: Arc::new(HttpsWebhooks::new(WebhookOptions::default())?),
            clock,
            observer: Arc::new(progress.clone()),
            shutdown: CancellationToken::new(),
            options: options(emulator.is_some()),
        };
        let is_alone = AtomicBool::new(false);
        let stuck = Stuck::default();
        Ok(Self { home, parts, queue, progress, places, origins, emulator, is_alone, stuck })
    }

    /// Where a run of a home reads from and writes to, for whoever opens the home to go on with it.
    pub(crate) async fn places_of(root: &Path, run: RunKey) -> anyhow::Result<Places> {
        let home = Home::open(root)?;
        let store = SqliteStore::open(&home.state()).context("the state cannot be opened")?;
        let origins = Origins::new(home.origins());
        origins.settle(&store, SystemClock.now()).await?;
        origins.of(run)
    }

    /// The built-in emulator.
    pub(crate) fn emulator(&self) -> anyhow::Result<&Emulator> {
        match &self.emulator {
            Some(running) => Ok(running.emulator()),
            None => bail!("buckets at another endpoint are not ours to make"),
        }
    }

    /// Mails are files in the home, with links to the dashboard at `public_url`.
    pub(crate) fn notifier(&self, public_url: String) -> anyhow::Result<Notifier> {
        let address = EmailAddress::new("exports@spillway.example")?;
        let sender = MailSender { address, name: "Spillway".to_owned(), bounces: None };
        let mailer = Arc::new(EmlFolder::new(self.home.mail(), sender));
        Ok(Notifier { mailer: Some(mailer), public_url: Some(public_url) })
    }

    /// Whether buckets are in the built-in emulator.
    pub(crate) fn is_local(&self) -> bool {
        self.emulator.is_some()
    }

    /// While it is driven: whether nobody else was at work on this home before, so that every unfinished run was left
    /// by a process that has ended.
    pub(crate) fn is_alone(&self) -> bool {
        self.is_alone.load(Ordering::Relaxed)
    }

    /// The store.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.parts.store
    }

    /// Opens a run's bucket again: whatever blocked it may be mended, and the first failure says when it is not.
    pub(crate) async fn open_again(&self, run: &Run) -> anyhow::Result<()> {
        if let Some(bucket) = self.store().bucket(run.key.account, &run.spec.bucket).await? {
            self.store().unblock_bucket(&bucket).await?;
        }
        Ok(())
    }

    /// Runs `work` while workers run, and ends them after it. Ctrl-C and SIGTERM end both, and so does what the workers
    /// cannot get over by trying again; what is unfinished is resumed by the next start.
    pub(crate) async fn drive<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let resume = || format!("`spillway resume{}` goes on where this ended", self.places.flags());
        let unless_stuck = async {
            tokio::select! {
                result = work => result,
                wrong = self.stuck.wait() => bail!("{wrong}: {}", resume()),
            }
        };
        let ended = self.drive_until_told(unless_stuck).await?;
        ended.with_context(|| format!("interrupted; {}", resume()))
    }

    /// As [`System::drive`], for work that does not end by itself: none where it was told to.
    pub(crate) async fn drive_until_told<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Option<T>> {
        let mut interrupts = Interrupts::listen()?;
        let working = leftover::join(&self.parts, &self.home).await?;
        self.is_alone.store(working.is_alone, Ordering::Relaxed);
        let left = if working.is_alone { self.left().await? } else { Vec::new() };
        let (is_ours, stuck) = (self.is_ours(), Arc::clone(&self.stuck));
        let workers = Workers::start(&self.parts, &self.queue, WORKERS, left, is_ours, stuck).await?;
        let (result, grace) = tokio::select! {
            result = work => (result.map(Some), None),
            () = interrupts.next() => (Ok(None), Some(GRACE)),
        };
        // Chunks are given back at once, and planning ends. After a signal, what takes longer all the same is left where
        // it stands: every step may be cut off anywhere.
        tokio::select! {
            () = workers.stop(&self.queue) => {}
            () = async {
                match grace {
                    Some(grace) => tokio::time::sleep(grace).await,
                    None => std::future::pending().await,
                }
            } => {}
            () = interrupts.next() => {}
        }
        interrupts.end_process();
        result
    }

    /// Tells the runs that this process may work. A command that names its places sends no run on its way but its own,
    /// whose record may not be written yet. In the home's own places a bucket that is mended wakes all its runs, also
    /// those of other places; one whose places cannot be read is not touched.
    fn is_ours(&self) -> IsOurs {
        if self.places != Places::default() {
            return Arc::new(|_| true);
        }
        let origins = self.origins.clone();
        Arc::new(move |run| match origins.of(run) {
            Ok(places) => places == Places::default(),
            Err(error) => {
                tracing::warn!(%run, "it is not known where the run reads and writes: {error:#}");
                false
            }
        })
    }

    /// The unfinished runs with the places of this command.
    async fn left(&self) -> anyhow::Result<Vec<RunKey>> {
        let mut left = Vec::new();
        let open = self.parts.store.open_runs().await?;
        self.origins.settle(self.store(), self.parts.clock.now()).await?;
        for run in open {
            if self.origins.of(run.key)? == self.places {
                left.push(run.key);
            }
        }
        Ok(left)
    }
}

/// How long workers may take to end after a signal.
const GRACE: Duration = secs(5);

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A laptop's worker is killed more often than it hangs: its leases end soon. A bucket at Google may be behind a slow
/// line.
fn options(is_local: bool) -> Options {
    let quick = Options { passing_delay: secs(3), ..Options::default() };
    if is_local { Options { step_timeout: secs(110), lease: secs(120), ..quick } } else { quick }
}

fn open_lake(home: &Home, place: Option<&str>, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Lake>> {
    if let Some(url) = place.filter(|place| place.starts_with("gs://")) {
        return google_lake(url);
    }
    let folder = place.map_or_else(|| home.lake(), Into::into);
    if place.is_none() {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("the lake {} cannot be made", folder.display()))?;
    } else if !folder.is_dir() {
        // Made here, a misspelt folder would give an export of nothing.
        bail!("there is no folder `{}`; --lake takes a folder or gs://bucket/prefix", folder.display());
    }
    let lake = ObjectStoreLake::folder(&folder, Arc::clone(clock))?;
    Ok(Arc::new(lake))
}

#[cfg(feature = "gcs-lake")]
fn google_lake(url: &str) -> anyhow::Result<Arc<dyn Lake>> {
    Ok(Arc::new(ObjectStoreLake::google_cloud(url, tokio::runtime::Handle::current())?))
}

#[cfg(not(feature = "gcs-lake"))]
fn google_lake(url: &str) -> anyhow::Result<Arc<dyn Lake>> {
    bail!("{url}: this binary was built without the feature `gcs-lake`; build it with it, or give a folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_at_google_gets_the_whole_time_of_a_step() {
        let of = |is_local| (options(is_local).step_timeout, options(is_local).lease);
        assert_eq!(of(false), (secs(480), secs(520)));
        assert_eq!(of(true), (secs(110), secs(120)));
    }
}
