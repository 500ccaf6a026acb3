//! Request ids: free in the account and in the bucket's name at Google, whichever accounts export there.
//!
//! Who takes one creates a document under the bucket's name, which nobody else can create then.

use super::{
    documents::{Fields, account_text, flag_value, text_value},
    faults::Fault,
    paths::{self, DocPath, number_id, text_id},
    queries::Queries,
    query::Query,
    transaction::Transaction,
};
use crate::{
    domain::{AccountId, BucketId, Export, PartnerBucket, RequestId},
    ports::StoreError,
};

/// How many ids are looked at at once, at most.
const MOST_AT_ONCE: usize = 128;

fn path(bucket_name: &str, request: RequestId) -> DocPath {
    DocPath::top("bucket_names", &text_id(bucket_name)).child("requests", &number_id(request.0))
}

/// The first id from `request` on that is free.
pub(super) async fn free(
    tx: &Transaction,
    account: AccountId,
    bucket_name: &str,
    mut request: RequestId,
) -> Result<RequestId, Fault> {
    // Most seconds are free.
    let mut count = 1;
    loop {
        let requests: Vec<_> =
            std::iter::successors(Some(request), |id| Some(id.next())).take(count).collect();
        let both = |id: &RequestId| [paths::export(account, *id), path(bucket_name, *id)];
        let found = tx.look_at(&requests.iter().flat_map(both).collect::<Vec<_>>()).await?;
        let is_free = |stored: &[Option<_>]| stored.iter().all(Option::is_none);
        if let Some(free) = found.chunks(2).position(is_free) {
            return Ok(requests[free]);
        }
        request = requests[count - 1].next();
        count = (count * 4).min(MOST_AT_ONCE);
    }
}

/// Takes an id that was free.
pub(super) fn take(tx: &Transaction, export: &Export, bucket: &PartnerBucket) {
    let holder = Fields::default().text("account", account_text(export.account));
    tx.create(path(&bucket.bucket_name, export.request), holder);
}

/// Takes the export's request id in the bucket's name at Google, where it has not got it.
pub(super) async fn reserve(tx: &Transaction, export: &Export, bucket: &PartnerBucket) -> Result<(), Fault> {
    match tx.get(&path(&bucket.bucket_name, export.request)).await? {
        None => take(tx, export, bucket),
        Some(taken) if taken.text("account") == Some(&account_text(export.account)) => {}
        Some(_) => {
            let (request, bucket_name) = (export.request, bucket.bucket_name.clone());
            return Err(StoreError::NumberTaken { request, bucket_name }.into());
        }
    }
    Ok(())
}

/// The active exports into a bucket.
pub(super) async fn active_into(
    tx: &Transaction,
    account: AccountId,
    bucket: &BucketId,
) -> Result<Vec<RequestId>, Fault> {
    let query = Query::new(Queries::ExportsIntoBucket, Some(&paths::account(account)))
        .equal("active", flag_value(true))
        .equal("bucket", text_value(&bucket.0))
        .only(&["__name__"]);
    let found = tx.query(query).await?;
    Ok(found.iter().filter_map(|stored| stored.id().parse().ok().map(RequestId)).collect())
}

/// Takes the request ids of the active exports into `bucket` under its name at Google.
pub(super) async fn move_to(tx: &Transaction, bucket: &PartnerBucket) -> Result<(), Fault> {
    let holder = account_text(bucket.account);
    let requests = active_into(tx, bucket.account, &bucket.id).await?;
    let paths: Vec<_> = requests.iter().map(|request| path(&bucket.bucket_name, *request)).collect();
    let known = tx.look_at(&paths).await?;
    for ((request, path), known) in requests.into_iter().zip(paths).zip(known) {
        match known {
            None => tx.create(path, Fields::default().text("account", &holder)),
            Some(taken) if taken.text("account") == Some(&holder) => {}
            Some(_) => {
                let (bucket_name, id) = (&bucket.bucket_name, &bucket.id);
                return Err(StoreError::Conflict(format!(
                    "bucket `{id}`: export {request} cannot move to `{bucket_name}`, where another export has its \
                     number; whom that bucket serves"
                ))
                .into());
            }
        }
    }
    Ok(())
}
