//! The mails that are owed go out: each recipient's in their order, those first that were tried least often.
//!
//! One mail on which the server hangs holds up nobody else's: it is tried again later, and the round goes on. Only a
//! server that answers nothing to several of them counts as gone, until the next round.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{AccountId, ChannelKind, LeaseToken, Mailing, MailingId, NOTICE_LEASE_SECS, Notice, NoticeTask},
    ports::{Mail, MailError, Mailer, NoticeOutcome, StoreError},
    steps::{Parts, StepError},
};

/// How many are claimed at once. As many recipients on which the server hangs would have to be older than all others to
/// hold these up for longer than a round.
const BATCH: usize = 32;
/// For how much of a claim mails of it are begun, in seconds: one that is begun last ends within it.
const CLAIM_USED_SECS: i64 = NOTICE_LEASE_SECS - 60;
/// How many of the mails that an account owes are looked at for older ones.
const OWED_LOOKED_AT: usize = 500;
/// For how long at least a mail waits for an older one, in seconds.
const LEAST_HOLD_SECS: i64 = 60;
/// How long sending one may take, whatever the mailer says.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// To how many in a row the server may give no answer until it counts as gone.
const MISSES: u32 = 3;

/// What became of the notices that were owed.
#[derive(Debug, Default)]
pub struct Delivered {
    /// How many were taken.
    pub sent: u64,
    /// How many are tried again later, or wait for one before them.
    pub later: u64,
    /// Those that were refused for good, or tried too often: whose, and why.
    pub given_up: Vec<(AccountId, String)>,
    /// Why none could be sent any more, where that was so. The rest stays owed.
    pub unavailable: Option<String>,
    /// Whose could not be dealt with, for a fault of ours; a later round looks at them again.
    pub troubled: Vec<(AccountId, StepError)>,
}

/// Sends every mail that is due. Where the mailer does not work at all, the rest waits for the next round.
///
/// # Errors
/// [`StepError`] where nothing can be claimed; a later round goes on.
pub async fn send_mails(parts: &Parts, mailer: &dyn Mailer) -> Result<Delivered, StepError> {
    let mut round = Round {
        parts,
        mailer,
        mailings: BTreeMap::new(),
        waiting: BTreeMap::new(),
        misses: 0,
        last_miss: None,
        delivered: Delivered::default(),
    };
    while !parts.shutdown.is_cancelled() && round.delivered.unavailable.is_none() {
        let token = LeaseToken::from_random(rand::random());
        let claimed = parts.store.claim_notices(ChannelKind::Mail, token, parts.now(), BATCH).await?;
        if claimed.is_empty() {
            break;
        }
        round.send(claimed, token).await;
    }
    let mut delivered = round.delivered;
    if delivered.sent == 0 {
        // Nothing shows that it works for anybody.
        delivered.unavailable = delivered.unavailable.or(round.last_miss);
    }
    Ok(delivered)
}

struct Round<'a> {
    parts: &'a Parts,
    mailer: &'a dyn Mailer,
    mailings: BTreeMap<(AccountId, MailingId), Option<Mailing>>,
    /// Recipients to whom a mail could not be sent, with when it is tried again: later ones do not overtake it.
    waiting: BTreeMap<String, Timestamp>,
    misses: u32,
    last_miss: Option<String>,
    delivered: Delivered,
}

/// To whom, as one mailbox is told from another; none for what is no mail.
fn recipient(notice: &Notice) -> Option<String> {
    match &notice.task {
        NoticeTask::Mail { to, .. } => Some(to.as_str().to_lowercase()),
        NoticeTask::Webhook { .. } => None,
    }
}

/// Those first whose recipients' mails were tried least often; one recipient's stay in their order.
fn by_attempts(claimed: &mut [Notice]) {
    let mut attempts: BTreeMap<Option<String>, u32> = BTreeMap::new();
    for notice in claimed.iter() {
        let most = attempts.entry(recipient(notice)).or_default();
        *most = (*most).max(notice.attempts);
    }
    claimed.sort_by_cached_key(|notice| attempts.get(&recipient(notice)).copied());
}

impl Round<'_> {
    /// Recipients of a claim to whom an older mail is owed that is not among its own: it is not due yet, or another sender
    /// has it. Theirs wait for so long.
    async fn hold_back(&mut self, claimed: &[Notice]) {
        let least = SignedDuration::from_secs(LEAST_HOLD_SECS);
        let least = self.parts.now().checked_add(least).unwrap_or(Timestamp::MAX);
        let accounts: BTreeSet<AccountId> = claimed.iter().map(|notice| notice.account).collect();
        for account in accounts {
            let owed = match self.parts.store.owed_notices(account, ChannelKind::Mail, OWED_LOOKED_AT).await {
                Ok(owed) => owed,
                Err(error) => {
                    self.delivered.troubled.push((account, error.into()));
                    continue;
                }
            };
            let recipients: BTreeSet<_> = claimed.iter().filter_map(recipient).collect();
            for to in recipients {
                let oldest = owed.iter().find(|notice| recipient(notice).as_ref() == Some(&to));
                if let Some(oldest) = oldest
                    && !claimed.iter().any(|notice| notice.id == oldest.id)
                {
                    self.waiting.insert(to, oldest.next_attempt_at.max(least));
                }
            }
        }
    }

    async fn send(&mut self, mut claimed: Vec<Notice>, token: LeaseToken) {
        self.hold_back(&claimed).await;
        let claim_ends = SignedDuration::from_secs(CLAIM_USED_SECS);
        let until = self.parts.now().checked_add(claim_ends).unwrap_or(Timestamp::MAX);
        by_attempts(&mut claimed);
        for notice in claimed {
            let is_over = self.delivered.unavailable.is_some()
                || self.parts.shutdown.is_cancelled()
                || self.parts.now() > until;
            let held = recipient(&notice).and_then(|to| self.waiting.get(&to).copied());
            let outcome = match held {
                _ if is_over => NoticeOutcome::Released { token },
                Some(until) => NoticeOutcome::Held { token, until },
                None => match self.attempt(&notice, token).await {
                    Ok(outcome) => outcome,
                    Err(error) => {
                        let reason = error.to_string();
                        self.delivered.troubled.push((notice.account, error));
                        NoticeOutcome::Failed { token, reason, is_final: false }
                    }
                },
            };
            let settled = settle(self.parts, &notice, &outcome, &mut self.delivered).await;
            if let (Some(settled), NoticeOutcome::Failed { .. }, Some(to)) =
                (settled, &outcome, recipient(&notice))
                && settled.is_owed()
            {
                self.waiting.insert(to, settled.next_attempt_at);
            }
        }
    }

    async fn attempt(&mut self, notice: &Notice, token: LeaseToken) -> Result<NoticeOutcome, StepError> {
        let failed = |reason: String, is_final| NoticeOutcome::Failed { token, reason, is_final };
        let NoticeTask::Mail { to, mailing: id } = &notice.task else {
            return Ok(failed("it is no mail".to_owned(), true));
        };
        let place = (notice.account, id.clone());
        if !self.mailings.contains_key(&place) {
            let found = self.parts.store.mailing(notice.account, id).await?;
            self.mailings.insert(place.clone(), found);
        }
        let Some(Some(mailing)) = self.mailings.get(&place) else {
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
        let sent = tokio::time::timeout(SEND_TIMEOUT, self.mailer.send(&mail)).await;
        let sent = sent.unwrap_or_else(|_| {
            Err(MailError::Unavailable(format!("no answer within {} seconds", SEND_TIMEOUT.as_secs())))
        });
        if let Err(error @ MailError::Unavailable(_)) = &sent {
            self.misses += 1;
            self.last_miss = Some(error.to_string());
            if self.misses >= MISSES {
                self.delivered.unavailable = Some(error.to_string());
            }
        } else {
            self.misses = 0;
        }
        Ok(match sent {
            Ok(()) => NoticeOutcome::Sent,
            Err(error) => failed(error.to_string(), matches!(error, MailError::Refused(_))),
        })
    }
}

/// Keeps what became of a notice, and gives it as it is then; none where somebody else has it, or it cannot be kept: then
/// its claim runs out.
pub(super) async fn settle(
    parts: &Parts,
    notice: &Notice,
    outcome: &NoticeOutcome,
    delivered: &mut Delivered,
) -> Option<Notice> {
    let settled = match parts.store.settle_notice(notice.account, &notice.id, outcome, parts.now()).await {
        Ok(settled) => settled,
        // This one took longer than its claim.
        Err(StoreError::Conflict(_)) => return None,
        Err(error) => {
            delivered.troubled.push((notice.account, error.into()));
            return None;
        }
    };
    match outcome {
        NoticeOutcome::Sent => delivered.sent += 1,
        NoticeOutcome::Released { .. } => {}
        NoticeOutcome::Failed { .. } | NoticeOutcome::Held { .. } if settled.is_owed() => {
            delivered.later += 1
        }
        NoticeOutcome::Failed { .. } | NoticeOutcome::Held { .. } => {
            delivered.given_up.push((notice.account, settled.last_error.clone().unwrap_or_default()));
        }
    }
    Some(settled)
}

impl Delivered {
    /// Adds what became of others.
    pub(super) fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.later += other.later;
        self.given_up.extend(other.given_up);
        self.troubled.extend(other.troubled);
        self.unavailable = self.unavailable.take().or(other.unavailable);
    }
}
