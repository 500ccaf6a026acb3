//! The catalogue: settled days and totals grow; recent days are replaced.
//!
//! A settled day has a document a day and event. What is recent is one list over a few documents, for it is replaced as
//! a whole each time.

use super::{
    client::Client,
    documents::{Fields, Stored, text_value},
    faults::Fault,
    paths::{self, DocPath, text_id},
    queries::Queries,
    query::Query,
    transaction::Transaction,
};
use crate::{
    domain::{AccountId, CatalogueDay, CatalogueMark, CatalogueTotal, DateRange, Records},
    ports::{CatalogueUpdate, StoreError},
};

/// How many recent days one document holds, each of up to 40 KB of names of properties before it is packed.
const RECENT_DAYS: usize = 20;

fn name(account: AccountId, of: &str) -> String {
    format!("catalogue of account {account}, {of}")
}

fn records_text(records: &Records) -> String {
    records.event_name().map_or_else(|| "profiles".to_owned(), |event| format!("event:{event}"))
}

fn mark_path(account: AccountId) -> DocPath {
    paths::account(account).child("catalogue", "mark")
}

fn day_path(day: &CatalogueDay) -> DocPath {
    let id = format!("{}-{}", day.date, text_id(&records_text(&day.records)));
    paths::account(day.account).child("catalogue_days", &id)
}

fn total_path(account: AccountId, records: &Records) -> DocPath {
    paths::account(account).child("catalogue_totals", &text_id(&records_text(records)))
}

fn read_mark(stored: Option<Stored>, account: AccountId) -> Result<Option<CatalogueMark>, StoreError> {
    stored.map(|stored| stored.read(|| name(account, "its mark"))).transpose()
}

fn read<T: serde::de::DeserializeOwned>(stored: &Stored, account: AccountId) -> Result<T, StoreError> {
    stored.read(|| name(account, stored.id()))
}

pub(super) async fn mark(client: &Client, account: AccountId) -> Result<Option<CatalogueMark>, Fault> {
    Ok(read_mark(client.get_one(&mark_path(account)).await?, account)?)
}

/// Everyone who adds writes the mark, so that what is read here stays as it is; it is looked at only.
pub(super) async fn add(
    tx: &Transaction,
    account: AccountId,
    expected: Option<&CatalogueMark>,
    to: &CatalogueMark,
    update: &CatalogueUpdate,
) -> Result<(), Fault> {
    let known = tx.get(&mark_path(account)).await?;
    if read_mark(known, account)?.as_ref() != expected {
        return Err(StoreError::Conflict(name(account, "its mark,")).into());
    }
    tx.put(mark_path(account), Fields::of(to));
    let recent = Query::new(Queries::CatalogueRecent, Some(&paths::account(account))).only(&["__name__"]);
    for old in tx.query(recent).await? {
        tx.delete(old.path);
    }
    let recent: Vec<_> = CatalogueDay::merged(own(account, &update.recent));
    for (part, days) in recent.chunks(RECENT_DAYS).enumerate() {
        let path = paths::account(account).child("catalogue_recent", &part.to_string());
        tx.put(path, Fields::of(&days));
    }
    let settled = CatalogueDay::merged(own(account, &update.settled));
    let known = tx.look_at(&settled.iter().map(day_path).collect::<Vec<_>>()).await?;
    for (day, known) in settled.iter().zip(known) {
        let mut whole = day.clone();
        if let Some(stored) = known {
            whole.sums.add(&read::<CatalogueDay>(&stored, account)?.sums);
        }
        tx.put(day_path(day), Fields::of(&whole).text("date", day.date.to_string()));
    }
    let mut totals = CatalogueTotal::merged([], &settled);
    let paths: Vec<_> = totals.iter().map(|total| total_path(account, &total.records)).collect();
    let known = tx.look_at(&paths).await?;
    for ((whole, path), known) in totals.iter_mut().zip(paths).zip(known) {
        if let Some(stored) = known {
            whole.add(&read(&stored, account)?);
        }
        tx.put(path, Fields::of(whole));
    }
    Ok(())
}

/// Whatever a caller says that a document is of, it goes to the account that he names.
fn own(account: AccountId, days: &[CatalogueDay]) -> impl Iterator<Item = CatalogueDay> {
    days.iter().map(move |day| CatalogueDay { account, ..day.clone() })
}

fn recent_days(found: &[Stored], account: AccountId) -> Result<Vec<CatalogueDay>, StoreError> {
    let mut all = Vec::new();
    for stored in found {
        all.extend(read::<Vec<CatalogueDay>>(stored, account)?);
    }
    Ok(all)
}

pub(super) async fn days(
    client: &Client,
    account: AccountId,
    days: DateRange,
) -> Result<Vec<CatalogueDay>, Fault> {
    let parent = paths::account(account);
    let settled = Query::new(Queries::CatalogueDays, Some(&parent))
        .from(text_value(days.first().to_string()))
        .upto(text_value(days.last().to_string()));
    let settled = client.query(settled, None).await?;
    // Of the same instant, so that what settles in between is there once.
    let recent = client.query(Query::new(Queries::CatalogueRecent, Some(&parent)), settled.read_at).await?;
    let recent = recent_days(&recent.documents, account)?.into_iter().filter(|day| days.contains(day.date));
    let mut all: Vec<_> = recent.map(|day| (day, false)).collect();
    for stored in &settled.documents {
        all.push((read(stored, account)?, true));
    }
    let key = |(day, settled): &(CatalogueDay, bool)| (day.date, records_text(&day.records), *settled);
    all.sort_by_key(key);
    Ok(all.into_iter().map(|(day, _)| day).collect())
}

pub(super) async fn totals(client: &Client, account: AccountId) -> Result<Vec<CatalogueTotal>, Fault> {
    let parent = paths::account(account);
    let found = client.query(Query::new(Queries::CatalogueTotals, Some(&parent)), None).await?;
    // Of the same instant, so that what settles in between is neither lost nor counted twice.
    let recent = client.query(Query::new(Queries::CatalogueRecent, Some(&parent)), found.read_at).await?;
    let totals: Vec<CatalogueTotal> =
        found.documents.iter().map(|stored| read(stored, account)).collect::<Result<_, _>>()?;
    Ok(CatalogueTotal::merged(totals, &recent_days(&recent.documents, account)?))
}
