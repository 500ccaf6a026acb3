//! Who is written to of an incident, and what.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::Notifier;
use crate::{
    domain::{
        Account, AccountId, Delivery, EmailAddress, Export, ExportFilter, ExportStatus, Incident,
        IncidentPhase, Mailing, MailingId, Notice, NoticeId, NoticeKind, NoticeTask, PartnerBucket,
        RequestId, RunStatus, StatusKind, StopReason,
        webhook::{IncidentNews, Payload},
    },
    mails::{self, ExportLine, MailFacts, TEXT_EXPORTS},
    steps::{Parts, StepError},
};

/// How many exports are looked at in one page.
const PAGE: usize = 500;
/// How many exports' runs are counted at once.
const COUNTED_AT_ONCE: usize = 16;
/// The most people that a mail goes to: the account's addresses first, then those who created exports. All of them are
/// kept in the transaction that moves the incident on, so that nobody is forgotten or written to twice; a thousand
/// notices take a tenth of what Firestore's transactions may, and an account with more people than that has mailing lists.
const MOST_RECIPIENTS: usize = 1_000;

/// What is kept with an incident's change.
#[derive(Default)]
pub(super) struct Letters {
    pub(super) mailing: Option<Mailing>,
    pub(super) notices: Vec<Notice>,
}

/// The exports that a notice is about.
#[derive(Default)]
struct Involved {
    lines: Vec<Export>,
    left_out: u64,
    creators: Vec<EmailAddress>,
}

/// Writes the mail of a notice, and the notices of those who get it; nothing where nobody is to be written to.
pub(super) async fn write(
    parts: &Parts,
    notifier: &Notifier,
    incident: &Incident,
    kind: NoticeKind,
    bucket: &PartnerBucket,
    now: Timestamp,
) -> Result<Letters, StepError> {
    let account = incident.account;
    let Some(settings) = parts.store.account(account).await? else { return Ok(Letters::default()) };
    if notifier.mailer.is_none() && settings.webhook.is_none() {
        return Ok(Letters::default());
    }
    let involved = involved(parts, incident, kind).await?;
    let owed = owed(parts, account, kind, &involved).await?;
    let told = Told { notifier, settings: &settings, incident, kind, bucket, now };
    let hook = settings.webhook.is_some().then(|| told.webhook(&involved, &owed));
    let recipients = recipients(&settings, &involved.creators);
    if notifier.mailer.is_none() || recipients.is_empty() {
        if recipients.is_empty() {
            tracing::warn!(%account, incident = %incident.id, "nobody is to be written to of an incident");
        }
        return Ok(Letters { mailing: None, notices: hook.into_iter().collect() });
    }
    let facts = MailFacts {
        kind,
        incident: incident.clone(),
        client_email: Some(bucket.key_facts.client_email.clone()).filter(|email| !email.is_empty()),
        zone: settings.time_zone.clone(),
        exports: involved.lines.iter().map(|export| line(export, &owed)).collect(),
        exports_left_out: involved.left_out,
        public_url: notifier.public_url.clone(),
        now,
    };
    let written = mails::write(&facts);
    let number = incident.notices.len().to_string();
    let (account_text, incident_id) = (account.to_string(), incident.id.clone());
    let id = MailingId::of(&[&account_text, incident_id.as_str(), kind.as_str(), &number]);
    let notice = |to: EmailAddress| {
        let notice_id = NoticeId::of(&[&account_text, id.as_str(), &to.as_str().to_lowercase()]);
        Notice::new(account, notice_id, NoticeTask::Mail { to, mailing: id.clone() }, now)
    };
    let notices = recipients.into_iter().map(notice).chain(hook).collect();
    let mailing = Mailing {
        account,
        id: id.clone(),
        incident: incident_id,
        kind,
        subject: written.subject,
        text: written.text,
        html: written.html,
        created_at: now,
    };
    Ok(Letters { mailing: Some(mailing), notices })
}

/// What the account's webhook is told.
struct Told<'a> {
    notifier: &'a Notifier,
    settings: &'a Account,
    incident: &'a Incident,
    kind: NoticeKind,
    bucket: &'a PartnerBucket,
    now: Timestamp,
}

impl Told<'_> {
    fn webhook(&self, involved: &Involved, owed: &BTreeMap<RequestId, u64>) -> Notice {
        let Self { notifier, settings, incident, kind, bucket, now } = *self;
        let exports: Vec<_> = involved.lines.iter().map(|export| export.request).collect();
        let payload = Payload::of_incident(IncidentNews {
            account: settings,
            bucket,
            incident,
            kind,
            owed_windows: exports.iter().filter_map(|request| owed.get(request)).sum(),
            exports: &exports,
            exports_total: exports.len() as u64 + involved.left_out,
            at: now,
            public_url: notifier.public_url.as_deref(),
        });
        let (account, number) = (settings.id.to_string(), incident.notices.len().to_string());
        let id = NoticeId::of(&["incident", &account, incident.id.as_str(), kind.as_str(), &number]);
        let payload = String::from_utf8_lossy(&payload.to_bytes()).into_owned();
        Notice::new(settings.id, id, NoticeTask::Webhook { payload }, now)
    }
}

/// Each mailbox once. What is no address (it may have been kept by an older version, or come from a login) is left out.
fn recipients(settings: &Account, creators: &[EmailAddress]) -> Vec<EmailAddress> {
    let mut recipients: Vec<EmailAddress> = Vec::new();
    let mut left_out = 0;
    for address in settings.notify.iter().chain(creators) {
        if recipients.iter().any(|known| known.is_same_as(address)) {
            continue;
        }
        if recipients.len() < MOST_RECIPIENTS {
            recipients.push(address.clone());
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        tracing::warn!(account = %settings.id, left_out, "more people than a mail goes to created exports");
    }
    recipients
}

async fn involved(parts: &Parts, incident: &Incident, kind: NoticeKind) -> Result<Involved, StepError> {
    let statuses: &[StatusKind] = match kind {
        NoticeKind::Stopped => &[StatusKind::Stopped],
        NoticeKind::Recovered => &[StatusKind::Running, StatusKind::Pending, StatusKind::Done],
        NoticeKind::Detected | NoticeKind::StillFailing => &[StatusKind::Running, StatusKind::Pending],
    };
    let mut involved = Involved::default();
    for status in statuses {
        let (bucket, status) = (Some(incident.bucket.clone()), Some(*status));
        let filter = ExportFilter { bucket, status, ..ExportFilter::default() };
        let mut cursor = None;
        loop {
            let page = parts.store.list_exports(incident.account, &filter, cursor, PAGE).await?;
            page.exports.into_iter().filter(|export| concerns(incident, export)).for_each(|export| {
                involved.add(export);
            });
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    involved.lines.sort_by_key(|export| std::cmp::Reverse(export.request));
    Ok(involved)
}

/// Whether a notice of the incident is about an export: one that goes on, that this incident stopped, or that has ended
/// since it failed.
fn concerns(incident: &Incident, export: &Export) -> bool {
    match (&export.status, incident.phase) {
        (ExportStatus::Pending | ExportStatus::Running, _) => true,
        (
            ExportStatus::Stopped { reason: StopReason::Failure { .. }, at },
            IncidentPhase::Stopped { at: stopped } | IncidentPhase::Stopping { at: stopped },
        ) => *at == stopped,
        (ExportStatus::Stopped { .. }, _) => false,
        (ExportStatus::Done, _) => {
            let is_since =
                |last: &Delivery| last.into == incident.bucket && Some(last.opening) > incident.ended_opening;
            export.history.delivered.as_ref().is_some_and(is_since)
        }
    }
}

impl Involved {
    fn add(&mut self, export: Export) {
        let creator = export.created_by.as_ref().and_then(|text| EmailAddress::new(text.clone()).ok());
        if let Some(creator) = creator
            && self.creators.len() <= MOST_RECIPIENTS
            && !self.creators.iter().any(|known| known.is_same_as(&creator))
        {
            self.creators.push(creator);
        }
        if self.lines.len() < TEXT_EXPORTS { self.lines.push(export) } else { self.left_out += 1 }
    }
}

/// How many windows are owed by each export of an account. Of what was stopped those too that ended with it: what they
/// hold follows once it is started again.
async fn owed(
    parts: &Parts,
    account: AccountId,
    kind: NoticeKind,
    involved: &Involved,
) -> Result<BTreeMap<RequestId, u64>, StepError> {
    let mut owed = BTreeMap::new();
    for key in parts.store.open_run_keys().await?.into_iter().filter(|key| key.account == account) {
        *owed.entry(key.request).or_default() += 1;
    }
    if kind != NoticeKind::Stopped {
        return Ok(owed);
    }
    let counts: Vec<_> = involved
        .lines
        .iter()
        .map(|export| export.request)
        .map(|request| async move {
            (request, parts.store.count_runs(account, request, RunStatus::Stopped).await)
        })
        .collect();
    let mut counts = stream::iter(counts).buffer_unordered(COUNTED_AT_ONCE);
    while let Some((request, stopped)) = counts.next().await {
        *owed.entry(request).or_default() += stopped?;
    }
    Ok(owed)
}

fn line(export: &Export, owed: &BTreeMap<RequestId, u64>) -> ExportLine {
    let owed_windows = owed.get(&export.request).copied().unwrap_or_default();
    ExportLine {
        request: export.request,
        what: mails::describe(&export.spec),
        owed_windows,
        // What has delivered nothing yet owes since there is somebody to whom.
        owed_since: (owed_windows > 0)
            .then(|| export.delivered_cut.or(export.begins_at).unwrap_or(export.created_at)),
        delivered_until: export.delivered_cut.or(export.begins_at),
    }
}
