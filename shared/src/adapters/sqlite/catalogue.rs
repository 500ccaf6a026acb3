//! The catalogue: settled days and totals grow; recent days are replaced.

use rusqlite::{Connection, params};

use super::documents::{account_column, find, list, to_json};
use crate::{
    domain::{AccountId, CatalogueDay, CatalogueMark, CatalogueTotal, DataSelection, DateRange, Records},
    ports::{CatalogueUpdate, StoreError},
};

pub(super) const DAYS: &str = "
    SELECT doc, date || ' ' || records FROM catalogue_days
      WHERE account = ?1 AND settled IN (0, 1) AND date BETWEEN ?2 AND ?3 ORDER BY date, records, settled";
/// `?4` is what the column `records` may be, as a JSON list; NULL: any event.
pub(super) const SUMS: &str = "
    SELECT json_set(doc, '$.sums.properties', json('[]')), date || ' ' || records FROM catalogue_days
      WHERE account = ?1 AND settled IN (0, 1) AND date BETWEEN ?2 AND ?3
        AND iif(?4 IS NULL, records <> 'profiles', records IN (SELECT value FROM json_each(?4)))
      ORDER BY date, records, settled";
const RECENT: &str =
    "SELECT doc, date || ' ' || records FROM catalogue_days WHERE account = ?1 AND settled = 0";

fn name(account: AccountId, of: &str) -> String {
    format!("catalogue of account {account}, {of}")
}

fn records_column(records: &Records) -> String {
    records.event_name().map_or_else(|| "profiles".to_owned(), |event| format!("event:{event}"))
}

pub(super) fn mark(connection: &Connection, account: AccountId) -> Result<Option<CatalogueMark>, StoreError> {
    let sql = "SELECT doc FROM catalogue_marks WHERE account = ?1";
    find(connection, sql, [account_column(account)], || name(account, "its mark"))
}

pub(super) fn add(
    connection: &Connection,
    account: AccountId,
    expected: Option<&CatalogueMark>,
    to: &CatalogueMark,
    update: &CatalogueUpdate,
) -> Result<(), StoreError> {
    if mark(connection, account)?.as_ref() != expected {
        return Err(StoreError::Conflict(name(account, "its mark,")));
    }
    let sql = "INSERT INTO catalogue_marks (account, doc) VALUES (?1, ?2)
               ON CONFLICT DO UPDATE SET doc = excluded.doc";
    connection.prepare_cached(sql)?.execute(params![account_column(account), to_json(to)])?;
    let forget = "DELETE FROM catalogue_days WHERE account = ?1 AND settled = 0";
    connection.prepare_cached(forget)?.execute([account_column(account)])?;
    for day in CatalogueDay::merged(own(account, &update.recent)) {
        save_day(connection, &day, false)?;
    }
    let settled = CatalogueDay::merged(own(account, &update.settled));
    for day in &settled {
        let mut whole = day.clone();
        if let Some(known) = settled_day(connection, day)? {
            whole.sums.add(&known.sums);
        }
        save_day(connection, &whole, true)?;
    }
    for mut whole in CatalogueTotal::merged([], &settled) {
        let records = records_column(&whole.records);
        if let Some(known) = total(connection, account, &records)? {
            whole.add(&known);
        }
        let sql = "INSERT INTO catalogue_totals (account, records, doc) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET doc = excluded.doc";
        connection.prepare_cached(sql)?.execute(params![
            account_column(account),
            records,
            to_json(&whole)
        ])?;
    }
    Ok(())
}

/// Whatever a caller says that a document is of, it goes to the account that he names.
fn own(account: AccountId, days: &[CatalogueDay]) -> impl Iterator<Item = CatalogueDay> {
    days.iter().map(move |day| CatalogueDay { account, ..day.clone() })
}

fn save_day(connection: &Connection, day: &CatalogueDay, settled: bool) -> Result<(), StoreError> {
    let sql = "INSERT INTO catalogue_days (account, settled, date, records, doc) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO UPDATE SET doc = excluded.doc";
    connection.prepare_cached(sql)?.execute(params![
        account_column(day.account),
        settled,
        day.date.to_string(),
        records_column(&day.records),
        to_json(day)
    ])?;
    Ok(())
}

fn settled_day(connection: &Connection, day: &CatalogueDay) -> Result<Option<CatalogueDay>, StoreError> {
    let sql = "SELECT doc FROM catalogue_days
                 WHERE account = ?1 AND settled = 1 AND date = ?2 AND records = ?3";
    let (date, records) = (day.date.to_string(), records_column(&day.records));
    let of = format!("{date} {records}");
    find(connection, sql, params![account_column(day.account), date, records], || name(day.account, &of))
}

fn total(
    connection: &Connection,
    account: AccountId,
    records: &str,
) -> Result<Option<CatalogueTotal>, StoreError> {
    let sql = "SELECT doc FROM catalogue_totals WHERE account = ?1 AND records = ?2";
    find(connection, sql, params![account_column(account), records], || name(account, records))
}

pub(super) fn days(
    connection: &Connection,
    account: AccountId,
    days: DateRange,
) -> Result<Vec<CatalogueDay>, StoreError> {
    let params = params![account_column(account), days.first().to_string(), days.last().to_string()];
    list(connection, DAYS, params, |of| name(account, of))
}

pub(super) fn sums(
    connection: &Connection,
    account: AccountId,
    days: DateRange,
    data: &DataSelection,
) -> Result<Vec<CatalogueDay>, StoreError> {
    let column = |name: &String| records_column(&Records::Event(name.clone()));
    let wanted = match data {
        DataSelection::AllEvents => None,
        DataSelection::SelectEvents { names } => Some(names.iter().map(column).collect()),
        DataSelection::AllProfiles => Some(vec![records_column(&Records::Profiles)]),
    };
    let wanted = wanted.map(|wanted: Vec<String>| to_json(&wanted));
    let (first, last) = (days.first().to_string(), days.last().to_string());
    list(connection, SUMS, params![account_column(account), first, last, wanted], |of| name(account, of))
}

pub(super) fn totals(connection: &Connection, account: AccountId) -> Result<Vec<CatalogueTotal>, StoreError> {
    // Both reads are of one instant, so that what settles between them is neither lost nor counted twice.
    let snapshot = connection.unchecked_transaction()?;
    let sql = "SELECT doc, records FROM catalogue_totals WHERE account = ?1";
    let totals: Vec<CatalogueTotal> =
        list(&snapshot, sql, [account_column(account)], |of| name(account, of))?;
    let recent: Vec<CatalogueDay> =
        list(&snapshot, RECENT, [account_column(account)], |of| name(account, of))?;
    Ok(CatalogueTotal::merged(totals, &recent))
}
