//! Chunks: stored, changed, paged, counted and swept.

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, params};

use super::{
    documents::{find, instant_column, list, run_columns, to_json},
    profile_lists, runs,
};
use crate::{
    domain::{Chunk, ChunkCommand, ChunkId, ChunkKey, ChunkState, PlanToken, RunKey},
    ports::{ChunkPage, ChunkTally, StoreError},
};

/// How many chunks one transaction adds or deletes, so that others get their turn between two.
pub(super) const BATCH_CHUNKS: usize = 500;

pub(super) const PAGE: &str = "
    SELECT doc, id FROM chunks WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4
      AND id >= ?5 ORDER BY id LIMIT ?6";
/// The counts of a plan by state, and how many of its leases hold; one read, so that they are of one instant.
pub(super) const TALLY: &str = "
    SELECT state, chunks FROM tallies WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4
    UNION ALL
    SELECT 'held', count(*) FROM chunks WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4
      AND state = 'leased' AND free_at > ?5";

pub(super) fn name(run: RunKey, id: &str) -> String {
    format!("chunk {id} of {}", runs::name(run))
}

/// What stands beside a chunk's document.
struct Columns {
    state: &'static str,
    free_at: Option<i64>,
    published_at: Option<i64>,
    /// The object's name, its rows and its bytes, once it is in the bucket.
    object: Option<(String, i64, i64)>,
}

impl Columns {
    fn of(chunk: &Chunk) -> Self {
        let (state, free_at) = match chunk.state() {
            ChunkState::Ready => ("ready", Some(i64::MIN)),
            ChunkState::Leased(lease) => ("leased", Some(instant_column(lease.expires_at()))),
            ChunkState::Done(_) => ("done", None),
            ChunkState::Failed { .. } => ("failed", None),
        };
        let object =
            chunk.manifest_file().map(|file| (file.name, file.rows.cast_signed(), file.bytes.cast_signed()));
        Self { state, free_at, published_at: chunk.published_at().map(instant_column), object }
    }
}

/// Adds chunks; those that exist stay as they are.
pub(super) fn add(connection: &Connection, chunks: &[Chunk]) -> Result<(), StoreError> {
    for chunk in chunks {
        insert(connection, chunk)?;
    }
    Ok(())
}

/// True where it was not there.
fn insert(connection: &Connection, chunk: &Chunk) -> Result<bool, StoreError> {
    let sql =
        "INSERT INTO chunks (account, request, run, plan, id, state, free_at, published_at, message, doc)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
    let (key, columns) = (chunk.key(), Columns::of(chunk));
    let (account, request, run) = run_columns(key.run);
    let message = chunk.plan().message;
    let params = params![
        account,
        request,
        run,
        key.plan.0,
        key.id.0,
        columns.state,
        columns.free_at,
        columns.published_at,
        message,
        to_json(chunk)
    ];
    match connection.prepare_cached(sql)?.execute(params) {
        // The only constraint that is left is that the run exists.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(StoreError::NotFound(runs::name(key.run)))
        }
        rows => Ok(rows? == 1),
    }
}

pub(super) fn get(connection: &Connection, key: &ChunkKey) -> Result<Option<Chunk>, StoreError> {
    let sql = "SELECT doc FROM chunks WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4
                 AND id = ?5";
    let (account, request, run) = run_columns(key.run);
    find(connection, sql, params![account, request, run, key.plan.0, key.id.0], || name(key.run, &key.id.0))
}

/// Whether a power failure may take the change back. An intent must be on the disk before the upload that it announces
/// ends, and an operator's word once he has been answered. But a lease means nothing once its holder has no power
/// either, and a chunk that is leased again because its completion was lost comes to that completion again: its object
/// is known by its intent, and what was made of the completion meanwhile, the manifest, comes to the same bytes.
pub(super) fn may_pass(command: &ChunkCommand) -> bool {
    match command {
        ChunkCommand::Lease { .. } | ChunkCommand::Release { .. } | ChunkCommand::Complete { .. } => true,
        ChunkCommand::Intend { .. }
        | ChunkCommand::Abandon { .. }
        | ChunkCommand::Fail { .. }
        | ChunkCommand::Retry { .. }
        | ChunkCommand::Publish => false,
    }
}

pub(super) fn change(
    connection: &Connection,
    key: &ChunkKey,
    command: ChunkCommand,
    now: Timestamp,
) -> Result<(Chunk, Option<Chunk>), StoreError> {
    let not_found = || StoreError::NotFound(name(key.run, &key.id.0));
    let mut chunk = get(connection, key)?.ok_or_else(not_found)?;
    let successor = chunk.apply(command, now)?;
    update(connection, &chunk)?;
    if let Some(successor) = &successor {
        // A chunk completes once, and indexes of one group never meet; another chunk there would lose rows.
        if !insert(connection, successor)? {
            return Err(StoreError::Conflict(name(key.run, &successor.key().id.0)));
        }
    }
    Ok((chunk, successor))
}

pub(super) fn update(connection: &Connection, chunk: &Chunk) -> Result<(), StoreError> {
    let sql = "UPDATE chunks SET state = ?6, free_at = ?7, published_at = ?8, doc = ?9,
                 object = ?10, rows = ?11, bytes = ?12
               WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND id = ?5";
    let (key, columns) = (chunk.key(), Columns::of(chunk));
    let (account, request, run) = run_columns(key.run);
    let (object, rows, bytes) =
        columns.object.map_or((None, 0, 0), |(name, rows, bytes)| (Some(name), rows, bytes));
    connection.prepare_cached(sql)?.execute(params![
        account,
        request,
        run,
        key.plan.0,
        key.id.0,
        columns.state,
        columns.free_at,
        columns.published_at,
        to_json(chunk),
        object,
        rows,
        bytes
    ])?;
    Ok(())
}

pub(super) fn page(
    connection: &Connection,
    run: RunKey,
    plan: &PlanToken,
    from: Option<&ChunkId>,
    limit: usize,
) -> Result<ChunkPage, StoreError> {
    let (account, request, timestamp) = run_columns(run);
    let from = from.map_or("", |id| &id.0);
    // A page has at least one chunk, so that whoever follows `next` gets on.
    let limit = limit.clamp(1, 1 << 20);
    let params = params![account, request, timestamp, plan.0, from, (limit + 1).cast_signed() as i64];
    let mut chunks: Vec<Chunk> = list(connection, PAGE, params, |id| name(run, id))?;
    let next = chunks.get(limit).map(|chunk| chunk.key().id.clone());
    chunks.truncate(limit);
    Ok(ChunkPage { chunks, next })
}

pub(super) fn tally(
    connection: &Connection,
    run: RunKey,
    plan: &PlanToken,
    now: Timestamp,
) -> Result<ChunkTally, StoreError> {
    let (account, request, timestamp) = run_columns(run);
    let mut statement = connection.prepare_cached(TALLY)?;
    let mut rows = statement.query(params![account, request, timestamp, plan.0, instant_column(now)])?;
    let (mut tally, mut leases) = (ChunkTally::default(), 0);
    while let Some(row) = rows.next()? {
        let count = row.get::<_, i64>(1)?.cast_unsigned();
        match row.get::<_, String>(0)?.as_str() {
            "ready" => tally.ready = count,
            "leased" => leases = count,
            "held" => tally.leased = count,
            "done" => tally.done = count,
            _ => tally.failed = count,
        }
    }
    tally.ready += leases - tally.leased;
    Ok(tally)
}

/// How many chunks of a plan there are, whatever their state.
pub(super) fn count(connection: &Connection, run: RunKey, plan: &PlanToken) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(sum(chunks), 0) FROM tallies
                 WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4";
    let (account, request, timestamp) = run_columns(run);
    let params = params![account, request, timestamp, plan.0];
    let count: i64 = connection.prepare_cached(sql)?.query_row(params, |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// Deletes up to [`BATCH_CHUNKS`] that no plan of the run's needs; gives how many.
pub(super) fn sweep_batch(connection: &Connection, key: RunKey) -> Result<usize, StoreError> {
    let run = runs::existing(connection, key)?;
    let keep = match &run.plan {
        Some(plan) => Some(plan.token.0.as_str()),
        None if run.status.is_closed() => None,
        // Somebody may be planning.
        None => return Ok(0),
    };
    profile_lists::sweep(connection, key, keep)?;
    let sql = "DELETE FROM chunks WHERE rowid IN (SELECT rowid FROM chunks
                 WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan IS NOT ?4 LIMIT ?5)";
    let (account, request, timestamp) = run_columns(key);
    let params = params![account, request, timestamp, keep, BATCH_CHUNKS.cast_signed() as i64];
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}
