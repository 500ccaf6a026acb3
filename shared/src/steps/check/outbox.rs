//! The mails that are owed go out, oldest first.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    domain::{AccountId, ChannelKind, LeaseToken, Mailing, MailingId, Notice, NoticeTask},
    ports::{Mail, MailError, Mailer, NoticeOutcome, StoreError},
    steps::{Parts, StepError},
};

/// How many are claimed at once: together they are sent well within a claim.
const BATCH: usize = 8;
/// How long sending one may take, whatever the mailer says; a batch of such stays below a claim.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// What became of the mails that were owed.
#[derive(Debug, Default)]
pub struct Delivered {
    /// How many were taken.
    pub sent: u64,
    /// How many are tried again later.
    pub later: u64,
    /// Those that were refused for good, or tried too often: whose, and why.
    pub given_up: Vec<(AccountId, String)>,
    /// Why none could be sent any more, where that was so. The rest stays owed.
    pub unavailable: Option<String>,
}

/// Sends every mail that is due. Where the mailer does not work at all, the rest waits for the next round.
///
/// # Errors
/// [`StepError`]; what was claimed is sent by a later round.
pub async fn send_mails(parts: &Parts, mailer: &dyn Mailer) -> Result<Delivered, StepError> {
    let (mut delivered, mut mailings) = (Delivered::default(), BTreeMap::new());
    loop {
        if parts.shutdown.is_cancelled() {
            return Ok(delivered);
        }
        let token = LeaseToken::from_random(rand::random());
        let claimed = parts.store.claim_notices(ChannelKind::Mail, token, parts.now(), BATCH).await?;
        if claimed.is_empty() {
            return Ok(delivered);
        }
        for notice in claimed {
            let outcome = match delivered.unavailable {
                Some(_) => NoticeOutcome::Released { token },
                None => attempt(parts, mailer, &notice, token, &mut mailings, &mut delivered).await?,
            };
            settle(parts, &notice, &outcome, &mut delivered).await?;
        }
        if delivered.unavailable.is_some() {
            return Ok(delivered);
        }
    }
}

async fn attempt(
    parts: &Parts,
    mailer: &dyn Mailer,
    notice: &Notice,
    token: LeaseToken,
    mailings: &mut BTreeMap<(AccountId, MailingId), Option<Mailing>>,
    delivered: &mut Delivered,
) -> Result<NoticeOutcome, StepError> {
    let failed = |reason: String, is_final| NoticeOutcome::Failed { token, reason, is_final };
    let NoticeTask::Mail { to, mailing: id } = &notice.task else {
        return Ok(failed("it is no mail".to_owned(), true));
    };
    let place = (notice.account, id.clone());
    if !mailings.contains_key(&place) {
        let found = parts.store.mailing(notice.account, id).await?;
        mailings.insert(place.clone(), found);
    }
    let Some(Some(mailing)) = mailings.get(&place) else {
        return Ok(failed(format!("its text, mailing {id}, is gone"), true));
    };
    let mail = Mail {
        notice: notice.id.clone(),
        to: to.clone(),
        subject: mailing.subject.clone(),
        text: mailing.text.clone(),
        html: mailing.html.clone(),
        written_at: mailing.created_at,
    };
    let sent = tokio::time::timeout(SEND_TIMEOUT, mailer.send(&mail)).await;
    let sent = sent.unwrap_or_else(|_| {
        Err(MailError::Unavailable(format!("no answer within {} seconds", SEND_TIMEOUT.as_secs())))
    });
    Ok(match sent {
        Ok(()) => NoticeOutcome::Sent,
        Err(error @ MailError::Refused(_)) => failed(error.to_string(), true),
        Err(error @ MailError::Later(_)) => failed(error.to_string(), false),
        Err(error @ MailError::Unavailable(_)) => {
            delivered.unavailable = Some(error.to_string());
            NoticeOutcome::Released { token }
        }
    })
}

pub(super) async fn settle(
    parts: &Parts,
    notice: &Notice,
    outcome: &NoticeOutcome,
    delivered: &mut Delivered,
) -> Result<(), StepError> {
    let settled = parts.store.settle_notice(notice.account, &notice.id, outcome, parts.now()).await;
    match (settled, outcome) {
        // Somebody else has it: this one took longer than its claim.
        (Err(StoreError::Conflict(_)), _) => {}
        (Err(error), _) => return Err(error.into()),
        (Ok(_), NoticeOutcome::Sent) => delivered.sent += 1,
        (Ok(_), NoticeOutcome::Released { .. }) => {}
        (Ok(settled), NoticeOutcome::Failed { reason, .. }) if !settled.is_owed() => {
            delivered.given_up.push((notice.account, reason.clone()));
        }
        (Ok(_), NoticeOutcome::Failed { .. }) => delivered.later += 1,
    }
    Ok(())
}
