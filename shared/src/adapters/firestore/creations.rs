//! The keys under which exports were created, so that a repeat gives the first export. Firestore forgets them itself
//! (TTL), some time after they count no more.

use jiff::{SignedDuration, Timestamp};

use super::{
    client::Client,
    documents::{Fields, Stored, instant_number},
    faults::Fault,
    paths::{self, DocPath, text_id},
    transaction::Transaction,
};
use crate::{
    domain::{AccountId, Export, Fingerprint, IDEMPOTENCY_SECS, RequestId},
    ports::{Repeatable, Repeated},
};

fn day() -> SignedDuration {
    SignedDuration::from_secs(IDEMPOTENCY_SECS)
}

fn path(account: AccountId, key: &str) -> DocPath {
    paths::account(account).child("creations", &text_id(key))
}

/// What counts of it: keys that were used before a day are forgotten.
fn counting(stored: &Stored, now: Timestamp) -> Option<Repeated> {
    let since = instant_number(now.saturating_sub(day()).unwrap_or(Timestamp::MIN));
    let request =
        stored.number("request").filter(|_| stored.number("created_at").is_some_and(|at| at >= since))?;
    Some(Repeated {
        request: RequestId(request),
        fingerprint: Fingerprint(stored.text("fingerprint")?.to_owned()),
    })
}

pub(super) async fn get(
    client: &Client,
    account: AccountId,
    key: &str,
    now: Timestamp,
) -> Result<Option<Repeated>, Fault> {
    Ok(client.get_one(&path(account, key)).await?.and_then(|stored| counting(&stored, now)))
}

/// Whether a key is in use.
pub(super) async fn is_known(
    tx: &Transaction,
    account: AccountId,
    key: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    Ok(tx.get(&path(account, key)).await?.and_then(|stored| counting(&stored, now)).is_some())
}

pub(super) fn put(tx: &Transaction, export: &Export, repeatable: &Repeatable, now: Timestamp) {
    let fields = Fields::default()
        .text("fingerprint", &repeatable.fingerprint.0)
        .number("request", export.request.0)
        .number("created_at", instant_number(now))
        .instant("forget_at", now.saturating_add(day()).unwrap_or(Timestamp::MAX));
    tx.put(path(export.account, &repeatable.key), fields);
}
