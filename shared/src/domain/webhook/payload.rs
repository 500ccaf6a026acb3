//! What stands in a delivery: the product's own fields of a status alert, a sentence as Slack takes it, and ours.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{
    Account, AccountId, DataSelection, Export, Frequency, Incident, Known, NoticeKind, PartnerBucket,
    RequestId, Run, RunStatus, Window, WindowKind,
};

/// The version of this form. Fields may be added under the same version.
const VERSION: u32 = 1;
/// The partner's name, as the product writes it.
const PARTNER: &str = "Google Cloud Storage";
/// As the product writes a date and time: `25/07/2023 4:50:52 PM`.
const PRODUCT_TIME: &str = "%d/%m/%Y %-I:%M:%S %p";
/// The most exports that an incident lists; there may be thousands.
const LISTED_EXPORTS: usize = 100;

/// A delivery's body.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Payload {
    /// The product's fields. The export; none where a delivery is about several or none.
    #[serde(rename = "Export Request Id", skip_serializing_if = "Option::is_none")]
    export_request_id: Option<RequestId>,
    #[serde(rename = "Partner")]
    partner: &'static str,
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    data_type: Option<&'static str>,
    #[serde(rename = "Status")]
    status: &'static str,
    #[serde(rename = "Frequency", skip_serializing_if = "Option::is_none")]
    frequency: Option<String>,
    #[serde(rename = "Date and Time")]
    date_and_time: String,
    /// One sentence, as Slack takes it.
    text: String,
    version: u32,
    event: &'static str,
    account: AccountId,
    occurred_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<IncidentBody>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct RunBody {
    request_id: RequestId,
    run: i64,
    status: &'static str,
    window: WindowBody,
    bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_name: Option<String>,
    rows: u64,
    files: u64,
    bytes: u64,
    failed_files: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
}

/// As the API and the manifest write it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct WindowBody {
    from: Timestamp,
    to: Timestamp,
    kind: WindowKind,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct IncidentBody {
    id: String,
    bucket: String,
    bucket_name: String,
    class: &'static str,
    code: String,
    title: String,
    cause: String,
    resolution: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    said: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_url: Option<String>,
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    stops_at: Option<Timestamp>,
    owed_windows: u64,
    exports: Vec<RequestId>,
    exports_total: u64,
}

/// A run that has begun or ended.
#[derive(Debug, Clone, Copy)]
pub struct RunNews<'a> {
    /// The account.
    pub account: &'a Account,
    /// The export.
    pub export: &'a Export,
    /// The run as it is now.
    pub run: &'a Run,
    /// When it began or ended.
    pub at: Timestamp,
}

/// News of a bucket's incident.
#[derive(Debug, Clone, Copy)]
pub struct IncidentNews<'a> {
    /// The account.
    pub account: &'a Account,
    /// The bucket.
    pub bucket: &'a PartnerBucket,
    /// The incident as it is now.
    pub incident: &'a Incident,
    /// What is told of it.
    pub kind: NoticeKind,
    /// How many windows are owed.
    pub owed_windows: u64,
    /// The exports that it is about, as many as are known.
    pub exports: &'a [RequestId],
    /// How many there are.
    pub exports_total: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The dashboard's address as browsers see it, where it is known.
    pub public_url: Option<&'a str>,
}

impl IncidentNews<'_> {
    /// When the exports will be stopped; none where they have been, or will not.
    fn stops_at(&self) -> Option<Timestamp> {
        let will_stop = matches!(self.kind, NoticeKind::Detected | NoticeKind::StillFailing);
        will_stop.then_some(self.incident.stop_at)
    }
}

impl Payload {
    /// A delivery that only tries the way.
    #[must_use]
    pub fn test(account: &Account, at: Timestamp) -> Self {
        let text = format!("This is a test from Spillway for account {}. Deliveries arrive.", account.id);
        Self { text, ..Self::blank(account, "test", "Test", at) }
    }

    /// A run has begun or ended.
    #[must_use]
    pub fn of_run(news: RunNews<'_>) -> Self {
        let RunNews { account, export, run, at } = news;
        let (event, status) = match run.status {
            RunStatus::Owed | RunStatus::Running => ("run.started", "Initiated"),
            RunStatus::Done | RunStatus::Empty => ("run.finished", "Completed"),
            RunStatus::Incomplete => ("run.incomplete", "Failed"),
            RunStatus::Stopped => ("run.stopped", "Stopped"),
        };
        Self {
            export_request_id: Some(export.request),
            data_type: Some(data_type(&run.spec.data)),
            frequency: Some(frequency(&run.spec.frequency)),
            text: escaped(&run_text(run)),
            run: Some(RunBody::new(run)),
            ..Self::blank(account, event, status, at)
        }
    }

    /// News of an incident.
    #[must_use]
    pub fn of_incident(news: IncidentNews<'_>) -> Self {
        let (event, status) = match news.kind {
            NoticeKind::Detected => ("incident.opened", "Blocked"),
            NoticeKind::StillFailing => ("incident.reminder", "Blocked"),
            NoticeKind::Stopped => ("incident.stopped", "Stopped"),
            NoticeKind::Recovered => ("incident.resolved", "Resumed"),
        };
        let only = match news.exports {
            [only] if news.exports_total <= 1 => Some(*only),
            _ => None,
        };
        Self {
            export_request_id: only,
            text: escaped(&incident_text(&news)),
            incident: Some(IncidentBody::new(&news)),
            ..Self::blank(news.account, event, status, news.at)
        }
    }

    /// The bytes that are signed and sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("the payload has text keys and always serialises")
    }

    /// Which event it is: `run.finished`.
    #[must_use]
    pub fn event(&self) -> &'static str {
        self.event
    }

    fn blank(account: &Account, event: &'static str, status: &'static str, at: Timestamp) -> Self {
        let there = at.to_zoned_datetime(account.time_zone.time_zone());
        Self {
            export_request_id: None,
            partner: PARTNER,
            data_type: None,
            status,
            frequency: None,
            date_and_time: there.strftime(PRODUCT_TIME).to_string(),
            text: String::new(),
            version: VERSION,
            event,
            account: account.id,
            occurred_at: at,
            run: None,
            incident: None,
        }
    }
}

impl RunBody {
    fn new(run: &Run) -> Self {
        let totals = run.totals;
        let (from, to) = run.window.bounds(&run.zone.time_zone());
        let kind = match run.window {
            Window::EventDate { .. } => WindowKind::EventDate,
            Window::Committed { .. } => WindowKind::Committed,
        };
        Self {
            request_id: run.key.request,
            run: run.key.run.0,
            status: run.status.as_str(),
            window: WindowBody { from, to, kind },
            bucket: run.spec.bucket.to_string(),
            bucket_name: run.bucket_name.clone(),
            rows: totals.rows,
            files: totals.files,
            bytes: totals.bytes,
            failed_files: totals.failed_chunks,
            manifest: run.manifest_object(),
        }
    }
}

impl IncidentBody {
    fn new(news: &IncidentNews<'_>) -> Self {
        let (bucket, failure) = (news.bucket, &news.incident.failure);
        let words = failure.words(Known::from(bucket));
        let page = |base: &str| format!("{}{}", base.trim_end_matches('/'), failure.help_path(&bucket.id.0));
        Self {
            id: news.incident.id.to_string(),
            bucket: bucket.id.to_string(),
            bucket_name: bucket.bucket_name.clone(),
            class: failure.class.slug(),
            code: failure.code(),
            title: words.title,
            cause: words.cause,
            resolution: words.resolution,
            said: failure.said(),
            help_url: news.public_url.map(page),
            since: news.incident.failing_since,
            stops_at: news.stops_at(),
            owed_windows: news.owed_windows,
            exports: news.exports.iter().take(LISTED_EXPORTS).copied().collect(),
            exports_total: news.exports_total,
        }
    }
}

fn data_type(data: &DataSelection) -> &'static str {
    match data {
        DataSelection::AllEvents | DataSelection::SelectEvents { .. } => "Events",
        DataSelection::AllProfiles => "User Profiles",
    }
}

fn frequency(frequency: &Frequency) -> String {
    match frequency {
        Frequency::OneTime { .. } => "One Time".to_owned(),
        Frequency::Recurring(cycle) => format!("Every {} Hours", u8::from(cycle.every)),
        Frequency::Live { .. } => "Live".to_owned(),
    }
}

fn run_text(run: &Run) -> String {
    let (request, totals, bucket) = (run.key.request, run.totals, &run.spec.bucket);
    match run.status {
        RunStatus::Owed | RunStatus::Running => format!("Export {request}: a run into {bucket} has begun."),
        RunStatus::Done => format!(
            "Export {request}: a run is complete, with {} in {} in {bucket}.",
            counted(totals.rows, "row", "rows"),
            counted(totals.files, "file", "files"),
        ),
        RunStatus::Empty => format!("Export {request}: a run is complete; nothing was in its window."),
        RunStatus::Stopped => format!(
            "Export {request}: a run was stopped; {} stay in {bucket}.",
            counted(totals.files, "complete file", "complete files"),
        ),
        RunStatus::Incomplete if totals.failed_chunks > 0 => format!(
            "Export {request}: a run into {bucket} is incomplete, {} missing. The fault is ours; what is missing follows.",
            if totals.failed_chunks == 1 {
                "1 file is".to_owned()
            } else {
                format!("{} files are", totals.failed_chunks)
            },
        ),
        RunStatus::Incomplete => {
            format!("Export {request}: a run into {bucket} could not go on. The fault is ours; it follows.")
        }
    }
}

fn incident_text(news: &IncidentNews<'_>) -> String {
    let words = news.incident.failure.words(Known::from(news.bucket));
    let (nickname, owed) = (&news.bucket.id, counted(news.owed_windows, "window is", "windows are"));
    let exports = |one: &str, many: &str| {
        counted(news.exports_total, &format!("export {one}"), &format!("exports {many}"))
    };
    match news.kind {
        NoticeKind::Detected | NoticeKind::StillFailing => {
            let still = if news.kind == NoticeKind::StillFailing { "still takes" } else { "takes" };
            let until = news.stops_at().map(|at| {
                let there = at.to_zoned_datetime(news.account.time_zone.time_zone());
                format!(" If nothing changes, they stop on {}.", there.strftime("%d %b %Y, %H:%M %Z"))
            });
            format!(
                "Bucket {nickname} {still} no files: {}, {owed} owed. {}{}",
                exports("waits", "wait"),
                words.sentence(),
                until.unwrap_or_default(),
            )
        }
        NoticeKind::Stopped => format!(
            "Bucket {nickname} has taken no files for three days: {}, {owed} owed. {}",
            exports("was stopped", "were stopped"),
            words.sentence(),
        ),
        NoticeKind::Recovered => {
            let owed = match news.owed_windows {
                0 => "nothing is owed".to_owned(),
                1 => "1 window is owed and goes out by itself".to_owned(),
                windows => format!("{windows} windows are owed and go out in order"),
            };
            format!("Bucket {nickname} takes files again: {}, {owed}.", exports("goes on", "go on"))
        }
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// As Slack asks for it: so that no name becomes a link, or calls a whole channel.
fn escaped(text: &str) -> String {
    let shown = crate::domain::failure_words::shown(text, 2_000);
    shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
