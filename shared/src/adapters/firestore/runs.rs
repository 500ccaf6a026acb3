//! Runs. An export's runs are ordered by the cuts of their windows, which no clock that goes backward can mix up.

use super::{
    chunks,
    client::Client,
    documents::{Fields, Stored, account_text, flag_value, instant_number, number_value, text_value},
    exports::{self, Known},
    faults::Fault,
    paths,
    queries::Queries,
    query::Query,
    transaction::Transaction,
};
use crate::{
    domain::{
        AccountId, RequestId, Run, RunClosing, RunKey, RunOpening, RunStatus, RunTimestamp, Superseded,
    },
    ports::{NewRun, RunPage, StoreError},
};

/// The seconds of one day in UTC.
const DAY: i64 = 86_400;
/// How many timestamps are looked at at once, at most.
const MOST_AT_ONCE: usize = 128;

pub(super) fn name(key: RunKey) -> String {
    format!("run {key} in account {}", key.account)
}

fn superseded(key: RunKey) -> impl FnOnce(Superseded) -> StoreError {
    move |Superseded| StoreError::Conflict(name(key))
}

/// The key that a run's path tells.
fn key_of(stored: &Stored) -> Option<RunKey> {
    let parts = stored.parts();
    let account = AccountId(parts.get(1)?.parse().ok()?);
    Some(RunKey {
        account,
        request: RequestId(parts.get(3)?.parse().ok()?),
        run: RunTimestamp(parts.get(5)?.parse().ok()?),
    })
}

fn read(stored: &Stored) -> Result<Run, StoreError> {
    stored.read(|| key_of(stored).map_or_else(|| stored.path.to_string(), name))
}

/// The next run of an export, both to be saved.
pub(super) async fn create(tx: &Transaction, known: &mut Known, new: &NewRun) -> Result<Run, Fault> {
    let &NewRun { account, request, window, expected_cut, next_due_at, now, .. } = new;
    let export = &mut known.export;
    export
        .run_created(window.cut(), expected_cut, next_due_at)
        .map_err(|Superseded| StoreError::Conflict(exports::name(account, request)))?;
    let first = RunKey { account, request, run: export.first_run_timestamp(now) };
    let key = free(tx, first, export.is_one_time()).await?;
    let run = Run::owed(key, window, &export.spec, &new.zone, now);
    let day = key.run.0.div_euclid(DAY);
    if let Err(place) = known.run_days.binary_search(&day) {
        known.run_days.insert(place, day);
    }
    tx.create(paths::run(key), fields(&run));
    Ok(run)
}

/// The first key from `key` on that is free; a one-time run has but one.
async fn free(tx: &Transaction, mut key: RunKey, only_this: bool) -> Result<RunKey, Fault> {
    let mut count = 1;
    loop {
        let next = |key: &RunKey| Some(RunKey { run: key.run.next(), ..*key });
        let keys: Vec<_> = std::iter::successors(Some(key), next).take(count).collect();
        let found = tx.look_at(&keys.iter().copied().map(paths::run).collect::<Vec<_>>()).await?;
        if let Some(free) = found.iter().position(Option::is_none) {
            return Ok(keys[free]);
        }
        if only_this {
            return Err(StoreError::Conflict(name(key)).into());
        }
        key = RunKey { run: keys[count - 1].run.next(), ..key };
        count = (count * 4).min(MOST_AT_ONCE);
    }
}

pub(super) async fn get(client: &Client, key: RunKey) -> Result<Option<Run>, Fault> {
    let stored = client.get_one(&paths::run(key)).await?;
    Ok(stored.map(|stored| read(&stored)).transpose()?)
}

pub(super) async fn existing(tx: &Transaction, key: RunKey) -> Result<Run, Fault> {
    let stored = tx.get(&paths::run(key)).await?;
    Ok(read(&stored.ok_or_else(|| StoreError::NotFound(name(key)))?)?)
}

pub(super) async fn all(client: &Client, account: AccountId, request: RequestId) -> Result<Vec<Run>, Fault> {
    let query = Query::new(Queries::Runs, Some(&paths::export(account, request)));
    let found = client.query(query, None).await?.documents;
    Ok(found.iter().map(read).collect::<Result<_, _>>()?)
}

pub(super) async fn page(
    client: &Client,
    account: AccountId,
    request: RequestId,
    cursor: Option<RunTimestamp>,
    limit: usize,
) -> Result<RunPage, Fault> {
    // A page has at least one run, so that whoever follows `next` gets on.
    let limit = limit.clamp(1, 1 << 20);
    let before = cursor.map_or(i64::MAX, |run| run.0);
    let query = Query::new(Queries::NewestRuns, Some(&paths::export(account, request)))
        .below(number_value(before))
        .limit(limit + 1);
    let found = client.query(query, None).await?.documents;
    let mut runs: Vec<Run> = found.iter().map(read).collect::<Result<_, _>>()?;
    let is_last = runs.len() <= limit;
    runs.truncate(limit);
    let next = runs.last().map(|run| run.key.run).filter(|_| !is_last);
    Ok(RunPage { runs, next })
}

fn all_open() -> Query {
    Query::new(Queries::AllOpenRuns, None).equal("open", flag_value(true))
}

pub(super) async fn open_ones(client: &Client) -> Result<Vec<Run>, Fault> {
    let mut runs = Vec::new();
    for stored in client.query(all_open(), None).await?.documents {
        match read(&stored) {
            Ok(run) => runs.push(run),
            Err(error) => tracing::error!(%error, "an open run is passed over"),
        }
    }
    Ok(runs)
}

pub(super) async fn all_open_keys(client: &Client) -> Result<Vec<RunKey>, Fault> {
    let found = client.query(all_open().only(&["__name__"]), None).await?.documents;
    Ok(found.iter().filter_map(key_of).collect())
}

fn open_query(account: AccountId, request: RequestId) -> Query {
    Query::new(Queries::OpenRuns, Some(&paths::export(account, request))).equal("open", flag_value(true))
}

pub(super) async fn open_keys(
    client: &Client,
    account: AccountId,
    request: RequestId,
) -> Result<Vec<RunKey>, Fault> {
    let found = client.query(open_query(account, request).only(&["__name__"]), None).await?.documents;
    Ok(found.iter().filter_map(key_of).collect())
}

/// The runs of an export that have not ended.
pub(super) async fn open_of(
    tx: &Transaction,
    account: AccountId,
    request: RequestId,
) -> Result<Vec<Run>, Fault> {
    let found = tx.query(open_query(account, request)).await?;
    Ok(found.iter().map(read).collect::<Result<_, _>>()?)
}

fn fields(run: &Run) -> Fields {
    Fields::of(run)
        .number("run", run.key.run.0)
        .number("cut", instant_number(run.window.cut()))
        .text("account", account_text(run.key.account))
        .text("bucket", &run.spec.bucket.0)
        .text("status", run.status.as_str())
        .flag("open", !run.status.is_closed())
        .flag("unfinished", !run.status.is_closed() || run.status == RunStatus::Incomplete)
}

pub(super) fn save(tx: &Transaction, run: &Run) {
    tx.put(paths::run(run.key), fields(run));
}

/// Whether the run is the first of its export that has not ended.
async fn is_first(tx: &Transaction, key: RunKey) -> Result<bool, Fault> {
    let first = tx.query(open_query(key.account, key.request).only(&["__name__"]).limit(1)).await?;
    Ok(first.first().and_then(key_of) == Some(key))
}

async fn is_another_running(tx: &Transaction, key: RunKey) -> Result<bool, Fault> {
    let running = with_status(key.account, key.request, RunStatus::Running).only(&["__name__"]).limit(2);
    Ok(tx.query(running).await?.iter().any(|stored| key_of(stored) != Some(key)))
}

pub(super) async fn open(tx: &Transaction, key: RunKey, opening: &RunOpening) -> Result<Run, Fault> {
    let mut run = existing(tx, key).await?;
    run.open(opening).map_err(superseded(key))?;
    let mut known = exports::existing(tx, key.account, key.request).await?;
    known
        .export
        .run_opened(key.run)
        .map_err(|Superseded| StoreError::Conflict(exports::name(key.account, key.request)))?;
    // They stay as many: who sweeps them rests on the run, which has to have ended or to have another plan for that.
    let stored = chunks::count(tx, key, &opening.plan.token).await?;
    if stored != opening.plan.chunks || !is_first(tx, key).await? {
        return Err(StoreError::Conflict(name(key)).into());
    }
    save(tx, &run);
    exports::save(tx, &known);
    Ok(run)
}

pub(super) async fn close(tx: &Transaction, key: RunKey, closing: &RunClosing) -> Result<bool, Fault> {
    let mut run = existing(tx, key).await?;
    if !run.close(closing).map_err(superseded(key))? {
        return Ok(false);
    }
    save(tx, &run);
    match exports::existing(tx, key.account, key.request).await {
        Ok(mut known) => {
            let is_running = is_another_running(tx, key).await?;
            known.export.run_closed(&run, closing.delivered_in, is_running);
            exports::save(tx, &known);
        }
        // That is what the run tells; it would be worked for ever otherwise.
        Err(Fault::Store(StoreError::Unreadable { .. })) if closing.status == RunStatus::Incomplete => {}
        Err(error) => return Err(error),
    }
    Ok(true)
}

pub(super) async fn reopen(tx: &Transaction, key: RunKey) -> Result<Run, Fault> {
    let mut run = existing(tx, key).await?;
    run.reopen().map_err(superseded(key))?;
    let mut known = exports::existing(tx, key.account, key.request).await?;
    if run.status == RunStatus::Running {
        known.export.run_reopened();
    }
    save(tx, &run);
    exports::save(tx, &known);
    Ok(run)
}

pub(super) async fn give_up_plan(tx: &Transaction, key: RunKey, reopened: u32) -> Result<Run, Fault> {
    let mut run = existing(tx, key).await?;
    run.give_up_plan(reopened).map_err(superseded(key))?;
    let mut known = exports::existing(tx, key.account, key.request).await?;
    known.export.run_given_up(is_another_running(tx, key).await?);
    save(tx, &run);
    exports::save(tx, &known);
    Ok(run)
}

fn with_status(account: AccountId, request: RequestId, status: RunStatus) -> Query {
    Query::new(Queries::RunsWithStatus, Some(&paths::export(account, request)))
        .equal("status", text_value(status.as_str()))
}

pub(super) async fn count(
    client: &Client,
    account: AccountId,
    request: RequestId,
    status: RunStatus,
) -> Result<u64, Fault> {
    Ok(client.sums(with_status(account, request, status), None).await?.get("count"))
}

/// The runs of an export with a status, oldest first.
pub(super) async fn ended_so(
    tx: &Transaction,
    account: AccountId,
    request: RequestId,
    status: RunStatus,
) -> Result<Vec<Run>, Fault> {
    let found = tx.query(with_status(account, request, status)).await?;
    let mut runs: Vec<Run> = found.iter().map(read).collect::<Result<_, _>>()?;
    runs.sort_by_key(|run| (run.window.cut(), run.key.run));
    Ok(runs)
}
