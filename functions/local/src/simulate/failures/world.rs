//! The world of a simulation, hour by hour.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::bail;
use jiff::{Timestamp, civil::date};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use spillway::{
    domain::{
        AccountId, AnchorHour, BucketId, Cycle, DataSelection, DateRange, EveryHours, Export, ExportFilter,
        ExportSpec, FailureClass, Format, Frequency, IdentityPriority, NoticeKind, Packaging, RunKey,
        RunStatus, Side,
    },
    steps::{self, Checked, Handled, NewRequest, Notifier, Parts, StartAgainError},
};

use super::{
    audit::{self, Audit, Happened},
    buckets::{FailingBuckets, Fault, Point, Seen},
    clocks::Clocks,
    customer::Customer,
    faults::Happening,
    lake::GrowingLake,
    oracle::{Oracle, Sight},
    parts::{MailServer, UnreliableQueue},
    watch::{Look, Watch},
};
use crate::simulate::wiring;

const ACCOUNT: AccountId = AccountId(1);
/// Who creates exports; beside him the account's own address is written to.
const CREATOR: &str = "amy@customer.example";
const RECIPIENTS: u64 = 2;
const BEGIN: Timestamp = Timestamp::constant(1_772_323_200, 0);
const HALF_AN_HOUR: i64 = 1_800;
const A_MINUTE: i64 = 60;
/// More messages than an hour ever has.
const MESSAGES: usize = 20_000;
/// Within how many hours a run follows its export out of a blocked bucket, at most.
const FOLLOWS_WITHIN: u32 = 6;
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
    customer: Customer,
    oracles: BTreeMap<BucketId, Oracle>,
    watches: BTreeMap<BucketId, Watch>,
    told: BTreeMap<BucketId, Vec<(NoticeKind, Timestamp)>>,
    /// For how many hours runs have waited for a blocked bucket out of which their export was moved.
    left_behind: BTreeMap<RunKey, u32>,
    /// What was found wrong on the way, each once.
    lies: BTreeSet<String>,
    /// A bucket that is never mended.
    stays_broken: Option<BucketId>,
    /// By how many hours our clock was ahead at most: what is due by it then is due as much later.
    ahead_hours: i64,
    rng: StdRng,
    stopped: u64,
    is_mended: bool,
}

impl World {
    pub(super) async fn open(folder: &Path, seed: u64) -> anyhow::Result<Self> {
        let clocks = Clocks::new(BEGIN);
        let (lake, buckets) = (GrowingLake::new(clocks.clone()), FailingBuckets::new(clocks.clone()));
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
        let (oracles, watches, told) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut world = Self {
            parts,
            clocks,
            lake,
            buckets,
            queue,
            mails,
            notifier,
            names,
            customer: Customer::default(),
            oracles,
            watches,
            told,
            left_behind: BTreeMap::new(),
            lies: BTreeSet::new(),
            stays_broken: None,
            ahead_hours: 0,
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
        let happened = Happened {
            lake: &self.lake,
            buckets: &self.buckets,
            mails: &self.mails,
            begin: BEGIN,
            end: self.clocks.truth(),
            late_secs: audit::LATE_SECS + self.ahead_hours * 3_600,
            stays_broken: self.stays_broken.as_ref(),
        };
        audit::audit(&*self.parts.store, ACCOUNT, &happened).await
    }

    /// What was found wrong on the way.
    pub(super) fn lies(&self) -> Vec<String> {
        self.lies.iter().cloned().collect()
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

    async fn create(&mut self, bucket: usize, frequency: Frequency) -> anyhow::Result<()> {
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
            created => {
                let export = created?.export;
                let is_one_time = export.is_one_time();
                self.customer.created(export.request, &self.names[bucket], is_one_time);
                Ok(())
            }
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
        // What a round sends on its way comes to its end after it.
        self.clocks.pass(A_MINUTE);
        self.drain().await?;
        self.look_at_statuses().await?;
        self.clocks.pass(HALF_AN_HOUR - A_MINUTE);
        if self.is_mended {
            self.start_again().await?;
        }
        Ok(())
    }

    /// No status may lie, at the end of any hour.
    async fn look_at_statuses(&mut self) -> anyhow::Result<()> {
        self.customer.look_into(&self.buckets);
        let store = &*self.parts.store;
        let exports = self.listed(ExportFilter::default()).await?;
        if exports.len() != self.customer.count() {
            self.lies.insert(format!("there are {} exports of {}", exports.len(), self.customer.count()));
        }
        for export in exports {
            if self.customer.is_active(export.request) != Some(export.is_active()) {
                let lie =
                    format!("export {} says {:?}, which is not so", export.request, export.status.kind());
                self.lies.insert(lie);
            }
            self.lies.extend(audit::statuses(store, &export, &self.buckets).await?);
        }
        self.look_for_left_behind().await
    }

    /// What waits for a blocked bucket follows its export into another one, within the rounds that a lost message takes.
    async fn look_for_left_behind(&mut self) -> anyhow::Result<()> {
        let mut left_behind = BTreeMap::new();
        for run in self.parts.store.open_runs().await? {
            let goes_to = self.customer.bucket_of(run.key.request);
            let is_blocked = self.buckets.seen(&run.spec.bucket.0).met_at.is_some();
            if run.status == RunStatus::Running && is_blocked && goes_to != Some(&run.spec.bucket) {
                let hours = self.left_behind.get(&run.key).map_or(1, |hours| hours + 1);
                left_behind.insert(run.key, hours);
                if hours > FOLLOWS_WITHIN {
                    self.lies.insert(format!(
                        "run {} waits for {}, and its export has left",
                        run.key, run.spec.bucket
                    ));
                }
            }
        }
        self.left_behind = left_behind;
        Ok(())
    }

    async fn happen(&mut self, happening: &Happening) -> anyhow::Result<()> {
        match happening {
            Happening::Breaks { bucket, fault } => {
                self.breaks(*bucket, fault.clone());
            }
            Happening::Mended { bucket } => self.buckets.set_fault(&self.names[*bucket].0, None),
            Happening::Outage(class) => self.buckets.set_outage(Some(class.clone())),
            Happening::OutageEnds => self.buckets.set_outage(None),
            Happening::MailDown => self.mails.set_down(true),
            Happening::MailUp => self.mails.set_down(false),
            Happening::MailBusy => self.mails.set_busy_for(Some(CREATOR.to_owned())),
            Happening::MailFine => self.mails.set_busy_for(None),
            Happening::ClockWrong(hours) => {
                self.clocks.set_wrong_by(*hours);
                self.ahead_hours = self.ahead_hours.max(*hours);
            }
            Happening::Moves { bucket } => self.move_one(*bucket).await?,
            Happening::OneTime { bucket } => {
                let today = self.clocks.truth().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
                let days = DateRange::new(today.yesterday()?, today)?;
                self.create(*bucket, Frequency::OneTime { days: Some(days) }).await?;
            }
            Happening::CheckAgain { bucket } => {
                let name = &self.names[*bucket];
                self.buckets.look(&name.0);
                steps::recheck_bucket(&self.parts, ACCOUNT, name).await?;
            }
            Happening::StartAgain => self.start_again().await?,
            Happening::NoCheck | Happening::NoTick | Happening::TwoChecks => {}
        }
        Ok(())
    }

    fn breaks(&mut self, bucket: usize, fault: Fault) {
        let name = &self.names[bucket];
        self.buckets.set_fault(&name.0, Some(fault));
        self.watches.entry(name.clone()).or_default().breaks();
    }

    /// Everything is mended, and stays so, but one bucket where that is wanted.
    pub(super) fn mend(&mut self, leaves_one_broken: bool) {
        for name in &self.names {
            self.buckets.set_fault(&name.0, None);
        }
        if leaves_one_broken {
            let last = self.names.len() - 1;
            self.breaks(last, Fault { class: FailureClass::BucketMissing, point: Point::FirstByte });
            self.stays_broken = Some(self.names[last].clone());
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
        self.customer.look_into(&self.buckets);
        for name in self.names.clone() {
            let sight = self.sight(&name);
            self.watch(&name, sight, now);
            let oracle = self.oracles.entry(name.clone()).or_default();
            let before = oracle.told.len();
            oracle.round(sight, now);
            tracing::debug!(bucket = %name, %now, ?sight, told = ?oracle.told[before..], "a round");
            if oracle.told[before..].iter().any(|(kind, _)| *kind == NoticeKind::Stopped) {
                self.customer.stopped(&name);
            }
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

    fn watch(&mut self, name: &BucketId, sight: Sight, now: Timestamp) {
        let (fault, truth) = (self.buckets.fault(&name.0), self.clocks.truth());
        let look = Look {
            truth,
            wrong_by: now.duration_since(truth).as_secs(),
            is_broken: fault.is_some(),
            is_seen: fault.is_some_and(|fault| fault.is_seen_by_probes()) && sight.works == Some(false),
            is_met: sight.is_used && sight.blocked_since.is_some(),
        };
        let wrong = self.watches.entry(name.clone()).or_default().round(look);
        self.lies.extend(wrong.map(|wrong| format!("{name} {wrong}")));
    }

    fn note(&mut self, checked: &Checked) {
        self.stopped += checked.stopped as u64;
        for (incident, kind) in &checked.told {
            let name = &incident.bucket;
            let told_at = incident.notices.last().map_or(incident.seen_at, |notice| notice.at);
            self.told.entry(name.clone()).or_default().push((*kind, told_at));
            let failing_since = self.buckets.seen(&name.0).failing_since;
            let watch = self.watches.entry(name.clone()).or_default();
            tracing::debug!(bucket = %name, ?kind, "told");
            let wrong = watch.told(*kind, self.clocks.truth(), failing_since);
            self.lies.extend(wrong.map(|wrong| format!("{name} {wrong}")));
        }
    }

    fn sight(&self, name: &BucketId) -> Sight {
        let works = match self.buckets.probe_answer(&name.0) {
            Ok(()) => Some(true),
            Err(failure) if failure.class.side() == Side::Customer => Some(false),
            Err(_) => None,
        };
        let Seen { met_at, times_met, manifests, manifests_before, .. } = self.buckets.seen(&name.0);
        let is_used = !self.customer.active_in(name).is_empty();
        Sight {
            blocked_since: met_at,
            times_met,
            works,
            is_used,
            deliveries: manifests,
            deliveries_before: manifests_before,
        }
    }

    async fn listed(&self, filter: ExportFilter) -> anyhow::Result<Vec<Export>> {
        Ok(self.parts.store.list_exports(ACCOUNT, &filter, None, 10_000).await?.exports)
    }

    /// A customer moves an export out of a bucket that fails: the only way out of some policies.
    async fn move_one(&mut self, bucket: usize) -> anyhow::Result<()> {
        let (from, to) = (&self.names[bucket], &self.names[(bucket + 1) % self.names.len()]);
        let mut exports = Vec::new();
        for request in self.customer.active_in(from) {
            let export = self.parts.store.export(ACCOUNT, request).await?;
            exports.extend(export.filter(|export| !export.is_one_time()));
        }
        // One stays, so that the bucket's story goes on.
        if self.buckets.seen(&from.0).met_at.is_none() || exports.len() < 2 {
            return Ok(());
        }
        let export = &exports[self.rng.random_range(0..exports.len())];
        let spec = ExportSpec { bucket: to.clone(), ..export.spec.clone() };
        match steps::edit_export(&self.parts, ACCOUNT, export.request, None, &spec).await {
            Err(steps::EditError::Step(error)) => Err(error.into()),
            // The rules may refuse what a wrong clock shows.
            Err(_) => Ok(()),
            Ok(_) => {
                self.customer.moved(export.request, to);
                Ok(())
            }
        }
    }

    /// Customers start again what was stopped.
    async fn start_again(&mut self) -> anyhow::Result<()> {
        for request in self.customer.stopped_ones() {
            let by = Some(CREATOR.to_owned());
            match steps::start_again(&self.parts, ACCOUNT, request, by).await {
                Err(StartAgainError::Step(error)) => return Err(error.into()),
                Err(error) => drop(self.lies.insert(format!("export {request} was stopped, and: {error}"))),
                Ok(started) => self.customer.started_again(request, started.export.request),
            }
        }
        Ok(())
    }

    /// Whether all stories are over, all mails sent, nothing is open, and all that was stopped goes on: a first window has
    /// joined what was delivered before.
    pub(super) async fn is_settled(&self) -> anyhow::Result<bool> {
        let store = &self.parts.store;
        let is_sent = store.notices(ACCOUNT, 1_000_000).await?.iter().all(|notice| !notice.is_owed());
        let open = store.open_incidents().await?;
        let mut is_over = open.iter().all(|incident| self.stays_broken.as_ref() == Some(&incident.bucket));
        for run in store.open_runs().await? {
            let export = store.export(ACCOUNT, run.key.request).await?;
            let bucket = export.map(|export| export.spec.bucket);
            is_over &= bucket.is_some() && bucket == self.stays_broken;
        }
        let mut exports = self.listed(ExportFilter::default()).await?.into_iter();
        let goes_on = exports.all(|export| {
            !export.is_active() || export.predecessor.is_none() || export.planned_cut != export.begins_at
        });
        Ok(is_sent && is_over && goes_on && self.customer.stopped_ones().is_empty())
    }

    /// Where what was told is not what the oracle says, or the stories do not tell it.
    pub(super) async fn untold(&self) -> anyhow::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let incidents = self.parts.store.incidents(ACCOUNT, 100_000).await?;
        for name in &self.names {
            let expected = self.oracles.get(name).map(|oracle| oracle.told.as_slice()).unwrap_or_default();
            let told = self.told.get(name).map(Vec::as_slice).unwrap_or_default();
            let differs = |n: &usize| told.get(*n) != expected.get(*n);
            if let Some(n) = (0..told.len().max(expected.len())).find(differs) {
                let (first, told, rule) = (n + 1, told.get(n), expected.get(n));
                wrong.push(format!("notice {first} of {name} was {told:?}, and the rule says {rule:?}"));
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
