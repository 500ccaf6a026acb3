//! Exports and the request ids that they hold.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    buckets,
    documents::{account_column, find, to_json},
    runs,
};
use crate::{
    domain::{AccountId, Export, ExportStatus, PartnerBucket, RequestId, RunStatus, RunTotals, StopReason},
    ports::{NewExport, StoreError},
};

pub(super) fn name(account: AccountId, request: RequestId) -> String {
    format!("export {request} in account {account}")
}

pub(super) fn create(connection: &Connection, new: &NewExport) -> Result<Export, StoreError> {
    let bucket = buckets::existing(connection, new.account, &new.spec.bucket)?;
    let mut request = RequestId(new.now.as_second());
    while is_taken(connection, new.account, &bucket.bucket_name, request)? {
        request = request.next();
    }
    let export = Export {
        account: new.account,
        request,
        spec: new.spec.clone(),
        status: ExportStatus::Pending,
        created_at: new.now,
        planned_cut: None,
        delivered_cut: None,
        next_due_at: new.next_due_at,
    };
    save(connection, &export)?;
    let sql = "INSERT INTO request_ids (bucket_name, request, account) VALUES (?1, ?2, ?3)";
    let account = account_column(new.account);
    connection.prepare_cached(sql)?.execute(params![bucket.bucket_name, request.0, account])?;
    Ok(export)
}

fn is_taken(
    connection: &Connection,
    account: AccountId,
    bucket_name: &str,
    request: RequestId,
) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM exports WHERE account = ?1 AND request = ?2)
                   OR EXISTS (SELECT 1 FROM request_ids WHERE bucket_name = ?3 AND request = ?2)";
    let params = params![account_column(account), request.0, bucket_name];
    Ok(connection.prepare_cached(sql)?.query_row(params, |row| row.get(0))?)
}

/// Takes the request ids of the active exports into `bucket` under its name at Google.
pub(super) fn move_to(connection: &Connection, bucket: &PartnerBucket) -> Result<(), StoreError> {
    let params = params![bucket.bucket_name, account_column(bucket.account), bucket.id.0];
    let clash = "SELECT request FROM request_ids WHERE bucket_name = ?1 AND account <> ?2 AND request IN
                   (SELECT request FROM exports WHERE account = ?2 AND bucket = ?3 AND active) LIMIT 1";
    let clash = connection.prepare_cached(clash)?.query_row(params, |row| row.get::<_, i64>(0)).optional()?;
    if let Some(request) = clash {
        let (bucket_name, id) = (&bucket.bucket_name, &bucket.id);
        return Err(StoreError::Conflict(format!(
            "bucket `{id}`: export {request} cannot move to `{bucket_name}`, where another export has its \
             number; whom that bucket serves"
        )));
    }
    let take = "INSERT OR IGNORE INTO request_ids (bucket_name, request, account)
                  SELECT ?1, request, account FROM exports WHERE account = ?2 AND bucket = ?3 AND active";
    connection.prepare_cached(take)?.execute(params)?;
    Ok(())
}

pub(super) fn get(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
) -> Result<Option<Export>, StoreError> {
    let sql = "SELECT doc FROM exports WHERE account = ?1 AND request = ?2";
    find(connection, sql, [account_column(account), request.0], || name(account, request))
}

pub(super) fn existing(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
) -> Result<Export, StoreError> {
    get(connection, account, request)?.ok_or_else(|| StoreError::NotFound(name(account, request)))
}

pub(super) fn save(connection: &Connection, export: &Export) -> Result<(), StoreError> {
    let sql = "INSERT INTO exports (account, request, bucket, active, doc) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO UPDATE SET bucket = excluded.bucket, active = excluded.active, doc = excluded.doc";
    connection.prepare_cached(sql)?.execute(params![
        account_column(export.account),
        export.request.0,
        export.spec.bucket.0,
        export.is_active(),
        to_json(export),
    ])?;
    Ok(())
}

pub(super) fn stop(
    connection: &Connection,
    account: AccountId,
    request: RequestId,
    reason: &StopReason,
    now: Timestamp,
) -> Result<Export, StoreError> {
    let mut export = existing(connection, account, request)?;
    if export.stop(reason, now) {
        save(connection, &export)?;
        for mut run in runs::all(connection, account, request)? {
            if run.status == RunStatus::Owed
                && run.close(RunStatus::Stopped, RunTotals::default(), now) == Ok(true)
            {
                runs::save(connection, &run)?;
            }
        }
    }
    Ok(export)
}
