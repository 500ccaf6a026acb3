//! The deliveries to webhooks that are owed go out: each account's own in their order, the accounts beside each other.
//!
//! A server that hangs costs one call a round, and nobody else waits for it. What else is owed to it waits until the one
//! that failed is tried again: nothing overtakes it, and what was not tried counts as no attempt.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::{Delivered, outbox::settle};
use crate::{
    domain::{Account, AccountId, ChannelKind, LeaseToken, Notice, NoticeState, NoticeTask},
    ports::{NoticeOutcome, StoreError},
    steps::{Parts, StepError, webhook::deliver_webhook},
};

/// How many are claimed at once. Of one account they go one after the other, ten seconds each at the longest, within a
/// claim of five minutes.
const BATCH: usize = 24;
/// How many accounts are called at once.
const AT_ONCE: usize = 12;
/// For how long an account's deliveries wait while another sender has the first of them, in seconds, at the longest.
const OTHERS_TURN_SECS: i64 = 60;

/// Sends every delivery that is due.
///
/// # Errors
/// [`StepError`] where nothing can be claimed; a later round goes on.
pub async fn send_webhooks(parts: &Parts) -> Result<Delivered, StepError> {
    let (mut delivered, mut waiting) = (Delivered::default(), BTreeMap::new());
    loop {
        if parts.shutdown.is_cancelled() {
            return Ok(delivered);
        }
        let token = LeaseToken::from_random(rand::random());
        let claimed = parts.store.claim_notices(ChannelKind::Webhook, token, parts.now(), BATCH).await?;
        if claimed.is_empty() {
            return Ok(delivered);
        }
        let mut of_account: BTreeMap<AccountId, Vec<Notice>> = BTreeMap::new();
        for notice in claimed {
            of_account.entry(notice.account).or_default().push(notice);
        }
        let calls: Vec<_> = of_account
            .into_iter()
            .map(|(account, notices)| call(parts, account, notices, token, waiting.get(&account).copied()))
            .collect();
        let mut done = stream::iter(calls).buffer_unordered(AT_ONCE);
        while let Some((account, until, of_account)) = done.next().await {
            waiting.extend(until.map(|until| (account, until)));
            delivered.add(of_account);
        }
    }
}

/// Calls one account's webhook, until it fails: then the rest waits for that one. Gives until when.
async fn call(
    parts: &Parts,
    account: AccountId,
    notices: Vec<Notice>,
    token: LeaseToken,
    waits_until: Option<Timestamp>,
) -> (AccountId, Option<Timestamp>, Delivered) {
    let (mut delivered, mut until) = (Delivered::default(), waits_until);
    let found = async {
        if until.is_none() {
            until = older(parts, account, token).await?;
        }
        parts.store.account(account).await
    };
    let settings = found.await.map_err(|error| {
        let reason = error.to_string();
        delivered.troubled.push((account, error.into()));
        reason
    });
    for notice in notices {
        let outcome = match until {
            Some(until) => NoticeOutcome::Held { token, until },
            None => deliver(parts, &settings, &notice, token, &mut delivered).await,
        };
        let settled = settle(parts, &notice, &outcome, &mut delivered).await;
        if let NoticeOutcome::Failed { is_final: false, .. } = outcome {
            // One that is given up holds nothing up but this round.
            until = settled.map(|settled| settled.next_attempt_at).or(Some(later(parts)));
        }
    }
    (account, until, delivered)
}

/// How long a delivery holds up an account's newer ones that is not among those of this claim: it is not due yet, or
/// another sender has it.
async fn older(
    parts: &Parts,
    account: AccountId,
    token: LeaseToken,
) -> Result<Option<Timestamp>, StoreError> {
    let first = parts.store.owed_notices(account, ChannelKind::Webhook, 1).await?.into_iter().next();
    Ok(first.and_then(|first| match first.state {
        NoticeState::Owed { claim: Some(holder) } if holder == token => None,
        NoticeState::Owed { claim: Some(_) } => Some(first.next_attempt_at.min(later(parts))),
        _ => Some(first.next_attempt_at),
    }))
}

fn later(parts: &Parts) -> Timestamp {
    let now = parts.now();
    now.checked_add(SignedDuration::from_secs(OTHERS_TURN_SECS)).unwrap_or(now)
}

async fn deliver(
    parts: &Parts,
    settings: &Result<Option<Account>, String>,
    notice: &Notice,
    token: LeaseToken,
    delivered: &mut Delivered,
) -> NoticeOutcome {
    let failed = |reason: String, is_final| NoticeOutcome::Failed { token, reason, is_final };
    match (settings, &notice.task) {
        (Ok(Some(settings)), NoticeTask::Webhook { payload }) => {
            match deliver_webhook(parts, settings, notice.id.as_str(), payload.as_bytes()).await {
                Ok(Some(Ok(_))) => NoticeOutcome::Sent,
                Ok(Some(Err(error))) => failed(error.to_string(), false),
                Ok(None) => failed("the account has no webhook any more".to_owned(), true),
                Err(error) => {
                    let reason = error.to_string();
                    delivered.troubled.push((notice.account, error));
                    failed(reason, false)
                }
            }
        }
        (Ok(None), _) => failed("there is no such account any more".to_owned(), true),
        (Ok(Some(_)), NoticeTask::Mail { .. }) => failed("it is no delivery to a webhook".to_owned(), true),
        (Err(reason), _) => failed(reason.clone(), false),
    }
}
