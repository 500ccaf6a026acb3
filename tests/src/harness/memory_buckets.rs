//! Buckets in memory, for thousands of simulated cases: write-once, with or without the permission to look, with
//! fail points at every await of an upload.

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
        ServiceAccountKey,
    },
};
use tokio::sync::Notify;

use super::gate::{Gate, Struck};

/// The buckets. Clones share them; each has fail points of its own ([`MemoryBuckets::with_gate`]).
#[derive(Clone, Default)]
pub struct MemoryBuckets {
    gate: Gate,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Told when an upload has come to where it is held.
    held: Notify,
    /// Told when held uploads may go on.
    released: Notify,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<(String, String), Bytes>,
    cannot_look: bool,
    refuses_early: bool,
    failure: Option<BucketFailure>,
    looking_failure: Option<BucketFailure>,
    hold_after_pieces: Option<usize>,
    probe: Probe,
}

/// What a bucket answers to who wants to know whether exports would work.
#[derive(Debug, Clone)]
pub struct Probe {
    /// To the question for the permission.
    pub holds: Result<bool, BucketFailure>,
    /// To an upload.
    pub upload: Result<(), BucketFailure>,
    /// To the question for its settings.
    pub settings: Result<BucketSettings, BucketFailure>,
}

impl Default for Probe {
    fn default() -> Self {
        Self { holds: Ok(true), upload: Ok(()), settings: Ok(BucketSettings::default()) }
    }
}

impl MemoryBuckets {
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same buckets behind other fail points.
    #[must_use]
    pub fn with_gate(&self, gate: Gate) -> Self {
        Self { gate, shared: Arc::clone(&self.shared) }
    }

    /// Takes the permission to read objects away, or gives it back.
    pub fn forbid_looking(&self, forbidden: bool) {
        self.state().cannot_look = forbidden;
    }

    /// Whether a name that is taken is refused before any byte is sent, as a resumable upload's start does, or only
    /// at the end.
    pub fn refuse_early(&self, early: bool) {
        self.state().refuses_early = early;
    }

    /// From now on every request fails like this; none: all is well again.
    pub fn fail_with(&self, class: Option<FailureClass>) {
        self.state().failure = class.map(by_the_test);
    }

    /// From now on every look at an object fails like this; none: all is well again.
    pub fn fail_looking_with(&self, class: Option<FailureClass>) {
        self.state().looking_failure = class.map(by_the_test);
    }

    /// From now on probes are answered like this.
    pub fn answer_probes(&self, probe: Probe) {
        self.state().probe = probe;
    }

    /// Uploads stand still after this many pieces; none: all go on.
    pub fn hold_after(&self, pieces: Option<usize>) {
        self.state().hold_after_pieces = pieces;
        self.shared.released.notify_waiters();
    }

    /// Waits until an upload stands still.
    pub async fn until_held(&self) {
        self.shared.held.notified().await;
    }

    /// Puts an object there that is not ours.
    pub fn put(&self, bucket: &str, name: &str, bytes: impl Into<Bytes>) {
        self.state().objects.insert((bucket.to_owned(), name.to_owned()), bytes.into());
    }

    /// Takes an object away.
    #[must_use]
    pub fn remove(&self, bucket: &str, name: &str) -> Option<Bytes> {
        self.state().objects.remove(&(bucket.to_owned(), name.to_owned()))
    }

    /// The objects of a bucket, by name.
    #[must_use]
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, Bytes> {
        let state = self.state();
        let of_bucket = state.objects.iter().filter(|((of, _), _)| of == bucket);
        of_bucket.map(|((_, name), bytes)| (name.clone(), bytes.clone())).collect()
    }

    async fn hold(&self, pieces: usize) {
        let mut released = std::pin::pin!(self.shared.released.notified());
        // From here on a release counts, so that none is missed after the look below.
        released.as_mut().enable();
        if self.state().hold_after_pieces == Some(pieces) {
            self.shared.held.notify_one();
            released.await;
        }
    }

    fn failure(&self) -> Result<(), BucketFailure> {
        self.state().failure.clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl PartnerBuckets for MemoryBuckets {
    async fn open(
        &self,
        bucket_name: &str,
        _key: &ServiceAccountKey,
    ) -> Result<Box<dyn BucketHandle>, BucketFailure> {
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
    buckets: MemoryBuckets,
    name: String,
}

fn by_the_test(class: FailureClass) -> BucketFailure {
    BucketFailure { class, http_status: Some(403), message: "by the test".into() }
}

fn down(_: Struck) -> BucketFailure {
    let class = FailureClass::Unavailable;
    BucketFailure { class, http_status: Some(503), message: "struck by the test".to_owned() }
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
        let gate = &self.buckets.gate;
        let failed = |struck| CreateObjectError::Failed(down(struck));
        gate.pass().await.map_err(failed)?;
        self.buckets.failure().map_err(CreateObjectError::Failed)?;
        let key = (self.name.clone(), name.to_owned());
        let taken = |state: &State| state.objects.contains_key(&key);
        let refused = {
            let state = self.buckets.state();
            state.refuses_early && taken(&state)
        };
        if refused {
            return Err(CreateObjectError::Exists);
        }
        let (mut all, mut pieces) = (Vec::new(), 0);
        loop {
            self.buckets.hold(pieces).await;
            gate.pass().await.map_err(failed)?;
            let Some(piece) = source.next().await? else { break };
            all.extend_from_slice(&piece);
            pieces += 1;
        }
        gate.pass().await.map_err(failed)?;
        let bytes = Bytes::from(all);
        {
            let mut state = self.buckets.state();
            if taken(&state) {
                return Err(CreateObjectError::Exists);
            }
            state.objects.insert(key.clone(), bytes.clone());
        }
        gate.pass().await.map_err(failed)?;
        Ok(facts(name, &bytes))
    }

    async fn facts(&self, name: &str) -> Result<Option<ObjectFacts>, BucketFailure> {
        self.buckets.gate.pass().await.map_err(down)?;
        self.buckets.failure()?;
        let state = self.buckets.state();
        if let Some(failure) = &state.looking_failure {
            return Err(failure.clone());
        }
        if state.cannot_look {
            let class = FailureClass::PermissionMissing { permission: Some("storage.objects.get".into()) };
            let message = "it may not look".to_owned();
            return Err(BucketFailure { class, http_status: Some(403), message });
        }
        Ok(state.objects.get(&(self.name.clone(), name.to_owned())).map(|bytes| facts(name, bytes)))
    }

    async fn read(&self, name: &str) -> Result<Option<Box<dyn ByteSource>>, BucketFailure> {
        let bytes = self.buckets.state().objects.get(&(self.name.clone(), name.to_owned())).cloned();
        Ok(bytes.map(|bytes| Box::new(Some(bytes)) as Box<dyn ByteSource>))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectFacts>, BucketFailure> {
        let objects = self.buckets.objects(&self.name);
        let wanted = objects.iter().filter(|(name, _)| name.starts_with(prefix));
        Ok(wanted.map(|(name, bytes)| facts(name, bytes)).collect())
    }
}

#[async_trait]
impl BucketProbe for Handle {
    async fn holds(&self, _permission: &str) -> Result<bool, BucketFailure> {
        self.buckets.gate.pass().await.map_err(down)?;
        self.buckets.failure()?;
        self.buckets.state().probe.holds.clone()
    }

    async fn try_upload(&self, _name: &str) -> Result<(), BucketFailure> {
        self.buckets.gate.pass().await.map_err(down)?;
        self.buckets.failure()?;
        self.buckets.state().probe.upload.clone()
    }

    async fn settings(&self) -> Result<BucketSettings, BucketFailure> {
        self.buckets.gate.pass().await.map_err(down)?;
        self.buckets.failure()?;
        self.buckets.state().probe.settings.clone()
    }
}
