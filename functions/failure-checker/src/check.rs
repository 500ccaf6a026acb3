//! `POST /check`.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde_json::json;
use spillway::{
    service::later,
    steps::{self, Checked, Notifier, Parts, Verdict},
};

/// One round. One that breaks off does no harm: the next one looks again.
pub(crate) async fn check(State((parts, notifier)): State<(Parts, Notifier)>) -> Response {
    // It ends early by itself where the process does.
    let checked = match steps::check(&parts, &notifier, |_| true).await {
        Ok(checked) => checked,
        Err(error) => {
            tracing::error!(%error, "a round broke off; the next one looks again");
            return later("broke-off", "The round broke off. It is in the log.", Duration::from_secs(10));
        }
    };
    tell_of_buckets(&checked);
    tell_of_runs(&checked);
    tell_of_mails(&checked);
    let counts = json!({
        "published": checked.swept.published.len(),
        "failed": checked.swept.failed.len(),
        "healed": checked.swept.healed.len(),
        "candidates": checked.swept.candidates,
        "told": checked.told.len(),
        "stopped": checked.stopped,
        "findings": checked.findings.len(),
        "mails": checked.mails.sent,
        "webhooks": checked.webhooks.sent,
    });
    tracing::info!(
        published = checked.swept.published.len(),
        failed = checked.swept.failed.len(),
        told = checked.told.len(),
        stopped = checked.stopped,
        findings = checked.findings.len(),
        mails = checked.mails.sent,
        candidates = checked.swept.candidates,
        "a round is done"
    );
    Json(counts).into_response()
}

fn tell_of_buckets(checked: &Checked) {
    for bucket in &checked.swept.healed {
        tracing::info!(account = bucket.account.0, bucket = %bucket.id, "a blocked bucket works again");
    }
    for (account, error) in &checked.swept.unseen {
        tracing::error!(account = account.0, %error, "a blocked bucket could not be looked at");
    }
    for found in &checked.swept.rechecked {
        if let Verdict::Unclear(_, error) = &found.verdict {
            let (account, bucket) = (found.bucket.account.0, &found.bucket.id);
            tracing::error!(account, %bucket, %error, "a blocked bucket could not be looked at");
        }
    }
    for (incident, kind) in &checked.told {
        let (account, bucket, id) = (incident.account.0, &incident.bucket, &incident.id);
        let (kind, class) = (kind.as_str(), &incident.failure.class);
        tracing::warn!(account, %bucket, incident = %id, kind, ?class, "a customer is told of a bucket");
    }
    for (account, bucket, error) in &checked.troubled {
        tracing::error!(account = account.0, %bucket, %error, "an incident could not be moved on");
    }
}

fn tell_of_runs(checked: &Checked) {
    for run in &checked.swept.published {
        tracing::info!(account = run.account.0, %run, "messages of a run were published");
    }
    for (run, error) in &checked.swept.failed {
        tracing::error!(account = run.account.0, %run, %error, "a run could not be gone on with");
    }
    for finding in &checked.findings {
        tracing::warn!(account = finding.account().0, finding = finding.kind(), "{finding}");
    }
    if let Some(error) = &checked.unfound {
        tracing::error!(%error, "not all could be looked through; the next round looks again");
    }
}

fn tell_of_mails(checked: &Checked) {
    for (account, reason) in &checked.mails.given_up {
        tracing::warn!(account = account.0, reason, "a mail is given up");
    }
    for (account, reason) in &checked.webhooks.given_up {
        tracing::warn!(account = account.0, reason, "a delivery to a webhook was given up");
    }
    for (account, error) in checked.mails.troubled.iter().chain(&checked.webhooks.troubled) {
        tracing::error!(account = account.0, %error, "a notice could not be dealt with; a later round looks again");
    }
    for (channel, error) in &checked.unsent {
        tracing::error!(channel = channel.as_str(), %error, "notices could not be sent; the next round goes on");
    }
    if let Some(reason) = &checked.mails.unavailable {
        tracing::error!(reason, "mails cannot be sent; they wait for the next round");
    }
    if checked.mails.later > 0 {
        tracing::info!(mails = checked.mails.later, "mails are tried again later");
    }
}
