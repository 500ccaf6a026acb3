//! Customers' buckets that fail as the simulation says, at four points of an upload; write-once, as all are.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use spillway::{
    domain::{BucketFailure, BucketSettings, Crc32c, FailureClass},
    ports::{
        BucketHandle, BucketProbe, ByteSource, CreateObjectError, ObjectFacts, PartnerBuckets,
        ServiceAccountKey, SourceError,
    },
};

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

/// All buckets; clones are the same.
#[derive(Clone, Default)]
pub(super) struct FailingBuckets(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    faults: BTreeMap<String, Fault>,
    /// Google itself does not work.
    outage: Option<FailureClass>,
    objects: BTreeMap<(String, String), Bytes>,
    manifests: BTreeMap<String, u64>,
}

fn failure(class: &FailureClass) -> BucketFailure {
    BucketFailure { class: class.clone(), http_status: Some(403), message: "as simulated".to_owned() }
}

impl FailingBuckets {
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

    /// What a probe of the bucket is answered.
    pub(super) fn probe_answer(&self, bucket: &str) -> Result<(), BucketFailure> {
        let state = self.state();
        if let Some(class) = &state.outage {
            return Err(failure(class));
        }
        match state.faults.get(bucket).filter(|fault| fault.point != Point::Finalisation) {
            Some(fault) => Err(failure(&fault.class)),
            None => Ok(()),
        }
    }

    /// How many manifests the bucket has.
    pub(super) fn manifests(&self, bucket: &str) -> u64 {
        self.state().manifests.get(bucket).copied().unwrap_or_default()
    }

    /// All objects of all buckets.
    pub(super) fn objects(&self) -> BTreeMap<(String, String), Bytes> {
        self.state().objects.clone()
    }

    fn check(&self, bucket: &str, point: Point) -> Result<(), BucketFailure> {
        let state = self.state();
        if let Some(class) = state.outage.as_ref().filter(|_| point == Point::FirstByte) {
            return Err(failure(class));
        }
        match state.faults.get(bucket).filter(|fault| fault.point == point) {
            Some(fault) => Err(failure(&fault.class)),
            None => Ok(()),
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
            *state.manifests.entry(self.name.clone()).or_default() += 1;
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
        Ok(bytes.map(|bytes| Box::new(Whole(Some(bytes))) as Box<dyn ByteSource>))
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

/// All bytes at once.
struct Whole(Option<Bytes>);

#[async_trait]
impl ByteSource for Whole {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.0.take())
    }
}

#[async_trait]
impl BucketProbe for Handle {
    async fn holds(&self, _permission: &str) -> Result<bool, BucketFailure> {
        self.buckets.probe_answer(&self.name).map(|()| true)
    }

    async fn try_upload(&self, _name: &str) -> Result<(), BucketFailure> {
        self.buckets.probe_answer(&self.name)
    }

    async fn settings(&self) -> Result<BucketSettings, BucketFailure> {
        self.buckets.probe_answer(&self.name).map(|()| BucketSettings::default())
    }
}
