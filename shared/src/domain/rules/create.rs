//! Whether a new export may be created.

use jiff::{Timestamp, ToSpan, civil::Date};

use super::{MAX_START_AHEAD_DAYS, Refusal, Refused, common};
use crate::domain::{
    Account, Clipped, DataSelection, DateRange, ExportSpec, Frequency, PartnerBucket, RequestId, clip,
};

/// A new export that may be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What to create: days are within the account's limit.
    pub spec: ExportSpec,
    /// Days that were left out, which the customer must be told.
    pub clipped: Option<ClippedDays>,
}

/// Days that were left out, since an account's exports reach only so far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Days before {first} are left out: an export reaches at most {limit_days} days back.")]
pub struct ClippedDays {
    /// The first day that is exported.
    pub first: Date,
    /// The account's setting.
    pub limit_days: u32,
}

/// Whether `spec` may be created at `now`. `profiles_flow` is the account's active recurring or live export of
/// profiles, where it has one. A preset is asked for as the days that it means today
/// ([`Preset::days`](crate::domain::Preset::days)).
///
/// # Errors
/// All that is wrong.
pub fn check_new(
    spec: &ExportSpec,
    account: &Account,
    buckets: &[PartnerBucket],
    profiles_flow: Option<RequestId>,
    now: Timestamp,
) -> Result<Accepted, Refused> {
    let (mut spec, mut refusals, mut clipped) = (spec.clone(), Vec::new(), None);
    common::check(&mut spec, account, buckets, &mut refusals);
    let is_profiles = spec.data == DataSelection::AllProfiles;
    if let (true, Some(request)) = (is_profiles, profiles_flow) {
        refusals.push(Refusal::ProfilesFlow(request));
    }
    let today = now.to_zoned_datetime(account.time_zone.time_zone()).date();
    match (&mut spec.frequency, is_profiles) {
        (Frequency::OneTime { days: None }, true) => {}
        (Frequency::OneTime { days: Some(_) }, true) => refusals.push(Refusal::DaysOfProfiles),
        (Frequency::OneTime { days: None }, false) => refusals.push(Refusal::NoDays),
        (Frequency::OneTime { days: Some(days) }, false) => match within_limit(*days, account, today) {
            Ok(Clipped { days: left, clipped: is_clipped }) => {
                *days = left;
                let notice = |limit_days| ClippedDays { first: left.first(), limit_days };
                clipped = account.one_time_limit_days.filter(|_| is_clipped).map(notice);
            }
            Err(refusal) => refusals.push(refusal),
        },
        (frequency, _) => {
            refusals.extend(frequency.start().and_then(|start| refused_start(start, account, today)));
        }
    }
    if refusals.is_empty() { Ok(Accepted { spec, clipped }) } else { Err(Refused(refusals)) }
}

fn within_limit(days: DateRange, account: &Account, today: Date) -> Result<Clipped, Refusal> {
    if days.last() > today {
        // Of several days that have not begun the first is named.
        let tomorrow = today.saturating_add(1.day());
        let (day, zone) = (days.first().max(tomorrow), account.time_zone.clone());
        return Err(Refusal::FutureDay { day, today, zone });
    }
    clip(days, today, account.one_time_limit_days).map_err(|_| {
        let limit_days = account.one_time_limit_days.unwrap_or(u32::MAX);
        Refusal::TooLongAgo { last: days.last(), earliest: earliest(today, limit_days), limit_days }
    })
}

/// The first window begins at the start date, so it must not reach further back than a one-time export may.
fn refused_start(start: Date, account: &Account, today: Date) -> Option<Refusal> {
    let earliest = account.one_time_limit_days.map_or(Date::MIN, |limit_days| earliest(today, limit_days));
    let latest = today.saturating_add(i64::from(MAX_START_AHEAD_DAYS).days());
    if start < earliest {
        return Some(Refusal::StartTooLongAgo { start, earliest });
    }
    (start > latest).then_some(Refusal::StartTooFarAhead { start, latest })
}

/// The first of the last `limit_days` days; today is always allowed.
fn earliest(today: Date, limit_days: u32) -> Date {
    today.saturating_sub((i64::from(limit_days.max(1)) - 1).days())
}
