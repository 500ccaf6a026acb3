//! The keys under which exports were created, so that a repeat gives the first export.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::documents::{account_column, instant_column};
use crate::{
    domain::{AccountId, Export, Fingerprint, IDEMPOTENCY_SECS, RequestId},
    ports::{Repeatable, Repeated, StoreError},
};

/// Keys that were used before it are forgotten.
fn forgotten_before(now: Timestamp) -> i64 {
    let day = SignedDuration::from_secs(IDEMPOTENCY_SECS);
    instant_column(now.saturating_sub(day).unwrap_or(Timestamp::MIN))
}

pub(super) fn get(
    connection: &Connection,
    account: AccountId,
    key: &str,
    now: Timestamp,
) -> Result<Option<Repeated>, StoreError> {
    let sql =
        "SELECT request, fingerprint FROM creations WHERE account = ?1 AND key = ?2 AND created_at >= ?3";
    let params = params![account_column(account), key, forgotten_before(now)];
    let repeated = connection.prepare_cached(sql)?.query_row(params, |row| {
        Ok(Repeated { request: RequestId(row.get(0)?), fingerprint: Fingerprint(row.get(1)?) })
    });
    Ok(repeated.optional()?)
}

/// Keeps a key, and forgets what is too old, a little at a time.
pub(super) fn put(
    connection: &Connection,
    export: &Export,
    repeatable: &Repeatable,
    now: Timestamp,
) -> Result<(), StoreError> {
    let old = "DELETE FROM creations WHERE (account, key) IN
                 (SELECT account, key FROM creations WHERE created_at < ?1 LIMIT 100)";
    connection.prepare_cached(old)?.execute([forgotten_before(now)])?;
    let sql =
        "INSERT INTO creations (account, key, fingerprint, request, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, request = excluded.request,
                 created_at = excluded.created_at";
    connection.prepare_cached(sql)?.execute(params![
        account_column(export.account),
        repeatable.key,
        repeatable.fingerprint.0,
        export.request.0,
        instant_column(now),
    ])?;
    Ok(())
}
