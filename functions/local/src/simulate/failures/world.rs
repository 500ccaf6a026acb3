//! The world of a simulation, hour by hour.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, bail};
use jiff::{Timestamp, civil::date};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use spillway::{
    domain::{
        AccountId, AnchorHour, BucketId, BucketState, Cycle, DataSelection, DateRange, EveryHours, Export,
        ExportFilter, ExportSpec, ExportStatus, Format, Frequency, IdentityPriority, NoticeKind, Packaging,
        StatusKind, StopReason,
    },
    steps::{self, Checked, Handled, NewRequest, Notifier, Parts, StartAgainError},
};

use super::{
    audit::{self, Audit},
    buckets::FailingBuckets,
    clocks::Clocks,
    faults::Happening,
    lake::GrowingLake,
    oracle::{Oracle, Sight},
    parts::{MailServer, UnreliableQueue},
};
use crate::simulate::wiring;

const ACCOUNT: AccountId = AccountId(1);
/// Who creates exports; beside him the account's own address is written to.
const CREATOR: &str = "amy@customer.example";
const RECIPIENTS: u64 = 2;
const BEGIN: Timestamp = Timestamp::constant(1_772_323_200, 0);
const HALF_AN_HOUR: i64 = 1_800;
/// More messages than an hour ever has.
const MESSAGES: usize = 20_000;
/// How often an hour's messages are tried again at once.
const TRIES: usize = 300;

/// The world.
pub(super) struct World {
    parts: Parts,
    clocks: Clocks,
    lake: GrowingLake,
    buckets: FailingBuckets,
    queue: UnreliableQueue,
    mails: MailServer,
    notifier: Notifier,
    names: Vec<BucketId>,
    oracles: BTreeMap<BucketId, Oracle>,
    told: BTreeMap<BucketId, Vec<NoticeKind>>,
    rng: StdRng,
    stopped: u64,
    is_mended: bool,
}

impl World {
    pub(super) async fn open(folder: &Path, seed: u64) -> anyhow::Result<Self> {
        let clocks = Clocks::new(BEGIN);
        let (lake, buckets) = (GrowingLake::new(clocks.clone()), FailingBuckets::default());
        let (queue, mails) = (UnreliableQueue::new(seed), MailServer::default());
        let names: Vec<_> = (0..3).map(|n| BucketId(format!("bucket-{n}"))).collect();
        let ports = wiring::FailurePorts {
            queue: std::sync::Arc::new(queue.clone()),
            lake: std::sync::Arc::new(lake.clone()),
            buckets: std::sync::Arc::new(buckets.clone()),
            clock: std::sync::Arc::new(clocks.clone()),
        };
        let parts = wiring::failure_parts(folder, ACCOUNT, &names, ports).await?;
        let notifier = Notifier {
            mailer: Some(std::sync::Arc::new(mails.clone())),
            public_url: Some("https://exports.platform.example".to_owned()),
        };
        let rng = StdRng::seed_from_u64(seed ^ 0x5eed);
        let (oracles, told) = (BTreeMap::new(), BTreeMap::new());
        let mut world = Self {
            parts,
            clocks,
            lake,
            buckets,
            queue,
            mails,
            notifier,
            names,
            oracles,
            told,
            rng,
            stopped: 0,
            is_mended: false,
        };
        world.create_exports().await?;
        Ok(world)
    }

    pub(super) fn bucket_count(&self) -> usize {
        self.names.len()
    }

    pub(super) fn stopped(&self) -> u64 {
        self.stopped
    }

    /// Mails that there must be, as the oracles say.
    pub(super) fn mails_expected(&self) -> u64 {
        self.oracles.values().map(|oracle| oracle.told.len() as u64 * RECIPIENTS).sum()
    }

    pub(super) async fn incident_count(&self) -> anyhow::Result<u64> {
        Ok(self.parts.store.incidents(ACCOUNT, 100_000).await?.len() as u64)
    }

    pub(super) async fn audit(&self) -> anyhow::Result<Audit> {
        audit::audit(&*self.parts.store, ACCOUNT, (&self.lake, &self.buckets, &self.mails)).await
    }

    async fn create_exports(&mut self) -> anyhow::Result<()> {
        let start = date(2026, 3, 1);
        for (bucket, hours) in [(0, 4), (0, 6), (1, 4), (1, 24), (2, 12)] {
            let cycle =
                Cycle { every: EveryHours::try_from(hours)?, start, anchor_hour: AnchorHour::default() };
            self.create(bucket, Frequency::Recurring(cycle)).await?;
        }
        self.create(2, Frequency::Live { start }).await
    }

    async fn create(&self, bucket: usize, frequency: Frequency) -> anyhow::Result<()> {
        let spec = ExportSpec {
            bucket: self.names[bucket].clone(),
            data: DataSelection::AllEvents,
            identities: IdentityPriority::default(),
            frequency,
            format: Format::Json,
            packaging: Packaging::Plain,
            as_string: false,
            header_line: false,
            manifest: true,
        };
        let created_by = Some(CREATOR.to_owned());
        let request = NewRequest { spec, created_by, idempotency: None };
        match steps::create_export(&self.parts, ACCOUNT, request).await {
            // Days that a wrong clock shows may be days that are not offered.
            Err(steps::CreateError::Refused(_)) => Ok(()),
            created => Ok(created.map(drop)?),
        }
    }

    /// An hour passes: what happens, the scheduler's tick, half an hour later the checker's round.
    pub(super) async fn hour(&mut self, happenings: &[&Happening]) -> anyhow::Result<()> {
        for happening in happenings {
            self.happen(happening).await?;
        }
        for _ in 0..self.rng.random_range(0..3) {
            self.lake.commit();
        }
        if !happenings.contains(&&Happening::NoTick) {
            steps::tick(&self.parts).await?;
        }
        self.drain().await?;
        self.clocks.pass(HALF_AN_HOUR);
        if !happenings.contains(&&Happening::NoCheck) {
            self.check(happenings.contains(&&Happening::TwoChecks)).await?;
        }
        self.drain().await?;
        self.clocks.pass(HALF_AN_HOUR);
        if self.is_mended {
            self.start_again().await?;
        }
        Ok(())
    }

    async fn happen(&mut self, happening: &Happening) -> anyhow::Result<()> {
        match happening {
            Happening::Breaks { bucket, fault } => {
                self.buckets.set_fault(&self.names[*bucket].0, Some(fault.clone()));
            }
            Happening::Mended { bucket } => self.buckets.set_fault(&self.names[*bucket].0, None),
            Happening::Outage(class) => self.buckets.set_outage(Some(class.clone())),
            Happening::OutageEnds => self.buckets.set_outage(None),
            Happening::MailDown => self.mails.set_down(true),
            Happening::MailUp => self.mails.set_down(false),
            Happening::MailBusy => self.mails.set_busy_for(Some(CREATOR.to_owned())),
            Happening::MailFine => self.mails.set_busy_for(None),
            Happening::ClockWrong(hours) => self.clocks.set_wrong_by(*hours),
            Happening::Moves { bucket } => self.move_one(*bucket).await?,
            Happening::OneTime { bucket } => {
                let today = self.clocks.truth().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
                let days = DateRange::new(today.yesterday()?, today)?;
                self.create(*bucket, Frequency::OneTime { days: Some(days) }).await?;
            }
            Happening::StartAgain => self.start_again().await?,
            Happening::NoCheck | Happening::NoTick | Happening::TwoChecks => {}
        }
        Ok(())
    }

    /// Everything is mended, and stays so.
    pub(super) fn mend(&mut self) {
        for name in &self.names {
            self.buckets.set_fault(&name.0, None);
        }
        self.buckets.set_outage(None);
        self.mails.set_down(false);
        self.mails.set_busy_for(None);
        self.clocks.set_wrong_by(0);
        self.queue.mend();
        self.is_mended = true;
    }

    /// Messages are worked until none is left; what has to wait waits for the next half hour.
    async fn drain(&self) -> anyhow::Result<()> {
        let (mut later, mut tries) = (Vec::new(), 0);
        for _ in 0..MESSAGES {
            let Some(work) = self.queue.pop() else {
                later.into_iter().for_each(|work| self.queue.push(work));
                return Ok(());
            };
            match steps::handle(&self.parts, &work).await {
                Ok(Handled::Done) => {}
                Ok(Handled::Again(after)) if after.is_zero() && tries < TRIES => {
                    tries += 1;
                    self.queue.push(work);
                }
                Ok(Handled::Again(_)) => later.push(work),
                Err(error) => {
                    tracing::debug!(%error, "a step broke off");
                    later.push(work);
                }
            }
        }
        bail!("messages go round; report it as a bug")
    }

    async fn check(&mut self, twice: bool) -> anyhow::Result<()> {
        let now = self.parts.clock.now();
        for name in self.names.clone() {
            let sight = self.sight(&name).await?;
            self.oracles.entry(name).or_default().round(sight, now);
        }
        if twice {
            let (one, two) = futures::future::join(
                steps::check(&self.parts, &self.notifier, |_| true),
                steps::check(&self.parts, &self.notifier, |_| true),
            )
            .await;
            self.note(&one?);
            self.note(&two?);
        } else {
            let checked = steps::check(&self.parts, &self.notifier, |_| true).await?;
            self.note(&checked);
        }
        Ok(())
    }

    fn note(&mut self, checked: &Checked) {
        self.stopped += checked.stopped as u64;
        for (incident, kind) in &checked.told {
            self.told.entry(incident.bucket.clone()).or_default().push(*kind);
        }
    }

    async fn sight(&self, name: &BucketId) -> anyhow::Result<Sight> {
        let bucket = self.parts.store.bucket(ACCOUNT, name).await?.context("the bucket is gone")?;
        let blocked_since = match bucket.state {
            BucketState::Blocked { since, .. } => Some(since),
            BucketState::Ready => None,
        };
        let works = match self.buckets.probe_answer(&name.0) {
            Ok(()) => Some(true),
            Err(failure) if failure.class.side() == spillway::domain::Side::Customer => Some(false),
            Err(_) => None,
        };
        let is_used = !self.active(name).await?.is_empty();
        Ok(Sight { blocked_since, works, is_used, deliveries: self.buckets.manifests(&name.0) })
    }

    async fn listed(&self, filter: ExportFilter) -> anyhow::Result<Vec<Export>> {
        Ok(self.parts.store.list_exports(ACCOUNT, &filter, None, 10_000).await?.exports)
    }

    async fn active(&self, name: &BucketId) -> anyhow::Result<Vec<Export>> {
        let bucket = Some(name.clone());
        let mut exports = self.listed(ExportFilter { bucket, ..ExportFilter::default() }).await?;
        exports.retain(Export::is_active);
        Ok(exports)
    }

    /// A customer moves an export out of a bucket that fails: the only way out of some policies.
    async fn move_one(&mut self, bucket: usize) -> anyhow::Result<()> {
        let (from, to) = (&self.names[bucket], &self.names[(bucket + 1) % self.names.len()]);
        let known = self.parts.store.bucket(ACCOUNT, from).await?.context("the bucket is gone")?;
        let mut exports = self.active(from).await?;
        exports.retain(|export| !export.is_one_time());
        // One stays, so that the bucket's story goes on.
        if !matches!(known.state, BucketState::Blocked { .. }) || exports.len() < 2 {
            return Ok(());
        }
        let export = &exports[self.rng.random_range(0..exports.len())];
        let spec = ExportSpec { bucket: to.clone(), ..export.spec.clone() };
        match steps::edit_export(&self.parts, ACCOUNT, export.request, None, &spec).await {
            Err(steps::EditError::Step(error)) => Err(error.into()),
            // The rules may refuse what a wrong clock shows.
            _ => Ok(()),
        }
    }

    /// Customers start again what was stopped.
    async fn start_again(&mut self) -> anyhow::Result<()> {
        for export in self.stopped_exports().await? {
            let by = Some(CREATOR.to_owned());
            match steps::start_again(&self.parts, ACCOUNT, export.request, by).await {
                Err(StartAgainError::Step(error)) => return Err(error.into()),
                started => drop(started?),
            }
        }
        Ok(())
    }

    async fn stopped_exports(&self) -> anyhow::Result<Vec<Export>> {
        let status = Some(StatusKind::Stopped);
        let mut exports = self.listed(ExportFilter { status, ..ExportFilter::default() }).await?;
        exports.retain(|export| {
            export.successor.is_none()
                && matches!(export.status, ExportStatus::Stopped { reason: StopReason::Failure { .. }, .. })
        });
        Ok(exports)
    }

    /// Whether all stories are over, all mails sent, all that was stopped goes on, and nothing is open.
    pub(super) async fn is_settled(&self) -> anyhow::Result<bool> {
        let store = &self.parts.store;
        let is_sent = store.notices(ACCOUNT, 1_000_000).await?.iter().all(|notice| !notice.is_owed());
        Ok(is_sent
            && store.open_incidents().await?.is_empty()
            && store.open_run_keys().await?.is_empty()
            && self.stopped_exports().await?.is_empty())
    }

    /// Where what was told is not what the oracle says, or the stories do not tell it.
    pub(super) async fn untold(&self) -> anyhow::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let incidents = self.parts.store.incidents(ACCOUNT, 100_000).await?;
        for name in &self.names {
            let expected = self.oracles.get(name).map(|oracle| oracle.told.as_slice()).unwrap_or_default();
            let told = self.told.get(name).map(Vec::as_slice).unwrap_or_default();
            if told != expected {
                wrong.push(format!("{name} was told as {told:?}, and the rule says {expected:?}"));
            }
            let of_bucket = incidents.iter().filter(|incident| incident.bucket == *name);
            let kept = of_bucket.map(|incident| incident.notices.len()).sum::<usize>();
            if kept != told.len() {
                wrong.push(format!("the stories of {name} tell {kept} notices of {}", told.len()));
            }
        }
        Ok(wrong)
    }
}
