//! Exports. An export is written by every transaction that changes which of its runs are open, so that what a query
//! says of its runs holds until the export is written.

use jiff::Timestamp;

use super::{
    buckets,
    client::Client,
    creations,
    documents::{Fields, Stored, flag_value, instant_number},
    faults::Fault,
    paths,
    queries::Queries,
    query::Query,
    request_ids, runs,
    transaction::Transaction,
};
use crate::{
    domain::{
        AccountId, BucketId, DataSelection, Export, ExportHistory, ExportSpec, ExportStatus, RequestId,
        RunClosing, RunStatus, StopReason, Superseded,
    },
    ports::{NewExport, Repeatable, StoreError},
};

/// An export with what its document tells beyond it.
pub(super) struct Known {
    pub(super) export: Export,
    /// The days in UTC, since 1970, on which runs were created, in order. One a day at most, of as many days as the
    /// export lives.
    pub(super) run_days: Vec<i64>,
}

pub(super) fn name(account: AccountId, request: RequestId) -> String {
    format!("export {request} in account {account}")
}

pub(super) fn read(stored: &Stored, account: AccountId, request: RequestId) -> Result<Export, StoreError> {
    stored.read(|| name(account, request))
}

/// A new export under a free request id; to be saved.
pub(super) async fn create(tx: &Transaction, new: &NewExport) -> Result<Known, Fault> {
    let repeatable = new.origin.repeatable.as_ref();
    if let Some(Repeatable { key, .. }) = repeatable
        && creations::is_known(tx, new.account, key, new.now).await?
    {
        let known = format!("the creation under the key `{key}` in account {}", new.account);
        return Err(StoreError::Conflict(known).into());
    }
    let bucket = buckets::existing(tx, new.account, &new.spec.bucket).await?;
    buckets::guard(tx, new.account).await?;
    if new.spec.data == DataSelection::AllProfiles
        && let Some(flow) = flow_of(tx.query(flow_query(new.account)).await?.first())
    {
        let flow = name(new.account, flow);
        return Err(StoreError::Conflict(format!("{flow}, which exports user profiles,")).into());
    }
    let second = RequestId(new.now.as_second());
    let export = Export {
        account: new.account,
        request: request_ids::free(tx, new.account, &bucket.bucket_name, second).await?,
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
    request_ids::take(tx, &export, &bucket);
    if let Some(repeatable) = repeatable {
        creations::put(tx, &export, repeatable, new.now);
    }
    Ok(Known { export, run_days: vec![] })
}

fn flow_query(account: AccountId) -> Query {
    Query::new(Queries::ProfilesFlow, Some(&paths::account(account)))
        .equal("profiles_flow", flag_value(true))
        .only(&["__name__"])
        .limit(1)
}

fn flow_of(stored: Option<&Stored>) -> Option<RequestId> {
    stored?.id().parse().ok().map(RequestId)
}

pub(super) async fn profiles_flow(client: &Client, account: AccountId) -> Result<Option<RequestId>, Fault> {
    Ok(flow_of(client.query(flow_query(account), None).await?.documents.first()))
}

pub(super) async fn edit(
    tx: &Transaction,
    (account, request): (AccountId, RequestId),
    expected: &ExportSpec,
    spec: &ExportSpec,
    next_due_at: Option<Timestamp>,
) -> Result<Export, Fault> {
    let mut known = existing(tx, account, request).await?;
    known
        .export
        .edit(expected, spec, next_due_at)
        .map_err(|Superseded| StoreError::Conflict(name(account, request)))?;
    let bucket = buckets::existing(tx, account, &spec.bucket).await?;
    buckets::guard(tx, account).await?;
    request_ids::reserve(tx, &known.export, &bucket).await?;
    // What stopped exports before it finish goes there too, under their own numbers.
    let mut before = known.export.predecessor;
    while let Some(stopped) = before {
        let stopped = existing(tx, account, stopped).await?.export;
        if !stopped.resumed_runs.is_empty() {
            request_ids::reserve(tx, &stopped, &bucket).await?;
        }
        before = stopped.predecessor;
    }
    save(tx, &known);
    Ok(known.export)
}

pub(super) async fn get(
    client: &Client,
    account: AccountId,
    request: RequestId,
) -> Result<Option<Export>, Fault> {
    let stored = client.get_one(&paths::export(account, request)).await?;
    Ok(stored.map(|stored| read(&stored, account, request)).transpose()?)
}

pub(super) async fn existing(
    tx: &Transaction,
    account: AccountId,
    request: RequestId,
) -> Result<Known, Fault> {
    let stored = tx.get(&paths::export(account, request)).await?;
    let stored = stored.ok_or_else(|| StoreError::NotFound(name(account, request)))?;
    Ok(Known { export: read(&stored, account, request)?, run_days: stored.numbers("run_days") })
}

fn fields(known: &Known) -> Fields {
    let Known { export, run_days } = known;
    let is_active = export.is_active();
    let due_at = export.next_due_at.filter(|_| is_active).map(instant_number);
    let fields = Fields::of(export)
        .number("request", export.request.0)
        .text("bucket", &export.spec.bucket.0)
        .text("data", export.spec.data.kind().as_str())
        .text("format", export.spec.format.as_str())
        .text("frequency", export.spec.frequency.kind().as_str())
        .text("status", export.status.kind().as_str())
        .flag("active", is_active)
        .number_if("due_at", due_at)
        .numbers("run_days", run_days);
    if is_active && export.keeps_profiles_flowing() { fields.flag("profiles_flow", true) } else { fields }
}

pub(super) fn save(tx: &Transaction, known: &Known) {
    tx.put(paths::export(known.export.account, known.export.request), fields(known));
}

/// Saves an export that is not there yet.
pub(super) fn save_new(tx: &Transaction, known: &Known) {
    tx.create(paths::export(known.export.account, known.export.request), fields(known));
}

pub(super) async fn stop(
    tx: &Transaction,
    (account, request): (AccountId, RequestId),
    into: Option<&BucketId>,
    reason: &StopReason,
    now: Timestamp,
) -> Result<Export, Fault> {
    let mut known = existing(tx, account, request).await?;
    if known.export.stop(into, reason, now) {
        save(tx, &known);
        for mut run in runs::open_of(tx, account, request).await? {
            let closing = RunClosing::new(&run, RunStatus::Stopped, now);
            if run.status == RunStatus::Owed && run.close(&closing) == Ok(true) {
                runs::save(tx, &run);
            }
        }
    }
    Ok(known.export)
}
