//! The scheduler's tick: whatever is due gets its run, runs whose message was lost are woken again, and the catalogue is
//! kept.
//!
//! A tick only creates runs and sends each a message; planning is work of its own. Two ticks at once do no harm: a run is
//! created at the cut up to which runs have been created, by one of them. A tick that never came does no harm either:
//! the next run's window begins where the last one ended.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Kept, Parts, StepError, WOKEN_AT_ONCE, catalogue::keep_catalogues, create::whole_micros, open};
use crate::{
    domain::{AccountId, BucketId, RequestId, RunKey, RunStatus, SETTLE_LAG_SECS},
    ports::{DueExport, NewRun, StoreError, Work},
};

/// How many due exports are looked at in one page.
const PAGE: usize = 500;

/// How many lake files a tick reads for the catalogue; the next one goes on.
const CATALOGUE_FILES: u64 = 20_000;

/// What a tick did.
#[derive(Debug, Default)]
pub struct Ticked {
    /// Runs that it created, in the order of their due times.
    pub created: Vec<RunKey>,
    /// Exports whose cut would not advance; they stay due.
    pub waiting: Vec<(AccountId, RequestId)>,
    /// Open runs that it woke again.
    pub woken: Vec<RunKey>,
    /// Exports with which something went wrong; the others went on. Where the run was created, a later tick wakes it.
    pub failed: Vec<(AccountId, RequestId, StepError)>,
    /// What it added to the catalogues.
    pub catalogued: Kept,
    /// Accounts whose catalogue stayed behind, with what was wrong; a later tick makes up for it.
    pub catalogue_failed: Vec<(AccountId, StepError)>,
    /// Why no catalogue was kept, where the accounts could not be listed.
    pub catalogues_unkept: Option<StepError>,
}

/// What became of a due export.
enum Outcome {
    Created(RunKey),
    Waiting,
    /// Another tick was first, or it has been stopped or edited.
    NotDue,
}

/// Creates a run for each export that is due, for what was committed up to the lake's now less the settle lag, also
/// while its bucket is blocked: its windows are then owed, in order. Then adds to the catalogues what the lake has taken.
///
/// # Errors
/// [`StepError`] where the lake's clock, or the list of what is due or open, cannot be read; the next tick goes on. What
/// goes wrong with one export is in [`Ticked::failed`], and with the catalogues in [`Ticked`] too.
pub async fn tick(parts: &Parts) -> Result<Ticked, StepError> {
    let (mut ticked, now) = (Ticked::default(), parts.now());
    let lag = SignedDuration::from_secs(SETTLE_LAG_SECS);
    let cut = whole_micros(parts.lake.now().await?.saturating_sub(lag).unwrap_or(Timestamp::MIN));
    let mut after: Option<DueExport> = None;
    loop {
        let due = parts.store.due_exports(now, after.as_ref(), PAGE).await?;
        for DueExport { account, request, .. } in &due {
            match create_run(parts, (*account, *request), cut, now).await {
                Ok(Outcome::Created(run)) => ticked.created.push(run),
                Ok(Outcome::Waiting) => ticked.waiting.push((*account, *request)),
                Ok(Outcome::NotDue) => {}
                Err(error) => ticked.failed.push((*account, *request, error)),
            }
        }
        after = due.last().copied();
        if due.len() < PAGE {
            break;
        }
    }
    wake(parts, now, &mut ticked).await?;
    // Keys that nobody waits for any more do not lie about.
    parts.store.sweep_candidates(now).await?;
    // Last, for nobody's export waits for it.
    match keep_catalogues(parts, CATALOGUE_FILES).await {
        Ok(kept) => (ticked.catalogued, ticked.catalogue_failed) = kept,
        Err(error) => ticked.catalogues_unkept = Some(error),
    }
    Ok(ticked)
}

async fn create_run(
    parts: &Parts,
    (account, request): (AccountId, RequestId),
    cut: Timestamp,
    now: Timestamp,
) -> Result<Outcome, StepError> {
    let Some(export) = parts.store.export(account, request).await? else { return Ok(Outcome::NotDue) };
    // Read again, for it may have been stopped or edited since the list was made.
    if !export.is_active() || export.next_due_at.is_none_or(|due| due > now) {
        return Ok(Outcome::NotDue);
    }
    let Some(settings) = parts.store.account(account).await? else {
        return Err(StepError::Internal(format!("account {account} of export {request} is gone")));
    };
    let zone = settings.time_zone.time_zone();
    let Some(window) = export.next_window(cut, &zone) else { return Ok(Outcome::Waiting) };
    // An edit that comes between reading and this keeps its spec; only the due time that it moved may be taken back.
    // Then one run more is due in the old cycle, and its window is part of what the next one would have had.
    let next_due_at = export.spec.frequency.next_due(now, &zone);
    let (zone, expected_cut) = (settings.time_zone, export.planned_cut);
    let new = NewRun { account, request, window, zone, expected_cut, next_due_at, now };
    match parts.store.create_run(&new).await {
        Ok(run) => {
            parts.queue.send(Work::Run { run: run.key }).await?;
            Ok(Outcome::Created(run.key))
        }
        Err(StoreError::Conflict(_)) => Ok(Outcome::NotDue),
        Err(error) => Err(error.into()),
    }
}

/// Wakes the oldest open run of each export where it should have been planned, or have ended, long ago. Of those that are
/// owed [`WOKEN_AT_ONCE`] an account: once a bucket of thousands of exports is mended, they go on bit by bit. One that is
/// being planned just now is planned twice then, which does no harm; one that runs sends again what was lost. One of a
/// blocked bucket sleeps on, so that it takes no other's turn.
async fn wake(parts: &Parts, now: Timestamp, ticked: &mut Ticked) -> Result<(), StepError> {
    let blocked = parts.store.blocked_buckets().await?;
    let blocked: BTreeSet<_> = blocked.into_iter().map(|bucket| (bucket.account, bucket.id)).collect();
    let (mut seen, mut woken) = (BTreeSet::new(), BTreeMap::<AccountId, usize>::new());
    for key in parts.store.open_run_keys().await? {
        let woken = woken.entry(key.account).or_default();
        if *woken >= WOKEN_AT_ONCE || !seen.insert((key.account, key.request)) {
            continue;
        }
        match late(parts, key, now, &blocked).await {
            Ok(Some(status)) => {
                parts.queue.send(Work::Run { run: key }).await?;
                ticked.woken.push(key);
                *woken += usize::from(status == RunStatus::Owed);
            }
            Ok(None) => {}
            Err(error) => ticked.failed.push((key.account, key.request, error)),
        }
    }
    Ok(())
}

/// What a run is that waits for too long, and for no blocked bucket.
async fn late(
    parts: &Parts,
    key: RunKey,
    now: Timestamp,
    blocked: &BTreeSet<(AccountId, BucketId)>,
) -> Result<Option<RunStatus>, StepError> {
    let Some(run) = parts.store.run(key).await? else { return Ok(None) };
    let since = run.opened_at.unwrap_or(run.created_at);
    // One of the future was created before the clock jumped back.
    let is_late = since <= parts.lost_before() || since > now;
    if !is_late || run.status.is_closed() {
        return Ok(None);
    }
    if !blocked.iter().any(|(account, _)| *account == key.account) {
        return Ok(Some(run.status));
    }
    let spec = open::spec_now(parts, key).await?;
    Ok(spec.filter(|spec| !blocked.contains(&(key.account, spec.bucket.clone()))).map(|_| run.status))
}
