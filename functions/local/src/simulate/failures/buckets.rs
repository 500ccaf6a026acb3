//! Customers' buckets that fail as the simulation says, at four points of an upload; write-once, as all are.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use spillway::{
    domain::{BucketFailure, BucketSettings, Crc32c, FailureClass, RequestId, Side},
    ports::{
        BucketHandle, BucketProbe, ByteSource, Clock, CreateObjectError, ObjectFacts, PartnerBuckets,
        ServiceAccountKey,
    },
};

use super::clocks::Clocks;

/// Where in an upload a bucket fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// Before anything is asked: the key itself.
    Validation,
    /// At the first byte.
    FirstByte,
    /// In the middle.
    MidUpload,
    /// At the end, which a probe cannot see.
    Finalisation,
}

/// What is wrong with a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) class: FailureClass,
    pub(super) point: Point,
}

impl Fault {
    /// Whether a probe, which begins an upload and no more, meets it.
    pub(super) fn is_seen_by_probes(&self) -> bool {
        matches!(self.point, Point::Validation | Point::FirstByte)
    }
}

/// All buckets; clones are the same.
#[derive(Clone)]
pub(super) struct FailingBuckets(Arc<Mutex<State>>);

struct State {
    clocks: Clocks,
    faults: BTreeMap<String, Fault>,
    /// Google itself does not work.
    outage: Option<FailureClass>,
    objects: BTreeMap<(String, String), Bytes>,
    seen: BTreeMap<String, Seen>,
    /// The exports of which a run has ended with a manifest.
    finished: BTreeSet<i64>,
}

/// What a bucket has seen of those who write into it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// When an export met its fault, as our clock showed it, unless a probe has begun an upload since.
    pub(super) met_at: Option<Timestamp>,
    /// How often an export met a fault that no probe had made way for: how often `met_at` was set.
    pub(super) times_met: u64,
    /// The true time at which an export first met a fault since a run was last delivered.
    pub(super) failing_since: Option<Timestamp>,
    /// How many manifests it has.
    pub(super) manifests: u64,
    /// How many it had when a probe made way for the last time.
    pub(super) manifests_before: u64,
}

impl State {
    fn meet(&mut self, bucket: &str) {
        let (shown, truth) = (self.clocks.now(), self.clocks.truth());
        let seen = self.seen.entry(bucket.to_owned()).or_default();
        if seen.met_at.is_none() {
            (seen.met_at, seen.times_met) = (Some(shown), seen.times_met + 1);
        }
        seen.failing_since.get_or_insert(truth);
    }
}

fn failure(class: &FailureClass) -> BucketFailure {
    BucketFailure { class: class.clone(), http_status: Some(403), message: "as simulated".to_owned() }
}

impl FailingBuckets {
    pub(super) fn new(clocks: Clocks) -> Self {
        let (faults, outage, objects) = (BTreeMap::new(), None, BTreeMap::new());
        let (seen, finished) = (BTreeMap::new(), BTreeSet::new());
        Self(Arc::new(Mutex::new(State { clocks, faults, outage, objects, seen, finished })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_fault(&self, bucket: &str, fault: Option<Fault>) {
        match fault {
            Some(fault) => drop(self.state().faults.insert(bucket.to_owned(), fault)),
            None => drop(self.state().faults.remove(bucket)),
        }
    }

    pub(super) fn set_outage(&self, class: Option<FailureClass>) {
        self.state().outage = class;
    }

    /// What is wrong with the bucket.
    pub(super) fn fault(&self, bucket: &str) -> Option<Fault> {
        self.state().faults.get(bucket).cloned()
    }

    /// What a probe of the bucket is answered.
    pub(super) fn probe_answer(&self, bucket: &str) -> Result<(), BucketFailure> {
        let state = self.state();
        if let Some(class) = &state.outage {
            return Err(failure(class));
        }
        match state.faults.get(bucket).filter(|fault| fault.is_seen_by_probes()) {
            Some(fault) => Err(failure(&fault.class)),
            None => Ok(()),
        }
    }

    /// What the bucket has seen.
    pub(super) fn seen(&self, bucket: &str) -> Seen {
        self.state().seen.get(bucket).copied().unwrap_or_default()
    }

    /// Whether a run of an export has ended with a manifest.
    pub(super) fn has_finished(&self, request: RequestId) -> bool {
        self.state().finished.contains(&request.0)
    }

    /// Whether an object is there.
    pub(super) fn has(&self, bucket: &str, name: &str) -> bool {
        self.state().objects.contains_key(&(bucket.to_owned(), name.to_owned()))
    }

    /// All objects of all buckets.
    pub(super) fn objects(&self) -> BTreeMap<(String, String), Bytes> {
        self.state().objects.clone()
    }

    /// As an export meets it; whoever meets a fault of the customer's leaves the bucket alone from then on.
    fn check(&self, bucket: &str, point: Point) -> Result<(), BucketFailure> {
        let mut state = self.state();
        if let Some(class) = state.outage.as_ref().filter(|_| point == Point::FirstByte) {
            return Err(failure(class));
        }
        let Some(fault) = state.faults.get(bucket).filter(|fault| fault.point == point) else {
            return Ok(());
        };
        let failure = failure(&fault.class);
        state.meet(bucket);
        Err(failure)
    }

    /// As a customer who looks by himself: what fails is left alone from then on too.
    pub(super) fn look(&self, bucket: &str) {
        let is_met = self.probe_answer(bucket).is_err_and(|failure| failure.class.side() == Side::Customer);
        if is_met {
            self.state().meet(bucket);
        }
    }
}

#[async_trait]
impl PartnerBuckets for FailingBuckets {
    async fn open(
        &self,
        bucket_name: &str,
        _key: &ServiceAccountKey,
    ) -> Result<Box<dyn BucketHandle>, BucketFailure> {
        self.check(bucket_name, Point::Validation)?;
        Ok(Box::new(Handle { buckets: self.clone(), name: bucket_name.to_owned() }))
    }

    async fn probe(
        &self,
        bucket_name: &str,
        _key: &ServiceAccountKey,
    ) -> Result<Box<dyn BucketProbe>, BucketFailure> {
        Ok(Box::new(Handle { buckets: self.clone(), name: bucket_name.to_owned() }))
    }
}

struct Handle {
    buckets: FailingBuckets,
    name: String,
}

fn facts(name: &str, bytes: &Bytes) -> ObjectFacts {
    let crc32c = Crc32c(crc32c::crc32c(bytes));
    ObjectFacts { name: name.to_owned(), bytes: bytes.len() as u64, crc32c, created_at: None }
}

#[async_trait]
impl BucketHandle for Handle {
    async fn create(
        &self,
        name: &str,
        _content_type: &str,
        mut source: Box<dyn ByteSource>,
    ) -> Result<ObjectFacts, CreateObjectError> {
        let check = |point| self.buckets.check(&self.name, point).map_err(CreateObjectError::Failed);
        check(Point::FirstByte)?;
        let mut bytes = Vec::new();
        while let Some(piece) = source.next().await? {
            bytes.extend_from_slice(&piece);
            check(Point::MidUpload)?;
        }
        check(Point::Finalisation)?;
        let (key, bytes) = ((self.name.clone(), name.to_owned()), Bytes::from(bytes));
        let mut state = self.buckets.state();
        if state.objects.contains_key(&key) {
            return Err(CreateObjectError::Exists);
        }
        if name.ends_with(".manifest") {
            let seen = state.seen.entry(self.name.clone()).or_default();
            (seen.manifests, seen.failing_since) = (seen.manifests + 1, None);
            let manifest: Option<Value> = serde_json::from_slice(&bytes).ok();
            state.finished.extend(manifest.and_then(|manifest| manifest["requestId"].as_i64()));
        }
        let facts = facts(name, &bytes);
        state.objects.insert(key, bytes);
        Ok(facts)
    }

    async fn facts(&self, name: &str) -> Result<Option<ObjectFacts>, BucketFailure> {
        self.buckets.check(&self.name, Point::FirstByte)?;
        let state = self.buckets.state();
        Ok(state.objects.get(&(self.name.clone(), name.to_owned())).map(|bytes| facts(name, bytes)))
    }

    async fn read(&self, name: &str) -> Result<Option<Box<dyn ByteSource>>, BucketFailure> {
        self.buckets.check(&self.name, Point::FirstByte)?;
        let bytes = self.buckets.state().objects.get(&(self.name.clone(), name.to_owned())).cloned();
        Ok(bytes.map(|bytes| Box::new(Some(bytes)) as Box<dyn ByteSource>))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectFacts>, BucketFailure> {
        let state = self.buckets.state();
        let own = state
            .objects
            .iter()
            .filter(|((bucket, name), _)| *bucket == self.name && name.starts_with(prefix));
        Ok(own.map(|((_, name), bytes)| facts(name, bytes)).collect())
    }
}

#[async_trait]
impl BucketProbe for Handle {
    async fn holds(&self, _permission: &str) -> Result<bool, BucketFailure> {
        self.buckets.probe_answer(&self.name).map(|()| true)
    }

    async fn try_upload(&self, _name: &str) -> Result<(), BucketFailure> {
        self.buckets.probe_answer(&self.name)?;
        let mut state = self.buckets.state();
        if let Some(seen) = state.seen.get_mut(&self.name).filter(|seen| seen.met_at.is_some()) {
            (seen.met_at, seen.manifests_before) = (None, seen.manifests);
        }
        Ok(())
    }

    async fn settings(&self) -> Result<BucketSettings, BucketFailure> {
        self.buckets.probe_answer(&self.name).map(|()| BucketSettings::default())
    }
}
