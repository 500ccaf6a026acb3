//! Taking the next messages of a plan.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    chunks,
    documents::{instant_column, list, run_columns},
};
use crate::{
    domain::{CLOCK_SKEW_SECS, Chunk, ChunkCommand, ChunkId, PlanToken, RunKey},
    ports::{ClaimLimits, StoreError},
};

/// The most chunks that a message names (DESIGN, How a run becomes chunks). As many are enough for one claim.
const MESSAGE_CHUNKS: usize = 50;

/// The messages that are out. Little is read: few are out at a time, of few chunks each.
pub(super) const OUTSTANDING: &str = "
    SELECT count(DISTINCT message) FROM chunks
      WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND free_at IS NOT NULL
        AND published_at BETWEEN ?5 AND ?6";
// Three reads, each of one range of the index `chunks_claim`: what was never published, in the order of messages;
// and what was published too long ago, or before the clock went back, which is little too. Chunks of messages that
// are out are passed over.
pub(super) const LOWEST_MESSAGE: &str = "
    WITH outstanding AS (SELECT DISTINCT message FROM chunks
      WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND free_at IS NOT NULL
        AND published_at BETWEEN ?6 AND ?7)
    SELECT message FROM (
      SELECT * FROM (SELECT message FROM chunks
        WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND free_at <= ?5
          AND published_at IS NULL AND message NOT IN outstanding ORDER BY message LIMIT 1)
      UNION ALL
      SELECT * FROM (SELECT message FROM chunks
        WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND free_at <= ?5
          AND published_at < ?6 AND message NOT IN outstanding ORDER BY message LIMIT 1)
      UNION ALL
      SELECT * FROM (SELECT message FROM chunks
        WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND free_at <= ?5
          AND published_at > ?7 AND message NOT IN outstanding ORDER BY message LIMIT 1)
    ) ORDER BY message LIMIT 1";
pub(super) const OF_MESSAGE: &str = "
    SELECT doc, id FROM chunks
      WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND free_at <= ?5
        AND published_at IS NULL AND message = ?8
    UNION ALL
    SELECT doc, id FROM chunks
      WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND free_at <= ?5
        AND published_at < ?6 AND message = ?8
    UNION ALL
    SELECT doc, id FROM chunks
      WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND free_at <= ?5
        AND published_at > ?7 AND message = ?8
    ORDER BY id LIMIT ?9";

pub(super) fn claim(
    connection: &Connection,
    run: RunKey,
    plan: &PlanToken,
    lost_before: Timestamp,
    limits: ClaimLimits,
    now: Timestamp,
) -> Result<Option<Vec<Vec<ChunkId>>>, StoreError> {
    let (account, request, timestamp) = run_columns(run);
    let lost_before = instant_column(lost_before);
    let skew = SignedDuration::from_secs(CLOCK_SKEW_SECS);
    // Not before `lost_before`, so that nothing is lost twice over.
    let lost_behind = instant_column(now.saturating_add(skew).unwrap_or(Timestamp::MAX)).max(lost_before);
    let outstanding: i64 = connection
        .prepare_cached(OUTSTANDING)?
        .query_row(params![account, request, timestamp, plan.0, lost_before, lost_behind], |row| {
            row.get(0)
        })?;
    let room = limits.room(usize::try_from(outstanding).unwrap_or(usize::MAX));
    if room == 0 {
        return Ok(None);
    }
    let (mut messages, mut chunks) = (Vec::new(), 0);
    while messages.len() < room && chunks < MESSAGE_CHUNKS {
        let claimed = claim_next(connection, (run, plan), (lost_before, lost_behind), now)?;
        if claimed.is_empty() {
            break;
        }
        chunks += claimed.len();
        messages.push(claimed);
    }
    Ok(Some(messages))
}

/// The next message alone; what was claimed before is out.
fn claim_next(
    connection: &Connection,
    (run, plan): (RunKey, &PlanToken),
    (lost_before, lost_behind): (i64, i64),
    now: Timestamp,
) -> Result<Vec<ChunkId>, StoreError> {
    let (account, request, timestamp) = run_columns(run);
    let free_at = instant_column(now);
    let message: Option<i64> = connection
        .prepare_cached(LOWEST_MESSAGE)?
        .query_row(params![account, request, timestamp, plan.0, free_at, lost_before, lost_behind], |row| {
            row.get(0)
        })
        .optional()?;
    let Some(message) = message else { return Ok(vec![]) };
    let params = params![
        account,
        request,
        timestamp,
        plan.0,
        free_at,
        lost_before,
        lost_behind,
        message,
        MESSAGE_CHUNKS.cast_signed() as i64
    ];
    let free: Vec<Chunk> = list(connection, OF_MESSAGE, params, |id| chunks::name(run, id))?;
    let mut claimed = Vec::with_capacity(free.len());
    for mut chunk in free {
        chunk.apply(ChunkCommand::Publish, now)?;
        chunks::update(connection, &chunk)?;
        claimed.push(chunk.key().id.clone());
    }
    Ok(claimed)
}
