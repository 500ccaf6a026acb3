//! The property columns of an export's CSV files.

use std::collections::HashSet;

use super::{
    client::Client,
    documents::{Fields, Stored},
    faults::Fault,
    paths::{self, DocPath, text_id},
    transaction::Transaction,
};
use crate::{
    domain::{AccountId, PropertyColumn, RequestId},
    ports::StoreError,
};

/// Whose columns.
fn records(event_name: Option<&str>) -> String {
    event_name.map_or_else(|| "profiles".to_owned(), |name| format!("event:{name}"))
}

fn path(account: AccountId, request: RequestId, event_name: Option<&str>) -> DocPath {
    paths::export(account, request).child("columns", &text_id(&records(event_name)))
}

fn read(
    stored: Option<Stored>,
    (account, request): (AccountId, RequestId),
    event_name: Option<&str>,
) -> Result<Vec<PropertyColumn>, StoreError> {
    let records = records(event_name);
    let name = || format!("list of columns `{records}` of export {request} in account {account}");
    Ok(stored.map(|stored| stored.read(name)).transpose()?.unwrap_or_default())
}

pub(super) async fn get(
    client: &Client,
    account: AccountId,
    request: RequestId,
    event_name: Option<&str>,
) -> Result<Vec<PropertyColumn>, Fault> {
    let stored = client.get_one(&path(account, request, event_name)).await?;
    Ok(read(stored, (account, request), event_name)?)
}

pub(super) async fn append(
    tx: &Transaction,
    account: AccountId,
    request: RequestId,
    event_name: Option<&str>,
    found: &[PropertyColumn],
) -> Result<Vec<PropertyColumn>, Fault> {
    let path = path(account, request, event_name);
    let mut columns = read(tx.get(&path).await?, (account, request), event_name)?;
    let before = columns.len();
    let mut known: HashSet<PropertyColumn> = columns.iter().cloned().collect();
    columns.extend(found.iter().filter(|column| known.insert((*column).clone())).cloned());
    if columns.len() > before {
        tx.put(path, Fields::of(&columns));
    }
    Ok(columns)
}
