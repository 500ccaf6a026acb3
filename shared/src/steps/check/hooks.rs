//! The deliveries to webhooks that are owed go out: each account's own in their order, the accounts beside each other.
//!
//! A server that hangs costs one call a round: what else is owed to it waits for a later round, and nobody else does.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use super::{Delivered, outbox::settle};
use crate::{
    domain::{AccountId, ChannelKind, LeaseToken, Notice, NoticeTask},
    ports::NoticeOutcome,
    steps::{Parts, StepError, webhook::deliver_webhook},
};

/// How many are claimed at once. Of one account they go one after the other, ten seconds each at the longest, within a
/// claim of five minutes.
const BATCH: usize = 24;
/// How many accounts are called at once.
const AT_ONCE: usize = 12;
/// What is kept of a delivery that was not tried since the one before it failed.
const WAITS: &str = "an earlier delivery did not arrive";

/// Sends every delivery that is due.
///
/// # Errors
/// [`StepError`]; what was claimed is sent by a later round.
pub async fn send_webhooks(parts: &Parts) -> Result<Delivered, StepError> {
    let (mut delivered, mut silent) = (Delivered::default(), BTreeSet::new());
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
            .map(|(account, notices)| call(parts, account, notices, token, silent.contains(&account)))
            .collect();
        let mut done = stream::iter(calls).buffer_unordered(AT_ONCE);
        while let Some(outcomes) = done.next().await {
            for (notice, outcome) in outcomes? {
                if matches!(outcome, NoticeOutcome::Failed { .. }) {
                    silent.insert(notice.account);
                }
                settle(parts, &notice, &outcome, &mut delivered).await?;
            }
        }
    }
}

/// Calls one account's webhook, until it fails: then the rest waits too.
async fn call(
    parts: &Parts,
    account: AccountId,
    notices: Vec<Notice>,
    token: LeaseToken,
    is_silent: bool,
) -> Result<Vec<(Notice, NoticeOutcome)>, StepError> {
    let failed = |reason: &dyn ToString, is_final| NoticeOutcome::Failed {
        token,
        reason: reason.to_string(),
        is_final,
    };
    let (mut waits, mut outcomes) = (is_silent, Vec::new());
    let settings = parts.store.account(account).await?;
    for notice in notices {
        let outcome = match (waits, &settings, &notice.task) {
            (true, ..) => failed(&WAITS, false),
            (false, Some(settings), NoticeTask::Webhook { payload }) => {
                match deliver_webhook(parts, settings, notice.id.as_str(), payload.as_bytes()).await? {
                    Some(Ok(_)) => NoticeOutcome::Sent,
                    Some(Err(error)) => {
                        waits = true;
                        failed(&error, false)
                    }
                    None => failed(&"the account has no webhook any more", true),
                }
            }
            (false, None, _) => failed(&"there is no such account any more", true),
            (false, Some(_), NoticeTask::Mail { .. }) => failed(&"it is no delivery to a webhook", true),
        };
        outcomes.push((notice, outcome));
    }
    Ok(outcomes)
}
