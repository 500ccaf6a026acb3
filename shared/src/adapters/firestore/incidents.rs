//! Incidents, mailings and notices.
//!
//! A notice that is owed says by which way in `owed_by`, and has no such field once it is settled: so the query for
//! what is due passes over all that was ever sent.

use jiff::Timestamp;

use super::{
    client::Client,
    documents::{Fields, Stored, account_text, flag_value, instant_number, number_value, text_value},
    faults::Fault,
    paths::{self, DocPath, text_id},
    queries::Queries,
    query::Query,
    transaction::Transaction,
};
use crate::{
    domain::{
        AccountId, ChannelKind, Incident, IncidentId, LeaseToken, Mailing, MailingId, Notice, NoticeId,
        PartnerBucket, Superseded,
    },
    ports::{IncidentChange, NoticeOutcome, StoreError},
};

/// How many owed notices of an account are looked at for the first one that can be read.
const FIRST_LOOKED_AT: usize = 4;

fn name(account: AccountId, id: &IncidentId) -> String {
    format!("incident {id} in account {account}")
}

fn path(account: AccountId, id: &IncidentId) -> DocPath {
    paths::account(account).child("incidents", &text_id(id.as_str()))
}

fn mailing_path(account: AccountId, id: &MailingId) -> DocPath {
    paths::account(account).child("mailings", &text_id(id.as_str()))
}

/// At the top, so that what is due of all accounts is found by one query.
fn notice_path(id: &NoticeId) -> DocPath {
    DocPath::top("notices", &text_id(id.as_str()))
}

fn read_notice(stored: &Stored) -> Result<Notice, StoreError> {
    stored.read(|| format!("notice {}", stored.id()))
}

pub(super) async fn blocked_buckets(client: &Client) -> Result<Vec<PartnerBucket>, Fault> {
    let query = Query::new(Queries::BlockedBuckets, None).equal("blocked", flag_value(true));
    let found = client.query(query, None).await?.documents;
    let read = |stored: &Stored| stored.readable(|| format!("bucket `{}`", stored.id()));
    let mut buckets: Vec<PartnerBucket> = found.iter().filter_map(read).collect();
    buckets.sort_by(|a, b| (a.account, &a.id.0).cmp(&(b.account, &b.id.0)));
    Ok(buckets)
}

pub(super) async fn put(tx: &Transaction, change: IncidentChange<'_>) -> Result<(), Fault> {
    let IncidentChange { expected, incident, mailing, notices } = change;
    let (account, path) = (incident.account, path(incident.account, &incident.id));
    let known = tx.get(&path).await?;
    let known: Option<Incident> =
        known.map(|stored| stored.read(|| name(account, &incident.id))).transpose()?;
    if known.as_ref() != expected || (expected.is_none() && has_open(tx, incident).await?) {
        return Err(StoreError::Conflict(name(account, &incident.id)).into());
    }
    let fields = Fields::of(incident)
        .text("account", account_text(account))
        .text("id", incident.id.as_str())
        .flag("open", incident.is_open());
    tx.put(path, fields);
    if let Some(mailing) = mailing {
        // Its id says what it tells, so that whoever writes it again writes the same.
        tx.put(mailing_path(account, &mailing.id), Fields::of(mailing));
    }
    put_notices(tx, notices).await
}

/// Whether the bucket of an incident has one that is open.
async fn has_open(tx: &Transaction, incident: &Incident) -> Result<bool, Fault> {
    let account = paths::account(incident.account);
    let open = Query::new(Queries::OpenIncidentsOf, Some(&account)).equal("open", flag_value(true));
    let read = |stored: &Stored| stored.readable(|| format!("incident {}", stored.id()));
    Ok(tx.query(open).await?.iter().filter_map(read).any(|open: Incident| open.bucket == incident.bucket))
}

pub(super) async fn of_account(
    client: &Client,
    account: AccountId,
    limit: usize,
) -> Result<Vec<Incident>, Fault> {
    let query = Query::new(Queries::Incidents, Some(&paths::account(account))).limit(limit.max(1));
    let found = client.query(query, None).await?.documents;
    let read = |stored: &Stored| stored.read(|| format!("incident {} in account {account}", stored.id()));
    Ok(found.iter().map(read).collect::<Result<_, _>>()?)
}

pub(super) async fn open_ones(client: &Client) -> Result<Vec<Incident>, Fault> {
    let query = Query::new(Queries::OpenIncidents, None).equal("open", flag_value(true));
    let found = client.query(query, None).await?.documents;
    let read = |stored: &Stored| stored.readable(|| format!("incident {}", stored.id()));
    let mut incidents: Vec<Incident> = found.iter().filter_map(read).collect();
    incidents.sort_by(|a, b| (a.account, &a.id).cmp(&(b.account, &b.id)));
    Ok(incidents)
}

pub(super) async fn mailing(
    client: &Client,
    account: AccountId,
    id: &MailingId,
) -> Result<Option<Mailing>, Fault> {
    let stored = client.get_one(&mailing_path(account, id)).await?;
    Ok(stored.map(|stored| stored.read(|| format!("mailing {id} in account {account}"))).transpose()?)
}

pub(super) async fn put_notices(tx: &Transaction, notices: &[Notice]) -> Result<(), Fault> {
    let paths: Vec<_> = notices.iter().map(|notice| notice_path(&notice.id)).collect();
    let known = if paths.is_empty() { Vec::new() } else { tx.get_all(&paths).await? };
    for ((notice, path), known) in notices.iter().zip(paths).zip(known) {
        if known.is_none() {
            tx.create(path, fields(notice));
        }
    }
    Ok(())
}

fn fields(notice: &Notice) -> Fields {
    let fields = Fields::of(notice)
        .text("account", account_text(notice.account))
        .number("created_at", instant_number(notice.created_at));
    if !notice.is_owed() {
        return fields;
    }
    fields
        .text("owed_by", notice.task.channel().as_str())
        .number("next_attempt_at", instant_number(notice.next_attempt_at))
}

/// The notices that are due, oldest first; those that waited longest are looked at, up to `limit` of such as can be read.
pub(super) async fn due(
    client: &Client,
    channel: ChannelKind,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Notice>, Fault> {
    let limit = limit.max(1);
    let mut asked = limit;
    loop {
        let owed = || {
            Query::new(Queries::OwedNotices, None).equal("owed_by", text_value(channel.as_str())).limit(asked)
        };
        let mut found = client.query(owed().upto(number_value(instant_number(now))), None).await?.documents;
        if found.len() < asked {
            // What waits since before a clock went back.
            let horizon = instant_number(Notice::horizon(now));
            found.extend(client.query(owed().above(number_value(horizon)), None).await?.documents);
        }
        let read = |stored: &Stored| stored.readable(|| format!("notice {}", stored.id()));
        let mut due: Vec<Notice> = found.iter().filter_map(read).collect();
        if due.len() < limit && found.len() >= asked {
            // Damaged ones stand before others.
            asked *= 4;
            continue;
        }
        due.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        due.truncate(limit);
        return Ok(due);
    }
}

/// Claims one; none where somebody else was first.
pub(super) async fn claim(
    tx: &Transaction,
    id: &NoticeId,
    token: LeaseToken,
    now: Timestamp,
) -> Result<Option<Notice>, Fault> {
    let Some(stored) = tx.get(&notice_path(id)).await? else { return Ok(None) };
    let mut notice = read_notice(&stored)?;
    if notice.claim(token, now).is_err() {
        return Ok(None);
    }
    tx.put(notice_path(id), fields(&notice));
    Ok(Some(notice))
}

pub(super) async fn owed(
    client: &Client,
    account: AccountId,
    channel: ChannelKind,
    limit: usize,
) -> Result<Vec<Notice>, Fault> {
    let limit = limit.max(1);
    let query = Query::new(Queries::OwedNoticesOf, None)
        .equal("account", text_value(account_text(account)))
        .equal("owed_by", text_value(channel.as_str()))
        .limit(limit.max(FIRST_LOOKED_AT));
    let found = client.query(query, None).await?.documents;
    let read = |stored: &Stored| stored.readable(|| format!("notice {}", stored.id()));
    Ok(found.iter().filter_map(read).take(limit).collect())
}

pub(super) async fn settle(
    tx: &Transaction,
    account: AccountId,
    id: &NoticeId,
    outcome: &NoticeOutcome,
    now: Timestamp,
) -> Result<Notice, Fault> {
    let not_found = || StoreError::NotFound(format!("notice {id}"));
    let stored = tx.get(&notice_path(id)).await?.ok_or_else(not_found)?;
    let mut notice = read_notice(&stored)?;
    if notice.account != account {
        return Err(not_found().into());
    }
    outcome.apply(&mut notice, now).map_err(|Superseded| StoreError::Conflict(format!("notice {id}")))?;
    tx.put(notice_path(id), fields(&notice));
    Ok(notice)
}

pub(super) async fn notices(client: &Client, account: AccountId, limit: usize) -> Result<Vec<Notice>, Fault> {
    let query = Query::new(Queries::Notices, None)
        .equal("account", text_value(account_text(account)))
        .limit(limit.max(1));
    let found = client.query(query, None).await?.documents;
    Ok(found.iter().map(read_notice).collect::<Result<_, _>>()?)
}
