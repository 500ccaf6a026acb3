//! Runs. An export's runs are ordered by the cuts of their windows, which no clock that goes backward can mix up.

use rusqlite::{Connection, params};

use super::{
    chunks,
    documents::{account_column, find, instant_column, list, run_columns, to_json},
    exports,
};
use crate::{
    domain::{
        AccountId, RequestId, Run, RunClosing, RunKey, RunOpening, RunStatus, RunTimestamp, Superseded,
    },
    ports::{NewRun, RunPage, StoreError},
};

pub(super) fn name(key: RunKey) -> String {
    format!("run {key} in account {}", key.account)
}

fn superseded(key: RunKey) -> impl FnOnce(Superseded) -> StoreError {
    move |Superseded| StoreError::Conflict(name(key))
}

pub(super) fn create(connection: &Connection, new: &NewRun) -> Result<Run, StoreError> {
    let &NewRun { account, request, window, expected_cut, next_due_at, now, .. } = new;
    let mut export = exports::existing(connection, account, request)?;
    export
        .run_created(window.cut(), expected_cut, next_due_at)
        .map_err(|Superseded| StoreError::Conflict(exports::name(account, request)))?;
    let mut key = RunKey { account, request, run: export.first_run_timestamp(now) };
    while get(connection, key)?.is_some() {
        if export.is_one_time() {
            return Err(StoreError::Conflict(name(key)));
        }
        key.run = key.run.next();
    }
    let run = Run::owed(key, window, &export.spec, &new.zone, now);
    save(connection, &run)?;
    exports::save(connection, &export)?;
    Ok(run)
}

pub(super) fn get(connection: &Connection, key: RunKey) -> Result<Option<Run>, StoreError> {
    let sql = "SELECT doc FROM runs WHERE account = ?1 AND request = ?2 AND run = ?3";
    find(connection, sql, run_columns(key), || name(key))
}

pub(super) fn existing(connection: &Connection, key: RunKey) -> Result<Run, StoreError> {
    get(connection, key)?.ok_or_else(|| StoreError::NotFound(name(key)))
}

pub(super) fn all(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
) -> Result<Vec<Run>, StoreError> {
    let sql = "SELECT doc, request || '-' || run FROM runs WHERE account = ?1 AND request = ?2
               ORDER BY cut, run";
    let params = [account_column(account), request.0];
    list(connection, sql, params, |id| format!("run {id} in account {account}"))
}

pub(super) const PAGE: &str = "
    SELECT doc, request || '-' || run FROM runs WHERE account = ?1 AND request = ?2 AND run < ?3
      ORDER BY run DESC LIMIT ?4";

pub(super) fn page(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
    cursor: Option<RunTimestamp>,
    limit: usize,
) -> Result<RunPage, StoreError> {
    // A page has at least one run, so that whoever follows `next` gets on.
    let limit = limit.clamp(1, 1 << 20);
    let before = cursor.map_or(i64::MAX, |run| run.0);
    let params = params![account_column(account), request.0, before, (limit + 1).cast_signed() as i64];
    let mut runs: Vec<Run> = list(connection, PAGE, params, |id| format!("run {id} in account {account}"))?;
    let is_last = runs.len() <= limit;
    runs.truncate(limit);
    let next = runs.last().map(|run| run.key.run).filter(|_| !is_last);
    Ok(RunPage { runs, next })
}

pub(super) fn open_ones(connection: &Connection) -> Result<Vec<Run>, StoreError> {
    let mut runs = Vec::new();
    for key in all_open_keys(connection)? {
        match get(connection, key) {
            Ok(run) => runs.extend(run.filter(|run| !run.status.is_closed())),
            Err(error @ StoreError::Unreadable { .. }) => {
                tracing::error!(%error, "an open run is passed over")
            }
            Err(error) => return Err(error),
        }
    }
    Ok(runs)
}

/// The keys of all runs that have not ended. Served by the index `runs_open`.
pub(super) const ALL_OPEN_KEYS: &str =
    "SELECT account, request, run FROM runs WHERE open ORDER BY cut, account, request, run";

pub(super) fn all_open_keys(connection: &Connection) -> Result<Vec<RunKey>, StoreError> {
    let mut statement = connection.prepare_cached(ALL_OPEN_KEYS)?;
    let keys = statement.query_map([], |row| {
        let account = AccountId(row.get::<_, i64>(0)?.cast_unsigned());
        Ok(RunKey { account, request: RequestId(row.get(1)?), run: RunTimestamp(row.get(2)?) })
    })?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// Both are served by the index `runs_open_of_export`.
pub(super) const OPEN_KEYS: &str =
    "SELECT run FROM runs WHERE account = ?1 AND request = ?2 AND open ORDER BY cut, run";
pub(super) const OPEN_DOCUMENTS: &str =
    "SELECT doc, request || '-' || run FROM runs WHERE account = ?1 AND request = ?2 AND open
       ORDER BY cut, run";

/// The keys of an export's runs that have not ended.
pub(super) fn open_keys(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
) -> Result<Vec<RunKey>, StoreError> {
    let mut statement = connection.prepare_cached(OPEN_KEYS)?;
    let params = [account_column(account), request.0];
    let keys =
        statement.query_map(params, |row| Ok(RunKey { account, request, run: RunTimestamp(row.get(0)?) }))?;
    Ok(keys.collect::<Result<_, _>>()?)
}

pub(super) fn count(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
    status: RunStatus,
) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM runs WHERE account = ?1 AND request = ?2 AND status = ?3";
    let params = params![account_column(account), request.0, status.as_str()];
    let count: i64 = connection.prepare_cached(sql)?.query_row(params, |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// The runs of an export that have not ended.
pub(super) fn open_of(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
) -> Result<Vec<Run>, StoreError> {
    let params = [account_column(account), request.0];
    list(connection, OPEN_DOCUMENTS, params, |id| format!("run {id} in account {account}"))
}

pub(super) fn save(connection: &Connection, run: &Run) -> Result<(), StoreError> {
    let sql = "INSERT INTO runs (account, request, run, cut, status, open, doc)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT DO UPDATE SET cut = excluded.cut, status = excluded.status, open = excluded.open,
                 doc = excluded.doc";
    let (account, request, timestamp) = run_columns(run.key);
    connection.prepare_cached(sql)?.execute(params![
        account,
        request,
        timestamp,
        instant_column(run.window.cut()),
        run.status.as_str(),
        !run.status.is_closed(),
        to_json(run),
    ])?;
    Ok(())
}

/// Whether the run is the first of its export that has not ended.
fn is_first(connection: &Connection, key: RunKey) -> Result<bool, StoreError> {
    Ok(open_keys(connection, key.account, key.request)?.first() == Some(&key))
}

fn is_another_running(connection: &Connection, key: RunKey) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM runs WHERE account = ?1 AND request = ?2 AND run <> ?3
                 AND open AND status = ?4)";
    let (account, request, run) = run_columns(key);
    let params = params![account, request, run, RunStatus::Running.as_str()];
    Ok(connection.prepare_cached(sql)?.query_row(params, |row| row.get(0))?)
}

pub(super) fn open(connection: &Connection, key: RunKey, opening: &RunOpening) -> Result<Run, StoreError> {
    let mut run = existing(connection, key)?;
    run.open(opening).map_err(superseded(key))?;
    let mut export = exports::existing(connection, key.account, key.request)?;
    export
        .run_opened(key.run)
        .map_err(|Superseded| StoreError::Conflict(exports::name(key.account, key.request)))?;
    let stored = chunks::count(connection, key, &opening.plan.token)?;
    if stored != opening.plan.chunks || !is_first(connection, key)? {
        return Err(StoreError::Conflict(name(key)));
    }
    save(connection, &run)?;
    exports::save(connection, &export)?;
    Ok(run)
}

pub(super) fn close(connection: &Connection, key: RunKey, closing: &RunClosing) -> Result<bool, StoreError> {
    let mut run = existing(connection, key)?;
    if !run.close(closing).map_err(superseded(key))? {
        return Ok(false);
    }
    save(connection, &run)?;
    match exports::existing(connection, key.account, key.request) {
        Ok(mut export) => {
            export.run_closed(&run, closing.delivered_in, is_another_running(connection, key)?);
            exports::save(connection, &export)?;
        }
        // That is what the run tells; it would be worked for ever otherwise.
        Err(StoreError::Unreadable { .. }) if closing.status == RunStatus::Incomplete => {}
        Err(error) => return Err(error),
    }
    Ok(true)
}

pub(super) fn reopen(connection: &Connection, key: RunKey) -> Result<Run, StoreError> {
    let mut run = existing(connection, key)?;
    run.reopen().map_err(superseded(key))?;
    let mut export = exports::existing(connection, key.account, key.request)?;
    if run.status == RunStatus::Running {
        export.run_reopened();
    }
    save(connection, &run)?;
    exports::save(connection, &export)?;
    Ok(run)
}

pub(super) fn give_up_plan(connection: &Connection, key: RunKey, reopened: u32) -> Result<Run, StoreError> {
    let mut run = existing(connection, key)?;
    run.give_up_plan(reopened).map_err(superseded(key))?;
    let mut export = exports::existing(connection, key.account, key.request)?;
    export.run_given_up(is_another_running(connection, key)?);
    save(connection, &run)?;
    exports::save(connection, &export)?;
    Ok(run)
}

/// The runs of an export with a status, oldest first.
pub(super) fn ended_so(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
    status: RunStatus,
) -> Result<Vec<Run>, StoreError> {
    let sql = "SELECT doc, request || '-' || run FROM runs WHERE account = ?1 AND request = ?2
                 AND status = ?3 ORDER BY cut, run";
    let params = params![account_column(account), request.0, status.as_str()];
    list(connection, sql, params, |id| format!("run {id} in account {account}"))
}
