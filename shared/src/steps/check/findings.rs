//! Exports that do not get on, and lake files in wrong folders, are looked for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        Account, AccountId, BucketId, Dataset, ZoneName,
        health::{Finding, check_export, check_file},
    },
    ports::{DueExport, LakeQuery, StoreError},
    steps::{Parts, StepError},
};

/// How many exports or accounts are looked at in one page.
const PAGE: usize = 500;
/// In how many hours before and behind now files are looked for, of folders.
const HOURS: (i64, i64) = (96, 48);
/// How long ago files were committed that are looked at, in hours: one more than between two looks at an account.
const COMMITTED_HOURS: i64 = 25;

/// All that is unwell. The lake of each account is looked at in one hour of the day, for listing costs.
pub(super) async fn find(parts: &Parts) -> Result<Vec<Finding>, StepError> {
    let mut findings = exports(parts).await?;
    let now = parts.lake.now().await?;
    let hour = u64::try_from(now.as_second().div_euclid(3_600).rem_euclid(24)).unwrap_or_default();
    let mut after = None;
    loop {
        let accounts = parts.store.account_ids(after, PAGE).await?;
        for account in accounts.iter().filter(|account| account.0 % 24 == hour) {
            findings.extend(misfiled(parts, *account, now).await?);
        }
        after = accounts.last().copied();
        if accounts.len() < PAGE {
            return Ok(findings);
        }
    }
}

async fn exports(parts: &Parts) -> Result<Vec<Finding>, StepError> {
    let blocked = parts.store.blocked_buckets().await?;
    let blocked: BTreeSet<(AccountId, BucketId)> =
        blocked.into_iter().map(|bucket| (bucket.account, bucket.id)).collect();
    let mut zones: BTreeMap<AccountId, ZoneName> = BTreeMap::new();
    let (mut findings, mut after): (_, Option<DueExport>) = (Vec::new(), None);
    loop {
        // All that will ever be due, which is every active export that repeats.
        let page = parts.store.due_exports(Timestamp::MAX, after.as_ref(), PAGE).await?;
        for DueExport { account, request, .. } in &page {
            let export = match parts.store.export(*account, *request).await {
                Ok(Some(export)) => export,
                Ok(None) => continue,
                Err(error @ StoreError::Unreadable { .. }) => {
                    tracing::error!(%account, %request, %error, "a damaged export is not looked at");
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if !zones.contains_key(account) {
                let settings: Option<Account> = match parts.store.account(*account).await {
                    Err(error @ StoreError::Unreadable { .. }) => {
                        tracing::error!(%account, %error, "the days of a damaged account are taken for UTC's");
                        None
                    }
                    settings => settings?,
                };
                zones
                    .insert(*account, settings.map_or_else(ZoneName::default, |settings| settings.time_zone));
            }
            let is_blocked = blocked.contains(&(*account, export.spec.bucket.clone()));
            findings.extend(check_export(&export, is_blocked, &zones[account], parts.now()));
        }
        after = page.last().copied();
        if page.len() < PAGE {
            return Ok(findings);
        }
    }
}

async fn misfiled(parts: &Parts, account: AccountId, now: Timestamp) -> Result<Vec<Finding>, StepError> {
    let hours = |hours| now.checked_add(SignedDuration::from_hours(hours)).unwrap_or(now);
    let (first_hour, last_hour) = (hours(-HOURS.0), hours(HOURS.1));
    let mut findings = Vec::new();
    for dataset in [Dataset::Events, Dataset::Profiles] {
        let query = LakeQuery { account, dataset, first_hour, last_hour };
        let files = match parts.lake.list(&query).await {
            Ok(files) => files,
            // Whoever plans a run of it tells of it.
            Err(error) if !error.is_passing() => {
                tracing::warn!(%account, %error, "a lake's folders cannot be looked through");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let recent = files.iter().filter(|file| file.committed > hours(-COMMITTED_HOURS));
        findings.extend(recent.filter_map(|file| check_file(account, file)));
    }
    Ok(findings)
}
