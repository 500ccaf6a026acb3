//! What becomes of a customer's exports, as those know it who do something with them: nothing is asked of the engine.

use std::collections::BTreeMap;

use spillway::domain::{BucketId, RequestId};

use super::buckets::FailingBuckets;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    /// Its only run has ended.
    Done,
    /// Three days of failure ended it.
    Stopped,
    /// This one goes on in its place.
    Succeeded(RequestId),
}

#[derive(Debug)]
struct Known {
    bucket: BucketId,
    is_one_time: bool,
    state: State,
}

/// The exports.
#[derive(Debug, Default)]
pub(super) struct Customer(BTreeMap<RequestId, Known>);

impl Customer {
    pub(super) fn created(&mut self, request: RequestId, bucket: &BucketId, is_one_time: bool) {
        let (bucket, state) = (bucket.clone(), State::Active);
        self.0.insert(request, Known { bucket, is_one_time, state });
    }

    pub(super) fn moved(&mut self, request: RequestId, bucket: &BucketId) {
        if let Some(known) = self.0.get_mut(&request) {
            known.bucket = bucket.clone();
        }
    }

    /// What the rule says that a stop does.
    pub(super) fn stopped(&mut self, bucket: &BucketId) {
        for known in self.0.values_mut() {
            if known.state == State::Active && known.bucket == *bucket {
                known.state = State::Stopped;
            }
        }
    }

    /// One that runs once goes on itself.
    pub(super) fn started_again(&mut self, request: RequestId, goes_on: RequestId) {
        let Some(known) = self.0.get_mut(&request) else { return };
        if request == goes_on {
            known.state = State::Active;
            return;
        }
        known.state = State::Succeeded(goes_on);
        let (bucket, is_one_time) = (known.bucket.clone(), known.is_one_time);
        self.created(goes_on, &bucket, is_one_time);
    }

    /// Those that run once are done once their files lie in a bucket.
    pub(super) fn look_into(&mut self, buckets: &FailingBuckets) {
        for (request, known) in &mut self.0 {
            if known.is_one_time && known.state == State::Active && buckets.has_finished(*request) {
                known.state = State::Done;
            }
        }
    }

    pub(super) fn active_in(&self, bucket: &BucketId) -> Vec<RequestId> {
        let active = |known: &Known| known.state == State::Active && known.bucket == *bucket;
        self.0.iter().filter(|(_, known)| active(known)).map(|(request, _)| *request).collect()
    }

    pub(super) fn is_active(&self, request: RequestId) -> Option<bool> {
        self.0.get(&request).map(|known| known.state == State::Active)
    }

    /// Into which bucket an export goes, or the one that goes on in its place.
    pub(super) fn bucket_of(&self, request: RequestId) -> Option<&BucketId> {
        let known = self.0.get(&request)?;
        match known.state {
            State::Succeeded(goes_on) => self.bucket_of(goes_on),
            _ => Some(&known.bucket),
        }
    }

    /// What may be started again.
    pub(super) fn stopped_ones(&self) -> Vec<RequestId> {
        let stopped = self.0.iter().filter(|(_, known)| known.state == State::Stopped);
        stopped.map(|(request, _)| *request).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}
