//! Whether an export may be edited or stopped.

use jiff::{Timestamp, tz::TimeZone};

use super::{Refusal, Refused, common};
use crate::domain::{
    Account, AnchorHour, BucketId, BucketState, Cycle, DataSelection, Export, ExportSpec, ExportStatus,
    Frequency, PartnerBucket, ZoneName, start_of_day,
};

/// An edit that may be made; it takes effect from the next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedEdit {
    /// The spec from then on.
    pub spec: ExportSpec,
    /// When the next run is due now; none where the edit does not move it.
    pub next_due_at: Option<Timestamp>,
}

/// Whether `export` may become `spec` at `now`.
///
/// A changed number of hours restarts the cycle: the next run is due at the coming 12:00 a.m. of the account (of a cycle
/// that has not begun, one distance after its start), those after it every so many hours from 12:00 a.m. on. Nothing is
/// lost by that: the next window begins where the last one ended. A changed hour alone moves the due times.
///
/// # Errors
/// All that is wrong.
pub fn check_edit(
    export: &Export,
    spec: &ExportSpec,
    account: &Account,
    buckets: &[PartnerBucket],
    now: Timestamp,
) -> Result<AcceptedEdit, Refused> {
    let request = export.request;
    match export.status {
        ExportStatus::Done => return Err(Refusal::EditDone(request).into()),
        ExportStatus::Stopped { at, .. } => {
            return Err(Refusal::EditStopped { request, at, zone: account.time_zone.clone() }.into());
        }
        ExportStatus::Pending | ExportStatus::Running if export.is_one_time() => {
            return check_move(export, spec, account, buckets);
        }
        ExportStatus::Pending | ExportStatus::Running => {}
    }
    if !account.exports_enabled {
        return Err(Refusal::ExportsOff.into());
    }
    let (mut spec, mut refusals) = (spec.clone(), Vec::new());
    common::check(&mut spec, Some(&export.spec), account, buckets, &mut refusals);
    let is_profiles = |spec: &ExportSpec| spec.data == DataSelection::AllProfiles;
    if is_profiles(&spec) != is_profiles(&export.spec) {
        refusals.push(Refusal::OtherData(request));
    }
    let (is, wanted) = (export.spec.frequency.kind(), spec.frequency.kind());
    let mut next_due_at = None;
    if is != wanted {
        refusals.push(Refusal::OtherFrequency { request, is: is.as_str(), wanted: wanted.as_str() });
    } else if spec.frequency.start() != export.spec.frequency.start() {
        let start = export.spec.frequency.start();
        refusals.extend(start.map(|start| Refusal::OtherStart { request, start }));
    } else if let (Frequency::Recurring(known), Frequency::Recurring(cycle)) =
        (export.spec.frequency, &mut spec.frequency)
    {
        let zone = account.time_zone.time_zone();
        match restart(known, cycle, now, &zone) {
            Ok(due) => next_due_at = due,
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() { Ok(AcceptedEdit { spec, next_due_at }) } else { Err(Refused(refusals)) }
}

/// The run of a one-time export has begun as the export is. Only out of a bucket that is blocked can it be moved, and its
/// run with it: nothing else of it changes.
fn check_move(
    export: &Export,
    spec: &ExportSpec,
    account: &Account,
    buckets: &[PartnerBucket],
) -> Result<AcceptedEdit, Refused> {
    let find = |id: &BucketId| buckets.iter().find(|bucket| bucket.id == *id);
    let moved = ExportSpec { bucket: spec.bucket.clone(), ..export.spec.clone() };
    let is_blocked =
        find(&export.spec.bucket).is_some_and(|bucket| matches!(bucket.state, BucketState::Blocked { .. }));
    if !is_blocked || moved != *spec {
        return Err(Refusal::EditOneTime(export.request).into());
    }
    if !account.exports_enabled {
        return Err(Refusal::ExportsOff.into());
    }
    if find(&spec.bucket).is_none() {
        let known = buckets.iter().map(|bucket| bucket.id.clone()).collect();
        return Err(Refusal::NoBucket { bucket: spec.bucket.clone(), known }.into());
    }
    Ok(AcceptedEdit { spec: moved, next_due_at: None })
}

/// When the next run of a changed cycle is due. Its start stays, for the first window may not have been cut yet.
fn restart(
    known: Cycle,
    cycle: &mut Cycle,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Option<Timestamp>, Refusal> {
    if cycle.every == known.every {
        return Ok((cycle.anchor_hour != known.anchor_hour).then(|| cycle.next_due(now, zone)));
    }
    if cycle.anchor_hour != known.anchor_hour && cycle.anchor_hour != AnchorHour::default() {
        return Err(Refusal::HourOfNewCycle);
    }
    cycle.anchor_hour = AnchorHour::default();
    if start_of_day(cycle.start, zone) > now {
        return Ok(Some(cycle.next_due(now, zone)));
    }
    let today = now.to_zoned_datetime(zone.clone()).date();
    Ok(Some(today.tomorrow().map_or(Timestamp::MAX, |day| start_of_day(day, zone))))
}

/// Whether a customer may stop an export: while it is RUNNING or PENDING.
/// ([`steps::stop_export`](crate::steps::stop_export) itself can be repeated.) A refusal tells times in the account's zone.
///
/// # Errors
/// That it has ended, and how.
pub fn check_stop(export: &Export, zone: &ZoneName) -> Result<(), Refusal> {
    let request = export.request;
    match export.status {
        ExportStatus::Pending | ExportStatus::Running => Ok(()),
        ExportStatus::Done => Err(Refusal::StopDone(request)),
        ExportStatus::Stopped { at, .. } => Err(Refusal::StopStopped { request, at, zone: zone.clone() }),
    }
}
