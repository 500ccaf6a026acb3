//! What the checker finds unwell, as pure results: exports that do not get on, and lake files in a wrong folder. Somebody
//! of ours has to look; no customer is told.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{
    AccountId, Export, Frequency, LakeFile, RequestId, SETTLE_LAG_SECS, ZoneName, lake::captured_folder,
    start_of_day,
};

/// A frequency counts as at least so long, in seconds: the checker looks once an hour.
const LEAST_PERIOD_SECS: i64 = 1_800;
/// For how long an unexpectedly empty run is told of, in seconds: a day.
const TOLD_EMPTY_SECS: i64 = 86_400;

/// Something that somebody has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// No run has ended well for twice the export's frequency, and its bucket works.
    NoSuccess {
        /// Whose.
        account: AccountId,
        /// Which export.
        request: RequestId,
        /// Since when.
        since: Timestamp,
    },
    /// Its watermark does not move: no run is created.
    NoRun {
        /// Whose.
        account: AccountId,
        /// Which export.
        request: RequestId,
        /// Up to where runs were created; none where there was none.
        planned_cut: Option<Timestamp>,
    },
    /// A run was empty after weeks in which each had rows.
    UnexpectedlyEmpty {
        /// Whose.
        account: AccountId,
        /// Which export.
        request: RequestId,
        /// When the run ended.
        at: Timestamp,
    },
    /// A lake file lies in the folder of an hour in which it was not committed, so that windows may have passed it over.
    Misfiled {
        /// Whose.
        account: AccountId,
        /// The file.
        path: String,
        /// When it was committed.
        committed: Timestamp,
    },
}

impl Finding {
    /// Whose it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        match self {
            Self::NoSuccess { account, .. }
            | Self::NoRun { account, .. }
            | Self::UnexpectedlyEmpty { account, .. }
            | Self::Misfiled { account, .. } => *account,
        }
    }

    /// For logs and alerts: `no_success`. Never changes.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoSuccess { .. } => "no_success",
            Self::NoRun { .. } => "no_run",
            Self::UnexpectedlyEmpty { .. } => "unexpectedly_empty",
            Self::Misfiled { .. } => "misfiled",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuccess { request, since, .. } => {
                write!(f, "no run of export {request} has ended well since {since}; look at its runs")
            }
            Self::NoRun { request, planned_cut: Some(cut), .. } => {
                write!(f, "no run of export {request} was created since {cut}; look at the scheduler")
            }
            Self::NoRun { request, planned_cut: None, .. } => {
                write!(f, "no run of export {request} was ever created; look at the scheduler")
            }
            Self::UnexpectedlyEmpty { request, at, .. } => {
                let before = "after weeks in which each had rows; look whether the lake is filled";
                write!(f, "a run of export {request} was empty at {at} {before}")
            }
            Self::Misfiled { path, committed, .. } => {
                let advice = "its rows may be missing in exports; put them in again as a new file";
                write!(
                    f,
                    "lake file {path} was committed at {committed}, far from the hour of its folder; {advice}"
                )
            }
        }
    }
}

/// What is unwell with an export at `now`. Of one whose bucket is blocked its customer is told.
#[must_use]
pub fn check_export(export: &Export, is_blocked: bool, zone: &ZoneName, now: Timestamp) -> Vec<Finding> {
    let (account, request) = (export.account, export.request);
    let Some(period_secs) = period_secs(&export.spec.frequency).filter(|_| export.is_active()) else {
        return Vec::new();
    };
    let start = export.spec.frequency.start().map(|day| start_of_day(day, &zone.time_zone()));
    // Before its first run there is nothing to wait for.
    let begun = export.created_at.max(start.unwrap_or(export.created_at));
    let is_long_ago = |since: Timestamp| {
        let patience = SignedDuration::from_secs(2 * period_secs + SETTLE_LAG_SECS);
        since.checked_add(patience).is_ok_and(|late| now > late)
    };
    let mut findings = Vec::new();
    let planned_cut = export.planned_cut;
    if is_long_ago(planned_cut.unwrap_or(begun).max(begun)) {
        findings.push(Finding::NoRun { account, request, planned_cut });
    }
    let since = export.history.succeeded_at.unwrap_or(begun).max(begun);
    if !is_blocked && is_long_ago(since) {
        findings.push(Finding::NoSuccess { account, request, since });
    }
    if let Some(at) = export.history.emptied_at.filter(|_| export.history.data_since.is_none())
        && (0..TOLD_EMPTY_SECS).contains(&now.duration_since(at).as_secs())
    {
        findings.push(Finding::UnexpectedlyEmpty { account, request, at });
    }
    findings
}

fn period_secs(frequency: &Frequency) -> Option<i64> {
    match frequency {
        Frequency::OneTime { .. } => None,
        Frequency::Recurring(cycle) => Some(i64::from(u8::from(cycle.every)) * 3_600),
        Frequency::Live { .. } => Some(LEAST_PERIOD_SECS),
    }
}

/// Whether a lake file lies where every window that takes it looks: in the folder of an hour from two before to one after
/// it was committed.
#[must_use]
pub fn check_file(account: AccountId, file: &LakeFile) -> Option<Finding> {
    let hours =
        |hours| file.committed.checked_add(SignedDuration::from_hours(hours)).unwrap_or(file.committed);
    let folder = file.path.split('/').find(|part| part.starts_with("captured="))?;
    // Such names sort as time does.
    let is_right =
        (captured_folder(hours(-2)).as_str()..=captured_folder(hours(1)).as_str()).contains(&folder);
    let (path, committed) = (file.path.clone(), file.committed);
    (!is_right).then_some(Finding::Misfiled { account, path, committed })
}

#[cfg(test)]
mod tests;
