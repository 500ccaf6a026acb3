//! The catalogue is kept: what the lake has taken since the last time is added, each file once.
//!
//! Files are listed as recurring exports list theirs, and settle as theirs do: what was committed longer ago than the
//! settle lag is added for good, and the mark moves behind it in the same transaction. What is newer is counted anew each
//! time, so that it is there at once and late ones among it are not missed.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Parts, StepError};
use crate::{
    domain::{
        AccountId, CatalogueDay, CatalogueEvent, CatalogueMark, DataSelection, Dataset, LakeFile,
        PropertyScope, Records, SETTLE_LAG_SECS, Sums, UnseenEvents, Window,
    },
    encode::PropertyKeys,
    ports::{CatalogueUpdate, LakeQuery, StoreError},
};

/// How many files are added in one transaction.
const ROUND_FILES: usize = 500;
/// How many files one call adds of an account at most, the next call goes on; and how many recent ones it counts. Where
/// more are recent, the others count once they have settled.
const CALL_FILES: usize = 10_000;
/// How many accounts a tick looks after at once.
const ACCOUNTS_AT_ONCE: usize = 8;
/// How many accounts are asked for at once.
const PAGE: usize = 500;
/// How many footers are read at once.
const FOOTERS_AT_ONCE: usize = 16;
/// How old a mark may become while nothing comes, so that an idle account is not written each time.
const IDLE_MARK_SECS: i64 = 3_600;

/// What keeping an account's catalogue did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Files that were added for good.
    pub settled: u64,
    /// Files that were counted for now.
    pub recent: u64,
    /// Files that could not be read and are left out: their exports fail and name them.
    pub broken: u64,
    /// Whether more is waiting than one call takes; the next one goes on.
    pub is_behind: bool,
}

/// What one round adds, and what could not be read.
struct Added {
    days: Vec<CatalogueDay>,
    broken: u64,
}

/// The account's events, by name.
///
/// # Errors
/// [`StepError`].
pub async fn catalogue(parts: &Parts, account: AccountId) -> Result<Vec<CatalogueEvent>, StepError> {
    let totals = parts.store.catalogue_totals(account).await?;
    Ok(totals.into_iter().filter_map(CatalogueEvent::of_total).collect())
}

/// Selected events that the account's catalogue does not have; none where there is nothing to say.
///
/// # Errors
/// [`StepError`].
pub async fn unseen_events(
    parts: &Parts,
    account: AccountId,
    data: &DataSelection,
) -> Result<Option<UnseenEvents>, StepError> {
    let DataSelection::SelectEvents { .. } = data else { return Ok(None) };
    let known: BTreeSet<_> = catalogue(parts, account).await?.into_iter().map(|event| event.name).collect();
    Ok(UnseenEvents::of(data, |name| known.contains(name)))
}

/// Keeps the catalogues of all accounts, until about `budget_files` have been read; begins at another account each time,
/// so that none waits for ever. Gives what was added, and the accounts with which something went wrong; the others went
/// on.
///
/// # Errors
/// [`StepError`] where the accounts cannot be listed.
pub async fn keep_catalogues(
    parts: &Parts,
    budget_files: u64,
) -> Result<(Kept, Vec<(AccountId, StepError)>), StepError> {
    let mut accounts = Vec::new();
    loop {
        let page = parts.store.account_ids(accounts.last().copied(), PAGE).await?;
        accounts.extend(&page);
        if page.len() < PAGE {
            break;
        }
    }
    if !accounts.is_empty() {
        let begin = rand::random_range(0..accounts.len());
        accounts.rotate_left(begin);
    }
    let mut kept = stream::iter(accounts)
        .map(async |id| (id, keep_catalogue(parts, id).await))
        .buffered(ACCOUNTS_AT_ONCE);
    let (mut sum, mut failed) = (Kept::default(), Vec::new());
    while let Some((account, kept)) = kept.next().await {
        match kept {
            Ok(kept) => sum.add(kept),
            Err(error) => failed.push((account, error)),
        }
        if sum.settled + sum.recent >= budget_files {
            sum.is_behind = true;
            break;
        }
    }
    Ok((sum, failed))
}

/// Adds to an account's catalogue what its lake has taken since the last time, up to a bound. Of two callers at once one
/// adds, the other finds it done.
///
/// # Errors
/// [`StepError`]; what was added stays, and the next call goes on behind it.
pub async fn keep_catalogue(parts: &Parts, account: AccountId) -> Result<Kept, StepError> {
    let Some(settings) = parts.store.account(account).await? else { return Ok(Kept::default()) };
    let zone = settings.time_zone.time_zone();
    let mut mark = parts.store.catalogue_mark(account).await?;
    let now = parts.lake.now().await?;
    let cut = now.saturating_sub(SignedDuration::from_secs(SETTLE_LAG_SECS)).unwrap_or(Timestamp::MIN);
    let files = list(parts, account, mark.as_ref(), now, &zone).await?;
    // A lake that has never held anything has no mark: whatever it is filled with later counts from the beginning.
    if files.is_empty() && mark.as_ref().is_none_or(|mark| is_young(mark, cut)) {
        return Ok(Kept::default());
    }
    let settled = files.partition_point(|file| file.committed <= cut);
    let (mut settled, recent) = files.split_at(settled);
    let mut kept = Kept::default();
    loop {
        let (round, rest) = settled.split_at(settled.len().min(ROUND_FILES));
        let is_last = rest.is_empty();
        let to = match round.last() {
            Some(last) if !is_last => CatalogueMark { upto: last.committed, path: Some(last.path.clone()) },
            // A clock that went back does not take back what counts.
            _ => {
                mark.clone().filter(|mark| mark.upto > cut).unwrap_or(CatalogueMark { upto: cut, path: None })
            }
        };
        let added = read(parts, account, &zone, round).await?;
        let seen = if is_last { &recent[..recent.len().min(CALL_FILES)] } else { &[] };
        let unsettled = read_in_rounds(parts, account, &zone, seen).await?;
        let update = CatalogueUpdate { settled: added.days, recent: unsettled.days };
        match parts.store.add_to_catalogue(account, mark.as_ref(), &to, &update).await {
            // Another one has added them.
            Err(StoreError::Conflict(_)) => return Ok(kept),
            answer => answer?,
        }
        kept.settled += round.len() as u64 - added.broken;
        kept.recent = seen.len() as u64 - unsettled.broken;
        kept.broken += added.broken + unsettled.broken;
        (mark, settled) = (Some(to), rest);
        if is_last {
            return Ok(kept);
        }
        if kept.settled + kept.broken >= CALL_FILES as u64 {
            return Ok(Kept { is_behind: true, ..kept });
        }
    }
}

fn is_young(mark: &CatalogueMark, cut: Timestamp) -> bool {
    cut.duration_since(mark.upto) < SignedDuration::from_secs(IDLE_MARK_SECS)
}

/// The files behind the mark, in the order of their commits.
async fn list(
    parts: &Parts,
    account: AccountId,
    mark: Option<&CatalogueMark>,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Vec<LakeFile>, StepError> {
    let after = mark.map_or(Timestamp::UNIX_EPOCH, |mark| mark.upto);
    let (first_hour, last_hour) = Window::Committed { after, upto: now.max(after) }.captured_hours(zone);
    let mut files = Vec::new();
    for dataset in [Dataset::Events, Dataset::Profiles] {
        let query = LakeQuery { account, dataset, first_hour, last_hour };
        files.extend(parts.lake.list(&query).await?);
    }
    files.retain(|file| mark.is_none_or(|mark| !mark.covers(file.committed, &file.path)));
    files.sort_by(|a, b| (a.committed, &a.path).cmp(&(b.committed, &b.path)));
    Ok(files)
}

/// Reads any number of files; of no more than a round is held what each of them says.
async fn read_in_rounds(
    parts: &Parts,
    account: AccountId,
    zone: &TimeZone,
    files: &[LakeFile],
) -> Result<Added, StepError> {
    let mut all = Added { days: Vec::new(), broken: 0 };
    for round in files.chunks(ROUND_FILES) {
        let added = read(parts, account, zone, round).await?;
        all.broken += added.broken;
        all.days = CatalogueDay::merged(all.days.into_iter().chain(added.days));
    }
    Ok(all)
}

async fn read(
    parts: &Parts,
    account: AccountId,
    zone: &TimeZone,
    files: &[LakeFile],
) -> Result<Added, StepError> {
    let reads: Vec<_> = files.iter().map(|file| day_of(parts, account, zone, file)).collect();
    let days: Vec<_> = stream::iter(reads).buffered(FOOTERS_AT_ONCE).try_collect().await?;
    let broken = days.iter().filter(|day| day.is_none()).count() as u64;
    Ok(Added { days: CatalogueDay::merged(days.into_iter().flatten()), broken })
}

/// What a file adds; none where it is broken.
async fn day_of(
    parts: &Parts,
    account: AccountId,
    zone: &TimeZone,
    file: &LakeFile,
) -> Result<Option<CatalogueDay>, StepError> {
    let footer = match parts.lake.footer(&file.path).await {
        Ok(footer) => footer,
        Err(error) if error.is_passing() => return Err(error.into()),
        Err(error) => {
            tracing::warn!(%account, %error, "a lake file is left out of the catalogue");
            return Ok(None);
        }
    };
    let (records, date, scope) = match &file.place.event {
        Some((folder, date)) => {
            let name = folder.event_name(footer.event_name.as_deref());
            (Records::Event(name.to_string()), *date, PropertyScope::Event)
        }
        None => {
            let day = file.committed.to_zoned_datetime(zone.clone()).date();
            (Records::Profiles, day, PropertyScope::Profile)
        }
    };
    let mut keys = PropertyKeys::new();
    if let Some(Err(error)) = footer.property_keys.as_deref().map(|text| keys.add_footer(text)) {
        // The rows count nevertheless.
        tracing::debug!(path = file.path, %error, "a footer whose property keys cannot be read");
    }
    let sums = Sums::of_file(file.place.database, file.bytes, &footer, keys.keys(scope));
    Ok(Some(CatalogueDay { account, records, date, sums }))
}

impl Kept {
    fn add(&mut self, other: Self) {
        self.settled += other.settled;
        self.recent += other.recent;
        self.broken += other.broken;
        self.is_behind |= other.is_behind;
    }
}
