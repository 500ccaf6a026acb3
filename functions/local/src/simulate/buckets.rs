//! A bucket that keeps of its objects what is needed to count rows and to refuse a second object of the same name.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde_json::Value;
use spillway::{
    domain::{BucketFailure, BucketSettings, Crc32c},
    ports::{
        BucketHandle, BucketProbe, ByteSource, CreateObjectError, ObjectFacts, PartnerBuckets,
        ServiceAccountKey,
    },
};

use super::row::NUMBER;

/// What a run's last object is called behind its number; it holds no rows.
const MANIFEST: &str = ".manifest";

/// The bucket; clones are the same.
#[derive(Clone)]
pub(super) struct SimulatedBuckets(Arc<Mutex<State>>);

struct State {
    objects: HashMap<String, (u64, Crc32c)>,
    rows: RowCounts,
}

/// How often each row was delivered.
pub(super) struct RowCounts {
    /// By the rows' numbers; more than 255 times count as 255.
    times: Vec<u8>,
    /// Lines that are no rows of the lake.
    foreign: u64,
}

/// What is wrong with the rows in the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowFaults {
    /// Rows that were not delivered.
    pub(super) lost: u64,
    /// How many times rows were delivered beyond once.
    pub(super) doubled: u64,
    /// Lines that are no rows of the lake.
    pub(super) foreign: u64,
}

impl RowCounts {
    pub(super) fn new(rows: usize) -> Self {
        Self { times: vec![0; rows], foreign: 0 }
    }

    /// Counts the rows of an object.
    pub(super) fn add(&mut self, object: &[u8]) {
        for line in object.split_inclusive(|byte| *byte == b'\n') {
            let row: Option<Value> = serde_json::from_slice(line).ok();
            let number = row.as_ref().and_then(|row| row["eventProps"][NUMBER].as_u64());
            let number = number.and_then(|number| usize::try_from(number).ok());
            match number.and_then(|number| self.times.get_mut(number)) {
                Some(times) => *times = times.saturating_add(1),
                None => self.foreign += 1,
            }
        }
    }

    pub(super) fn faults(&self) -> RowFaults {
        let lost = self.times.iter().filter(|times| **times == 0).count() as u64;
        let doubled = self.times.iter().map(|times| u64::from(times.saturating_sub(1))).sum();
        RowFaults { lost, doubled, foreign: self.foreign }
    }
}

impl SimulatedBuckets {
    /// An empty bucket for so many rows.
    pub(super) fn new(rows: usize) -> Self {
        Self(Arc::new(Mutex::new(State { objects: HashMap::new(), rows: RowCounts::new(rows) })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wrong with what was delivered.
    pub(super) fn faults(&self) -> RowFaults {
        self.state().rows.faults()
    }
}

#[async_trait]
impl PartnerBuckets for SimulatedBuckets {
    async fn open(
        &self,
        _bucket_name: &str,
        _key: &ServiceAccountKey,
    ) -> Result<Box<dyn BucketHandle>, BucketFailure> {
        Ok(Box::new(self.clone()))
    }

    async fn probe(
        &self,
        _bucket_name: &str,
        _key: &ServiceAccountKey,
    ) -> Result<Box<dyn BucketProbe>, BucketFailure> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl BucketHandle for SimulatedBuckets {
    async fn create(
        &self,
        name: &str,
        _content_type: &str,
        mut source: Box<dyn ByteSource>,
    ) -> Result<ObjectFacts, CreateObjectError> {
        let mut object = Vec::new();
        while let Some(piece) = source.next().await? {
            object.extend_from_slice(&piece);
        }
        let (bytes, crc32c) = (object.len() as u64, Crc32c(crc32c::crc32c(&object)));
        let mut state = self.state();
        if state.objects.contains_key(name) {
            return Err(CreateObjectError::Exists);
        }
        state.objects.insert(name.to_owned(), (bytes, crc32c));
        if !name.ends_with(MANIFEST) {
            state.rows.add(&object);
        }
        Ok(ObjectFacts { name: name.to_owned(), bytes, crc32c, created_at: None })
    }

    async fn facts(&self, name: &str) -> Result<Option<ObjectFacts>, BucketFailure> {
        let found = self.state().objects.get(name).copied();
        let facts = |(bytes, crc32c)| ObjectFacts { name: name.to_owned(), bytes, crc32c, created_at: None };
        Ok(found.map(facts))
    }

    /// Only the facts of objects are kept.
    async fn read(&self, _name: &str) -> Result<Option<Box<dyn ByteSource>>, BucketFailure> {
        Ok(None)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectFacts>, BucketFailure> {
        let state = self.state();
        let wanted = state.objects.iter().filter(|(name, _)| name.starts_with(prefix));
        let facts = |(name, (bytes, crc32c)): (&String, &(u64, Crc32c))| ObjectFacts {
            name: name.clone(),
            bytes: *bytes,
            crc32c: *crc32c,
            created_at: None,
        };
        let mut found: Vec<_> = wanted.map(facts).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}

#[async_trait]
impl BucketProbe for SimulatedBuckets {
    async fn holds(&self, _permission: &str) -> Result<bool, BucketFailure> {
        Ok(true)
    }

    async fn try_upload(&self, _name: &str) -> Result<(), BucketFailure> {
        Ok(())
    }

    async fn settings(&self) -> Result<BucketSettings, BucketFailure> {
        Ok(BucketSettings::default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use bytes::Bytes;

    use super::*;

    fn line(number: u64) -> String {
        format!(
            "{{\"ts\":20250611070809,\"eventName\":\"Event01\",\"eventProps\":{{\"{NUMBER}\":{number}}}}}\n"
        )
    }

    #[test]
    fn a_lost_a_doubled_and_a_foreign_row_are_noticed() {
        let mut rows = RowCounts::new(4);
        rows.add([line(0), line(1)].concat().as_bytes());
        rows.add(line(3).as_bytes());
        assert_eq!(rows.faults(), RowFaults { lost: 1, doubled: 0, foreign: 0 });
        rows.add(line(2).as_bytes());
        assert_eq!(rows.faults(), RowFaults { lost: 0, doubled: 0, foreign: 0 });
        rows.add([line(1), line(1)].concat().as_bytes());
        rows.add((line(4) + "nonsense\n").as_bytes());
        assert_eq!(rows.faults(), RowFaults { lost: 0, doubled: 2, foreign: 2 });
    }

    #[tokio::test]
    async fn a_name_is_taken_once() {
        let buckets = SimulatedBuckets::new(1);
        let create = || buckets.create("a", "", Box::new(Some(Bytes::from(line(0)))));
        let facts = create().await.unwrap();
        assert!(matches!(create().await, Err(CreateObjectError::Exists)));
        assert_eq!(buckets.facts("a").await.unwrap(), Some(facts.clone()));
        assert_eq!(buckets.list("").await.unwrap(), [facts]);
        assert_eq!(buckets.faults(), RowFaults { lost: 0, doubled: 0, foreign: 0 });
    }
}
