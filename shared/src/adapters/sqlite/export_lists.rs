//! Exports listed, for customers and for the scheduler.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    documents::{account_column, instant_column, instant_of_column, list_each},
    exports,
};
use crate::{
    domain::{
        AccountId, DataKind, Export, ExportFilter, ExportedOn, Format, FrequencyKind, RequestId, StatusKind,
    },
    ports::{DueExport, ExportPage, StoreError},
};

// The index covers all that decides but the runs, so that a rare filter does not read the documents that it passes.
pub(super) const PAGE: &str = "
    SELECT doc, request || '' FROM exports INDEXED BY exports_listed
      WHERE account = ?1 AND request < ?2
        AND (?3 IS NULL OR bucket = ?3) AND (?4 IS NULL OR data = ?4) AND (?5 IS NULL OR format = ?5)
        AND (?6 IS NULL OR status = ?6) AND (?7 IS NULL OR frequency = ?7)
        AND (?8 IS NULL OR EXISTS (SELECT 1 FROM runs
          WHERE runs.account = exports.account AND runs.request = exports.request AND run >= ?8 AND run < ?9))
      ORDER BY request DESC LIMIT ?10";
pub(super) const DUE: &str = "
    SELECT due_at, account, request FROM exports
      WHERE active AND due_at <= ?1 AND (due_at, account, request) > (?2, ?3, ?4)
      ORDER BY due_at, account, request LIMIT ?5";
pub(super) const PROFILES_FLOW: &str = "
    SELECT request FROM exports
      WHERE account = ?1 AND active AND data = 'all-profiles' AND frequency <> 'one-time' LIMIT 1";

pub(super) fn page(
    connection: &Connection,
    account: AccountId,
    filter: &ExportFilter,
    cursor: Option<RequestId>,
    limit: usize,
) -> Result<ExportPage, StoreError> {
    // A page has at least one export, so that whoever follows `next` gets on.
    let limit = limit.clamp(1, 1 << 20);
    let runs = filter.exported_on.as_ref().map(ExportedOn::runs);
    let params = params![
        account_column(account),
        cursor.map_or(i64::MAX, |request| request.0),
        filter.bucket.as_ref().map(|bucket| &bucket.0),
        filter.data.map(DataKind::as_str),
        filter.format.map(Format::as_str),
        filter.status.map(StatusKind::as_str),
        filter.frequency.map(FrequencyKind::as_str),
        runs.map(|(from, _)| from.0),
        runs.map(|(_, to)| to.0),
        (limit + 1).cast_signed() as i64,
    ];
    let name =
        |request: &str| request.parse().map_or_else(|_| request.to_owned(), |id| exports::name(account, id));
    let mut found: Vec<(Option<Export>, String)> = list_each(connection, PAGE, params, name)?;
    let is_last = found.len() <= limit;
    found.truncate(limit);
    // By the rows, so that a page that ends with a damaged one has the right next one.
    let next = found.last().and_then(|(_, request)| request.parse().ok()).filter(|_| !is_last);
    Ok(ExportPage { exports: found.into_iter().filter_map(|(export, _)| export).collect(), next })
}

pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    after: Option<&DueExport>,
    limit: usize,
) -> Result<Vec<DueExport>, StoreError> {
    let (due_at, account, request) = after.map_or((i64::MIN, i64::MIN, i64::MIN), |after| {
        (instant_column(after.next_due_at), account_column(after.account), after.request.0)
    });
    let limit = limit.clamp(1, 1 << 20).cast_signed() as i64;
    let mut statement = connection.prepare_cached(DUE)?;
    let rows = statement.query_map(params![instant_column(now), due_at, account, request, limit], |row| {
        Ok(DueExport {
            next_due_at: instant_of_column(row.get(0)?),
            account: AccountId(row.get::<_, i64>(1)?.cast_unsigned()),
            request: RequestId(row.get(2)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn profiles_flow(
    connection: &Connection,
    account: AccountId,
) -> Result<Option<RequestId>, StoreError> {
    let mut statement = connection.prepare_cached(PROFILES_FLOW)?;
    Ok(statement.query_row([account_column(account)], |row| row.get(0).map(RequestId)).optional()?)
}
