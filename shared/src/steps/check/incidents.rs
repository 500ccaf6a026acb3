//! Incidents move on by what a round saw of their buckets.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Checked, Notifier, letters};
use crate::{
    domain::{
        AccountId, BucketId, BucketSight, BucketState, ExportFilter, Incident, IncidentPhase, NoticeKind,
        Observation, Observed, Opening, PartnerBucket, ProbeAnswer, StopReason,
    },
    ports::{IncidentChange, StoreError},
    steps::{
        Parts, Rechecked, StepError, Verdict,
        recheck::{ACTIVE, has_exports},
        stop::stop_at,
    },
};

/// How many exports are looked at in one page.
const PAGE: usize = 500;

impl Checked {
    fn note(&mut self, (account, bucket): &(AccountId, BucketId), result: Result<(), StepError>) {
        match result {
            // Another checker was first.
            Ok(()) | Err(StepError::Store(StoreError::Conflict(_))) => {}
            Err(error) => self.troubled.push((*account, bucket.clone(), error)),
        }
    }
}

/// A round, as of an instant.
pub(super) struct Round<'a> {
    pub(super) parts: &'a Parts,
    pub(super) notifier: &'a Notifier,
    pub(super) now: Timestamp,
}

impl Round<'_> {
    /// Moves every open incident on, and begins those of buckets that are blocked and have none.
    pub(super) async fn move_on(
        &self,
        incidents: Vec<Incident>,
        rechecked: &[Rechecked],
        checked: &mut Checked,
    ) {
        let place = |incident: Incident| ((incident.account, incident.bucket.clone()), incident);
        let mut open: BTreeMap<(AccountId, BucketId), Incident> = incidents.into_iter().map(place).collect();
        for found in rechecked {
            let place = (found.bucket.account, found.bucket.id.clone());
            let known = open.remove(&place);
            let result = self.blocked(found, known, checked).await;
            checked.note(&place, result);
        }
        for (place, incident) in open {
            let result = self.not_blocked(incident, checked).await;
            checked.note(&place, result);
        }
    }

    async fn blocked(
        &self,
        found: &Rechecked,
        known: Option<Incident>,
        checked: &mut Checked,
    ) -> Result<(), StepError> {
        let BucketState::Blocked { failure: kept, .. } = &found.bucket.state else { return Ok(()) };
        let (failure, probe) = match &found.verdict {
            Verdict::Works => (kept, ProbeAnswer::Works),
            Verdict::Fails(failure) => (failure, ProbeAnswer::Fails),
            Verdict::Unasked(failure) | Verdict::Unclear(failure, _) => (failure, ProbeAnswer::Unclear),
        };
        if probe != ProbeAnswer::Works && !self.is_still(&found.bucket).await? {
            // The customer was faster than this round.
            return match known {
                Some(incident) => self.not_blocked(incident, checked).await,
                None => Ok(()),
            };
        }
        // It may have worked since the last round, and failed again.
        let delivered_in = match &known {
            Some(incident) => self.delivered_in(incident, &found.bucket).await?,
            None => Vec::new(),
        };
        let (opening, since) = (found.bucket.opening, found.since);
        let bucket = BucketSight::Blocked { opening, since, failure: failure.clone(), probe };
        let seen = Observation { bucket, has_exports: found.has_exports, delivered_in };
        match known {
            Some(incident) => self.observe(incident, &seen, &found.bucket, checked).await,
            // Whoever uses it no more is told of nothing.
            None if !found.has_exports => Ok(()),
            None => {
                let begun = Incident::begin(&found.bucket, since, failure, self.now, rand::random());
                let change = IncidentChange { expected: None, incident: &begun, mailing: None, notices: &[] };
                self.parts.store.put_incident(change).await?;
                self.observe(begun, &seen, &found.bucket, checked).await
            }
        }
    }

    /// Whether a bucket has the key, and is in the opening, in which it was looked at.
    async fn is_still(&self, bucket: &PartnerBucket) -> Result<bool, StepError> {
        let now = self.parts.store.bucket(bucket.account, &bucket.id).await?;
        Ok(now.is_some_and(|now| now.is_still(bucket)))
    }

    /// An incident whose bucket was not blocked when the round came to it.
    async fn not_blocked(&self, incident: Incident, checked: &mut Checked) -> Result<(), StepError> {
        let store = &self.parts.store;
        let Some(bucket) = store.bucket(incident.account, &incident.bucket).await? else {
            let (bucket, has_exports) = (BucketSight::Gone, false);
            let seen = Observation { bucket, has_exports, delivered_in: Vec::new() };
            let Observed { incident: next, .. } = incident.observe(&seen, self.now);
            return self.keep(&incident, &next).await;
        };
        if matches!(bucket.state, BucketState::Blocked { .. }) {
            // It was blocked meanwhile, or is another place's: a later round, or another one, looks.
            return Ok(());
        }
        let seen = Observation {
            bucket: BucketSight::Ready { opening: bucket.opening },
            has_exports: has_exports(self.parts, &bucket).await?,
            delivered_in: self.delivered_in(&incident, &bucket).await?,
        };
        self.observe(incident, &seen, &bucket, checked).await
    }

    async fn observe(
        &self,
        incident: Incident,
        seen: &Observation,
        bucket: &PartnerBucket,
        checked: &mut Checked,
    ) -> Result<(), StepError> {
        let mut incident = incident;
        if !matches!(incident.phase, IncidentPhase::Stopping { .. }) {
            let Observed { incident: next, notice } = incident.observe(seen, self.now);
            match notice {
                Some(kind) => self.tell(&incident, &next, kind, bucket, checked).await?,
                None => self.keep(&incident, &next).await?,
            }
            incident = next;
        }
        let IncidentPhase::Stopping { at } = incident.phase else { return Ok(()) };
        // Kept before: whoever is killed here is followed by one who stops the rest, as of the same instant.
        checked.stopped += self.stop_exports(&incident, at).await?;
        let Observed { incident: stopped, .. } = incident.stopped(self.now);
        self.tell(&incident, &stopped, NoticeKind::Stopped, bucket, checked).await
    }

    async fn keep(&self, expected: &Incident, incident: &Incident) -> Result<(), StepError> {
        let change = IncidentChange { expected: Some(expected), incident, mailing: None, notices: &[] };
        Ok(self.parts.store.put_incident(change).await?)
    }

    async fn tell(
        &self,
        expected: &Incident,
        incident: &Incident,
        kind: NoticeKind,
        bucket: &PartnerBucket,
        checked: &mut Checked,
    ) -> Result<(), StepError> {
        let letters = letters::write(self.parts, self.notifier, incident, kind, bucket, self.now).await?;
        let (mailing, notices) = (letters.mailing.as_ref(), letters.notices.as_slice());
        let change = IncidentChange { expected: Some(expected), incident, mailing, notices };
        self.parts.store.put_incident(change).await?;
        checked.told.push((incident.clone(), kind));
        Ok(())
    }

    /// The openings in which exports last delivered into the bucket. Looked at only while that matters, for they may be
    /// thousands.
    async fn delivered_in(
        &self,
        incident: &Incident,
        bucket: &PartnerBucket,
    ) -> Result<Vec<Opening>, StepError> {
        let is_settling = !matches!(incident.phase, IncidentPhase::Failing | IncidentPhase::Resumed);
        if is_settling || Some(bucket.opening) <= incident.ended_opening {
            return Ok(Vec::new());
        }
        let (id, mut cursor, mut delivered_in) = (Some(incident.bucket.clone()), None, Vec::new());
        let filter = ExportFilter { bucket: id, ..ExportFilter::default() };
        loop {
            let page = self.parts.store.list_exports(incident.account, &filter, cursor, PAGE).await?;
            let deliveries = page.exports.into_iter().filter_map(|export| export.history.delivered);
            let here = deliveries.filter(|delivery| delivery.into == incident.bucket);
            delivered_in.extend(here.map(|delivery| delivery.opening));
            cursor = page.next;
            if cursor.is_none() {
                return Ok(delivered_in);
            }
        }
    }

    /// Stops the exports that went into the bucket when that was decided.
    async fn stop_exports(&self, incident: &Incident, at: Timestamp) -> Result<usize, StepError> {
        let reason = StopReason::Failure { message: incident.failure.to_string() };
        let mut stopped = 0;
        for status in ACTIVE {
            let (bucket, status) = (Some(incident.bucket.clone()), Some(status));
            let filter = ExportFilter { bucket, status, ..ExportFilter::default() };
            let mut cursor = None;
            loop {
                let page = self.parts.store.list_exports(incident.account, &filter, cursor, PAGE).await?;
                for export in page.exports.iter().filter(|export| incident.stops(export.created_at, self.now))
                {
                    let (key, into) = ((export.account, export.request), Some(&incident.bucket));
                    let ended = stop_at(self.parts, key, into, &reason, at).await?;
                    stopped += usize::from(!ended.is_active());
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(stopped)
    }
}
