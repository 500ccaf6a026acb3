//! An account's webhook is told that a run has begun or ended.

use jiff::{Timestamp, ToSpan};

use super::{Parts, StepError};
use crate::{
    domain::{
        Notice, NoticeId, NoticeTask, Run, RunKey,
        webhook::{Payload, RunNews},
    },
    ports::StoreError,
};

/// What ended longer ago is no news: its message only comes again.
const NEWS_HOURS: i64 = 24;

/// Owes the webhook the news of a run, once for each status, whoever asks and however often. What cannot be read holds
/// nothing up.
pub(super) async fn webhook(parts: &Parts, key: RunKey) -> Result<(), StepError> {
    let account = match parts.store.account(key.account).await {
        Ok(Some(account)) if account.webhook.is_some() => account,
        Ok(_) => return Ok(()),
        Err(error @ StoreError::Unreadable { .. }) => {
            tracing::error!(run = %key, %error, "the webhook is not told of a run");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let (run, export) = (parts.store.run(key).await, parts.store.export(key.account, key.request).await);
    let (Ok(Some(run)), Ok(Some(export))) = (run, export) else { return Ok(()) };
    let at = happened_at(&run);
    if at < parts.now().checked_sub(NEWS_HOURS.hours()).unwrap_or(Timestamp::MIN) {
        return Ok(());
    }
    let payload = Payload::of_run(RunNews { account: &account, export: &export, run: &run, at });
    let (account, request, number) = (key.account.to_string(), key.request.to_string(), key.run.to_string());
    // A run that was opened again ends again.
    let parts_of_id = ["run", &account, &request, &number, payload.event(), &run.reopened.to_string()];
    let payload_text = String::from_utf8_lossy(&payload.to_bytes()).into_owned();
    let task = NoticeTask::Webhook { payload: payload_text };
    let notice = Notice::new(key.account, NoticeId::of(&parts_of_id), task, parts.now());
    Ok(parts.store.put_notices(&[notice]).await?)
}

fn happened_at(run: &Run) -> Timestamp {
    run.closed_at.or(run.opened_at).unwrap_or(run.created_at)
}
