//! Exports and the request ids that they hold.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    buckets, creations,
    documents::{account_column, find, instant_column, to_json},
    export_lists, runs,
};
use crate::{
    domain::{
        AccountId, BucketId, DataSelection, Export, ExportHistory, ExportSpec, ExportStatus, PartnerBucket,
        RequestId, RunClosing, RunStatus, StopReason, Superseded,
    },
    ports::{NewExport, Repeatable, StoreError},
};

pub(super) fn name(account: AccountId, request: RequestId) -> String {
    format!("export {request} in account {account}")
}

pub(super) fn create(connection: &Connection, new: &NewExport) -> Result<Export, StoreError> {
    let repeatable = new.origin.repeatable.as_ref();
    if let Some(Repeatable { key, .. }) = repeatable
        && creations::get(connection, new.account, key, new.now)?.is_some()
    {
        return Err(StoreError::Conflict(format!(
            "the creation under the key `{key}` in account {}",
            new.account
        )));
    }
    let bucket = buckets::existing(connection, new.account, &new.spec.bucket)?;
    if new.spec.data == DataSelection::AllProfiles
        && let Some(flow) = export_lists::profiles_flow(connection, new.account)?
    {
        return Err(StoreError::Conflict(format!(
            "{}, which exports user profiles,",
            name(new.account, flow)
        )));
    }
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
        created_by: new.origin.created_by.clone(),
        history: ExportHistory::default(),
        successor: None,
        predecessor: None,
        begins_at: None,
        resumed_runs: Vec::new(),
    };
    save(connection, &export)?;
    reserve(connection, &export, &bucket)?;
    if let Some(repeatable) = repeatable {
        creations::put(connection, &export, repeatable, new.now)?;
    }
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

/// Takes the export's request id in the bucket's name at Google.
fn reserve(connection: &Connection, export: &Export, bucket: &PartnerBucket) -> Result<(), StoreError> {
    let sql = "INSERT INTO request_ids (bucket_name, request, account) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET account = account RETURNING account";
    let account = account_column(export.account);
    let params = params![bucket.bucket_name, export.request.0, account];
    let holder: i64 = connection.prepare_cached(sql)?.query_row(params, |row| row.get(0))?;
    if holder != account {
        let (request, bucket_name) = (export.request, bucket.bucket_name.clone());
        return Err(StoreError::NumberTaken { request, bucket_name });
    }
    Ok(())
}

pub(super) fn edit(
    connection: &Connection,
    (account, request): (AccountId, RequestId),
    expected: &ExportSpec,
    spec: &ExportSpec,
    next_due_at: Option<Timestamp>,
) -> Result<Export, StoreError> {
    let mut export = existing(connection, account, request)?;
    export
        .edit(expected, spec, next_due_at)
        .map_err(|Superseded| StoreError::Conflict(name(account, request)))?;
    let bucket = buckets::existing(connection, account, &spec.bucket)?;
    reserve(connection, &export, &bucket)?;
    // What stopped exports before it finish goes there too, under their own numbers.
    let mut before = export.predecessor;
    while let Some(stopped) = before {
        let stopped = existing(connection, account, stopped)?;
        if !stopped.resumed_runs.is_empty() {
            reserve(connection, &stopped, &bucket)?;
        }
        before = stopped.predecessor;
    }
    save(connection, &export)?;
    Ok(export)
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
    let sql = "INSERT INTO exports (account, request, bucket, active, doc, data, format, status, frequency, due_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
               ON CONFLICT DO UPDATE SET bucket = excluded.bucket, active = excluded.active, doc = excluded.doc,
                 data = excluded.data, format = excluded.format, status = excluded.status,
                 frequency = excluded.frequency, due_at = excluded.due_at";
    connection.prepare_cached(sql)?.execute(params![
        account_column(export.account),
        export.request.0,
        export.spec.bucket.0,
        export.is_active(),
        to_json(export),
        export.spec.data.kind().as_str(),
        export.spec.format.as_str(),
        export.status.kind().as_str(),
        export.spec.frequency.kind().as_str(),
        export.next_due_at.map(instant_column),
    ])?;
    Ok(())
}

pub(super) fn stop(
    connection: &Connection,
    (account, request): (AccountId, RequestId),
    into: Option<&BucketId>,
    reason: &StopReason,
    now: Timestamp,
) -> Result<Export, StoreError> {
    let mut export = existing(connection, account, request)?;
    if export.stop(into, reason, now) {
        save(connection, &export)?;
        for mut run in runs::open_of(connection, account, request)? {
            let closing = RunClosing::new(&run, RunStatus::Stopped, now);
            if run.status == RunStatus::Owed && run.close(&closing) == Ok(true) {
                runs::save(connection, &run)?;
            }
        }
    }
    Ok(export)
}
