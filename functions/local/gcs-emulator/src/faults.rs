//! Faults on demand: which of the next requests fail, and how.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::{
    call::{Call, Operation},
    error::ApiError,
};

/// Until when an object is retained that is said to be.
const RETAINED_UNTIL: Timestamp = Timestamp::constant(4_102_444_800, 0);

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 503 `backendError`.
    Unavailable,
    /// 429 `rateLimitExceeded`.
    TooManyRequests,
    /// The connection is reset, nothing is done.
    Reset,
    /// The connection is reset after this many bytes of the body (or its end, if that comes first). A
    /// resumable upload keeps the bytes that arrived; any other upload is forgotten. A read breaks likewise.
    Break {
        /// Bytes of the body that still pass.
        after_bytes: u64,
    },
    /// Everything is done, then the connection is reset in place of the reply.
    LoseResponse,
    /// Bodies pass at this rate, both ways. Combines with other faults.
    Slow {
        /// Bytes a second, at least 1.
        bytes_per_sec: u64,
    },
    /// 403 `accountDisabled`: the project's billing account is closed.
    BillingDisabled,
    /// 403 `accessNotConfigured`: the project has the API switched off.
    ApiDisabled,
    /// 400 `UserProjectMissing`: whoever makes a request has to pay.
    RequesterPays,
    /// 403 `forbidden`: the bucket's encryption key may not be used.
    EncryptionKey,
    /// 403 `retentionPolicyNotMet`: a policy protects an object of this name.
    Retained,
    /// 403 `forbidden`: a hold does.
    Held,
    /// 403 `forbidden`: the organisation's service perimeter keeps us out.
    OrgPolicy,
    /// 412 `conditionNotMet`: a constraint of the organisation forbids it, with the status of a failed precondition.
    OrgConstraint,
    /// 507: the disk is full.
    DiskFull,
    /// 507: the folder may not be written.
    ReadOnly,
    /// 401 `authError`, as for a key that was revoked.
    RevokedKey,
    /// 404 `notFound`, as for a bucket that was deleted.
    MissingBucket,
    /// 403 `forbidden`, as for an account that lost its role.
    RemovedPermission,
}

impl Fault {
    /// The reply in place of doing anything, where the fault is one.
    pub(crate) fn refusal(self, caller: Option<&str>, permission: &str, call: &Call) -> Option<ApiError> {
        match self {
            Self::Unavailable => Some(ApiError::unavailable()),
            Self::TooManyRequests => Some(ApiError::too_many_requests()),
            Self::BillingDisabled => Some(ApiError::billing_disabled()),
            Self::ApiDisabled => Some(ApiError::api_disabled()),
            Self::RequesterPays => Some(ApiError::requester_pays()),
            Self::EncryptionKey => Some(ApiError::kms_denied()),
            Self::Retained => Some(ApiError::retained(&call.bucket, &call.object, RETAINED_UNTIL)),
            Self::Held => Some(ApiError::held(&call.bucket, &call.object, "Temporary")),
            Self::OrgPolicy => Some(ApiError::org_policy()),
            Self::OrgConstraint => Some(ApiError::org_constraint()),
            Self::DiskFull => Some(ApiError::disk_full()),
            Self::ReadOnly => Some(ApiError::read_only("Read-only file system")),
            Self::RevokedKey => Some(ApiError::invalid_credentials()),
            Self::MissingBucket => Some(ApiError::no_bucket()),
            Self::RemovedPermission => {
                Some(ApiError::no_permission(caller.or(Some("The service account")), permission))
            }
            Self::Reset | Self::Break { .. } | Self::LoseResponse | Self::Slow { .. } => None,
        }
    }
}

/// A fault and the requests that it strikes: those that match every filter given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault,
    /// Only this operation; any, if absent.
    pub operation: Option<Operation>,
    /// Only this bucket.
    pub bucket: Option<String>,
    /// Only objects whose names begin so.
    pub object_prefix: Option<String>,
    /// Matching requests that pass unharmed first.
    pub skip: u64,
    /// Requests that are struck after that; until cleared, if absent.
    pub times: Option<u64>,
}

impl FaultRule {
    /// Strikes every request until cleared.
    pub fn always(fault: Fault) -> Self {
        Self { fault, operation: None, bucket: None, object_prefix: None, skip: 0, times: None }
    }

    /// Strikes the next `times` requests.
    pub fn next(times: u64, fault: Fault) -> Self {
        Self { times: Some(times), ..Self::always(fault) }
    }

    /// Strikes this operation only.
    #[must_use]
    pub fn on(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Strikes this bucket only.
    #[must_use]
    pub fn in_bucket(self, bucket: impl Into<String>) -> Self {
        Self { bucket: Some(bucket.into()), ..self }
    }

    /// Strikes only objects whose names begin with `prefix`.
    #[must_use]
    pub fn for_objects(self, prefix: impl Into<String>) -> Self {
        Self { object_prefix: Some(prefix.into()), ..self }
    }

    /// Lets the first `skip` matching requests pass.
    #[must_use]
    pub fn after(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    fn matches(&self, call: &Call) -> bool {
        self.operation.is_none_or(|operation| operation == call.operation)
            && self.bucket.as_ref().is_none_or(|bucket| *bucket == call.bucket)
            && self.object_prefix.as_ref().is_none_or(|prefix| call.object.starts_with(prefix))
    }
}

/// What strikes one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) fault: Option<Fault>,
    pub(crate) bytes_per_sec: Option<u64>,
}

/// The switchboard. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<FaultRule>>>,
}

impl Faults {
    /// Adds a rule. Of several that match a request the oldest strikes; `Slow` joins in.
    pub fn add(&self, rule: FaultRule) {
        self.with(|rules| rules.push(rule));
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        self.with(Vec::clear);
    }

    /// The rules that still have something to strike, with what is left of their counts.
    pub fn pending(&self) -> Vec<FaultRule> {
        self.with(|rules| rules.clone())
    }

    /// What strikes this request; counts it.
    pub(crate) fn strike(&self, call: &Call) -> Strike {
        let mut strike = Strike::default();
        self.with(|rules| {
            for rule in rules.iter_mut().filter(|rule| rule.matches(call)) {
                let slow = matches!(rule.fault, Fault::Slow { .. });
                if !slow && strike.fault.is_some() {
                    continue;
                }
                if rule.skip > 0 {
                    rule.skip -= 1;
                    continue;
                }
                match rule.fault {
                    Fault::Slow { bytes_per_sec } => strike.bytes_per_sec = Some(bytes_per_sec.max(1)),
                    fault => strike.fault = Some(fault),
                }
                rule.times = rule.times.map(|times| times.saturating_sub(1));
            }
            rules.retain(|rule| rule.times != Some(0));
        });
        strike
    }

    /// No code runs under the lock that could panic half-way, so a poisoned one is still whole.
    fn with<T>(&self, work: impl FnOnce(&mut Vec<FaultRule>) -> T) -> T {
        work(&mut self.rules.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn call(operation: Operation, bucket: &str, object: &str) -> Call {
        Call { operation, bucket: bucket.into(), object: object.into(), params: Default::default() }
    }

    #[test]
    fn rules_strike_what_they_name_and_as_often() {
        let faults = Faults::default();
        let rule = FaultRule::next(2, Fault::Unavailable).on(Operation::Finish).in_bucket("b");
        faults.add(rule.for_objects("a-").after(1));
        let hit = |operation, bucket, object| faults.strike(&call(operation, bucket, object)).fault.is_some();
        assert!(!hit(Operation::Start, "b", "a-1"));
        assert!(!hit(Operation::Finish, "c", "a-1"));
        assert!(!hit(Operation::Finish, "b", "b-1"));
        assert!(!hit(Operation::Finish, "b", "a-1"), "the first one passes");
        assert!(hit(Operation::Finish, "b", "a-1") && hit(Operation::Finish, "b", "a-2"));
        assert!(!hit(Operation::Finish, "b", "a-3"));
        assert_eq!(faults.pending(), []);
    }

    #[test]
    fn slow_joins_in_and_the_oldest_strikes_first() {
        let faults = Faults::default();
        faults.add(FaultRule::next(1, Fault::Reset));
        faults.add(FaultRule::next(1, Fault::LoseResponse));
        faults.add(FaultRule::always(Fault::Slow { bytes_per_sec: 5 }));
        let strike = || faults.strike(&call(Operation::Insert, "b", "o"));
        assert_eq!(strike(), Strike { fault: Some(Fault::Reset), bytes_per_sec: Some(5) });
        assert_eq!(strike(), Strike { fault: Some(Fault::LoseResponse), bytes_per_sec: Some(5) });
        assert_eq!(strike(), Strike { fault: None, bytes_per_sec: Some(5) });
        faults.clear();
        assert_eq!(strike(), Strike::default());
    }
}
