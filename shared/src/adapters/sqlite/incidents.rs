//! Incidents, mailings and notices.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::documents::{account_column, find, instant_column, list, list_readable, to_json};
use crate::{
    domain::{
        AccountId, ChannelKind, Incident, IncidentId, LeaseToken, Mailing, MailingId, Notice, NoticeId,
        PartnerBucket, Superseded,
    },
    ports::{NoticeOutcome, StoreError},
};

fn name(account: AccountId, id: &IncidentId) -> String {
    format!("incident {id} in account {account}")
}

fn notice_name(id: &str) -> String {
    format!("notice {id}")
}

pub(super) fn blocked_buckets(connection: &Connection) -> Result<Vec<PartnerBucket>, StoreError> {
    let sql = "SELECT doc, id FROM buckets
                 WHERE CASE WHEN json_valid(doc) THEN doc ->> '$.state.state' END = 'blocked'
                 ORDER BY account, id";
    list_readable(connection, sql, [], |id| format!("bucket `{id}`"), usize::MAX)
}

/// What is kept of an incident at once.
pub(super) struct Change {
    pub(super) expected: Option<Incident>,
    pub(super) incident: Incident,
    pub(super) mailing: Option<Mailing>,
    pub(super) notices: Vec<Notice>,
}

pub(super) fn put(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    let Change { expected, incident, mailing, notices } = change;
    let account = account_column(incident.account);
    let sql = "SELECT doc FROM incidents WHERE account = ?1 AND id = ?2";
    let known: Option<Incident> = find(connection, sql, params![account, incident.id.as_str()], || {
        name(incident.account, &incident.id)
    })?;
    if known != *expected || (expected.is_none() && has_open(connection, incident)?) {
        return Err(StoreError::Conflict(name(incident.account, &incident.id)));
    }
    let sql = "INSERT INTO incidents (account, id, open, doc) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET open = excluded.open, doc = excluded.doc";
    let params = params![account, incident.id.as_str(), incident.is_open(), to_json(incident)];
    connection.prepare_cached(sql)?.execute(params)?;
    if let Some(mailing) = mailing {
        let sql = "INSERT INTO mailings (account, id, doc) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let params = params![account, mailing.id.as_str(), to_json(mailing)];
        connection.prepare_cached(sql)?.execute(params)?;
    }
    put_notices(connection, notices)
}

/// Whether the bucket of an incident has one that is open.
fn has_open(connection: &Connection, incident: &Incident) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM incidents WHERE open AND account = ?1 AND doc ->> 'bucket' = ?2";
    let params = params![account_column(incident.account), incident.bucket.0];
    Ok(connection.prepare_cached(sql)?.query_row(params, |row| row.get::<_, i64>(0))? > 0)
}

pub(super) fn of_account(
    connection: &Connection,
    account: AccountId,
    limit: usize,
) -> Result<Vec<Incident>, StoreError> {
    let sql = "SELECT doc, id FROM incidents WHERE account = ?1 ORDER BY id DESC LIMIT ?2";
    let params = params![account_column(account), most(limit)];
    list(connection, sql, params, |id| name(account, &IncidentId::of_text(id)))
}

pub(super) fn open_ones(connection: &Connection) -> Result<Vec<Incident>, StoreError> {
    let sql = "SELECT doc, id FROM incidents WHERE open ORDER BY account, id";
    list_readable(connection, sql, [], |id| format!("incident {id}"), usize::MAX)
}

pub(super) fn mailing(
    connection: &Connection,
    account: AccountId,
    id: &MailingId,
) -> Result<Option<Mailing>, StoreError> {
    let sql = "SELECT doc FROM mailings WHERE account = ?1 AND id = ?2";
    let params = params![account_column(account), id.as_str()];
    find(connection, sql, params, || format!("mailing {id} in account {account}"))
}

pub(super) fn put_notices(connection: &Connection, notices: &[Notice]) -> Result<(), StoreError> {
    for notice in notices {
        save_notice(connection, notice, "ON CONFLICT DO NOTHING")?;
    }
    Ok(())
}

fn save_notice(connection: &Connection, notice: &Notice, on_conflict: &str) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO notices (id, account, channel, owed, next_attempt_at, created_at, doc)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) {on_conflict}"
    );
    connection.prepare_cached(&sql)?.execute(params![
        notice.id.as_str(),
        account_column(notice.account),
        notice.task.channel().as_str(),
        notice.is_owed(),
        instant_column(notice.next_attempt_at),
        instant_column(notice.created_at),
        to_json(notice),
    ])?;
    Ok(())
}

const REPLACE: &str = "ON CONFLICT DO UPDATE SET owed = excluded.owed,
    next_attempt_at = excluded.next_attempt_at, doc = excluded.doc";

pub(super) const DUE: &str = "
    SELECT doc, id FROM notices
      WHERE owed AND channel = ?1 AND (next_attempt_at <= ?2 OR next_attempt_at > ?3)
      ORDER BY created_at, id";

pub(super) fn claim(
    connection: &Connection,
    channel: ChannelKind,
    token: LeaseToken,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Notice>, StoreError> {
    let horizon = instant_column(Notice::horizon(now));
    let params = params![channel.as_str(), instant_column(now), horizon];
    let mut due: Vec<Notice> = list_readable(connection, DUE, params, notice_name, limit.max(1))?;
    due.retain_mut(|notice| notice.claim(token, now).is_ok());
    for notice in &due {
        save_notice(connection, notice, REPLACE)?;
    }
    Ok(due)
}

pub(super) const OWED: &str = "
    SELECT doc, id FROM notices INDEXED BY notices_owed
      WHERE owed AND channel = ?1 AND account = ?2 ORDER BY created_at, id";

pub(super) fn owed(
    connection: &Connection,
    account: AccountId,
    channel: ChannelKind,
    limit: usize,
) -> Result<Vec<Notice>, StoreError> {
    let params = params![channel.as_str(), account_column(account)];
    list_readable(connection, OWED, params, notice_name, limit.max(1))
}

pub(super) fn settle(
    connection: &Connection,
    account: AccountId,
    id: &NoticeId,
    outcome: &NoticeOutcome,
    now: Timestamp,
) -> Result<Notice, StoreError> {
    let sql = "SELECT doc FROM notices WHERE id = ?1 AND account = ?2";
    let params = params![id.as_str(), account_column(account)];
    let found: Option<Notice> = find(connection, sql, params, || notice_name(id.as_str()))?;
    let mut notice = found.ok_or_else(|| StoreError::NotFound(notice_name(id.as_str())))?;
    outcome.apply(&mut notice, now).map_err(|Superseded| StoreError::Conflict(notice_name(id.as_str())))?;
    save_notice(connection, &notice, REPLACE)?;
    Ok(notice)
}

pub(super) fn notices(
    connection: &Connection,
    account: AccountId,
    limit: usize,
) -> Result<Vec<Notice>, StoreError> {
    let sql = "SELECT doc, id FROM notices WHERE account = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2";
    list(connection, sql, params![account_column(account), most(limit)], notice_name)
}

fn most(limit: usize) -> i64 {
    limit.clamp(1, 1 << 20).cast_signed() as i64
}
