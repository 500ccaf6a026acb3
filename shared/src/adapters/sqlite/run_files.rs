//! What the chunks of a plan have written: added up, and by page.

use rusqlite::{Connection, params};

use super::{
    chunks,
    documents::{list_keyed, run_columns},
};
use crate::{
    domain::{Chunk, PlanToken, RunKey},
    ports::{FilePage, RunFile, StoreError, WrittenSums},
};

pub(super) const SUMS: &str = "
    SELECT count(*), coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM chunks
      WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND object IS NOT NULL";
pub(super) const PAGE: &str = "
    SELECT doc, id, object FROM chunks
      WHERE account = ?1 AND request = ?2 AND run = ?3 AND plan = ?4 AND object > ?5 ORDER BY object LIMIT ?6";

pub(super) fn written(
    connection: &Connection,
    run: RunKey,
    plan: &PlanToken,
) -> Result<WrittenSums, StoreError> {
    let (account, request, timestamp) = run_columns(run);
    let mut statement = connection.prepare_cached(SUMS)?;
    Ok(statement.query_row(params![account, request, timestamp, plan.0], |row| {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok(WrittenSums { files: number(0)?, rows: number(1)?, bytes: number(2)? })
    })?)
}

pub(super) fn page(
    connection: &Connection,
    run: RunKey,
    plan: &PlanToken,
    cursor: Option<&str>,
    limit: usize,
) -> Result<FilePage, StoreError> {
    let (account, request, timestamp) = run_columns(run);
    // A page has at least one file, so that whoever follows `next` gets on.
    let limit = limit.clamp(1, 1 << 20);
    let rows = (limit + 1).cast_signed() as i64;
    let params = params![account, request, timestamp, plan.0, cursor.unwrap_or(""), rows];
    let mut chunks: Vec<(Chunk, String)> = list_keyed(connection, PAGE, params, |id| chunks::name(run, id))?;
    let is_last = chunks.len() <= limit;
    chunks.truncate(limit);
    let next = chunks.last().map(|(_, object)| object.clone()).filter(|_| !is_last);
    let of_chunk = |(chunk, _): &(Chunk, String)| {
        Some(RunFile { file: chunk.manifest_file()?, completed_at: chunk.completed_at() })
    };
    Ok(FilePage { files: chunks.iter().filter_map(of_chunk).collect(), next })
}
