//! Whether a new export may be created.

use jiff::{Timestamp, ToSpan, civil::Date};

use super::{MAX_START_AHEAD_DAYS, Refusal, Refused, common};
use crate::domain::{
    Account, DataSelection, DateRange, ExportSpec, Frequency, PartnerBucket, RequestId, clip, earliest_day,
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

impl ClippedDays {
    /// What must be told where `left` is what was left of `wanted`.
    #[must_use]
    pub fn between(wanted: DateRange, left: DateRange, account: &Account) -> Option<Self> {
        let limit_days = account.one_time_limit_days?;
        (left.first() > wanted.first()).then_some(Self { first: left.first(), limit_days })
    }
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
    if !account.exports_enabled {
        return Err(Refusal::ExportsOff.into());
    }
    let (mut spec, mut refusals, mut clipped) = (spec.clone(), Vec::new(), None);
    common::check(&mut spec, None, account, buckets, &mut refusals);
    let is_profiles = spec.data == DataSelection::AllProfiles;
    if let (true, Some(request)) = (is_profiles, profiles_flow) {
        refusals.push(Refusal::ProfilesFlow(request));
    }
    let today = now.to_zoned_datetime(account.time_zone.time_zone()).date();
    match (&mut spec.frequency, is_profiles) {
        (Frequency::OneTime { days: None }, true) => {}
        (Frequency::OneTime { days: Some(_) }, true) => refusals.push(Refusal::DaysOfProfiles),
        (Frequency::OneTime { days: None }, false) => refusals.push(Refusal::NoDays),
        (Frequency::OneTime { days: Some(days) }, false) => match check_days(*days, account, today) {
            Ok(left) => (*days, clipped) = left,
            Err(refusal) => refusals.push(refusal),
        },
        (frequency, _) => {
            refusals.extend(frequency.start().and_then(|start| refused_start(start, account, today)));
        }
    }
    if refusals.is_empty() { Ok(Accepted { spec, clipped }) } else { Err(Refused(refusals)) }
}

/// The days of a one-time export that are within the account's limit, and what must be told of those that are not.
///
/// # Errors
/// When they reach into the future, or nothing is left of them.
pub fn check_days(
    days: DateRange,
    account: &Account,
    today: Date,
) -> Result<(DateRange, Option<ClippedDays>), Refusal> {
    if days.last() > today {
        // Of several days that have not begun the first is named.
        let tomorrow = today.saturating_add(1.day());
        let (day, zone) = (days.first().max(tomorrow), account.time_zone.clone());
        return Err(Refusal::FutureDay { day, today, zone });
    }
    let left = clip(days, today, account.one_time_limit_days).map_err(|_| {
        let limit_days = account.one_time_limit_days.unwrap_or(u32::MAX);
        Refusal::TooLongAgo { last: days.last(), earliest: earliest_day(today, limit_days), limit_days }
    })?;
    Ok((left, ClippedDays::between(days, left, account)))
}

/// The first window begins at the start date, so it must not reach further back than a one-time export may.
fn refused_start(start: Date, account: &Account, today: Date) -> Option<Refusal> {
    let earliest =
        account.one_time_limit_days.map_or(Date::MIN, |limit_days| earliest_day(today, limit_days));
    let latest = today.saturating_add(i64::from(MAX_START_AHEAD_DAYS).days());
    if start < earliest {
        return Some(Refusal::StartTooLongAgo { start, earliest });
    }
    (start > latest).then_some(Refusal::StartTooFarAhead { start, latest })
}
