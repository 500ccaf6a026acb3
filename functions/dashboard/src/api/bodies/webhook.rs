//! Webhooks: the secret, a test, and what a delivery is like, for the document. Deliveries themselves are made by
//! `spillway::domain::webhook`; a test compares the two.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::validator_client::WebhookTried;

/// A new secret of the webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookSecret)]
pub(in crate::api) struct WebhookSecretBody {
    /// The secret, with which deliveries are signed. It is never shown again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
}

/// What became of a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTest)]
pub(in crate::api) struct WebhookTriedBody {
    /// Whether it arrived.
    pub delivered: bool,
    /// The status with which the server took it; null where it did not.
    pub status: Option<u16>,
    /// Why it did not arrive, and what to do; null where it did.
    pub problem: Option<String>,
    /// How long that took, in milliseconds.
    pub took_millis: u64,
}

impl From<WebhookTried> for WebhookTriedBody {
    fn from(tried: WebhookTried) -> Self {
        let WebhookTried { status, problem, took_millis } = tried;
        Self { delivered: status.is_some(), status, problem, took_millis }
    }
}

/// A delivery: the product's own fields of a status alert, a sentence as Slack takes it, and more. Fields may be added
/// under the same `version`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryBody {
    /// The export's number; not there where a delivery is about several exports or none.
    #[serde(rename = "Export Request Id", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1_690_283_492)]
    export_request_id: Option<i64>,
    /// The partner.
    #[serde(rename = "Partner")]
    #[schema(example = "Google Cloud Storage")]
    partner: String,
    /// `Events` or `User Profiles`; of runs only.
    #[serde(rename = "Type", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Events")]
    data_type: Option<String>,
    /// `Initiated`, `Completed`, `Failed`, `Stopped`, `Blocked`, `Resumed` or `Test`.
    #[serde(rename = "Status")]
    #[schema(example = "Completed")]
    status: String,
    /// `One Time`, `Live` or `Every 4 Hours`; of runs only.
    #[serde(rename = "Frequency", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "One Time")]
    frequency: Option<String>,
    /// When it happened, in the account's time zone.
    #[serde(rename = "Date and Time")]
    #[schema(example = "25/07/2023 4:50:52 PM")]
    date_and_time: String,
    /// One sentence, escaped as Slack wants it.
    text: String,
    /// The version of this form: 1.
    version: u32,
    /// `run.started`, `run.finished`, `run.incomplete`, `run.stopped`, `incident.opened`, `incident.reminder`,
    /// `incident.stopped`, `incident.resolved` or `test`.
    #[schema(example = "run.finished")]
    event: String,
    /// The account's number.
    account: u64,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// The run, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    run: Option<DeliveredRunBody>,
    /// The bucket's incident, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    incident: Option<DeliveredIncidentBody>,
}

/// The run of a delivery.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeliveredRun)]
struct DeliveredRunBody {
    /// The export's number.
    request_id: i64,
    /// The run's timestamp; with the export's number it begins the names of its files.
    run: i64,
    /// `RUNNING`, `DONE`, `EMPTY`, `INCOMPLETE` or `STOPPED`.
    #[schema(example = "DONE")]
    status: String,
    /// What it delivers.
    window: DeliveredWindowBody,
    /// The bucket's nickname.
    bucket: String,
    /// Its name at Google, once the run has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    bucket_name: Option<String>,
    /// Rows that were delivered.
    rows: u64,
    /// Files.
    files: u64,
    /// Their bytes as stored.
    bytes: u64,
    /// Files that are missing, for a fault of ours; they follow.
    failed_files: u64,
    /// The manifest's name, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    manifest: Option<String>,
}

/// What the run of a delivery delivers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeliveredWindow)]
struct DeliveredWindowBody {
    /// Its begin.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Its end.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// What is compared with them: `eventDate` or `committed`.
    #[schema(example = "eventDate")]
    kind: String,
}

/// The incident of a delivery: a bucket that takes no files. One series a bucket, whatever the number of its exports.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeliveredIncident)]
struct DeliveredIncidentBody {
    /// Which; every delivery of its series has it.
    id: String,
    /// The bucket's nickname.
    bucket: String,
    /// Its name at Google.
    bucket_name: String,
    /// Which kind of failure.
    #[schema(example = "permission-missing")]
    class: String,
    /// Google's status, where it answered, and the class.
    #[schema(example = "403 permission-missing")]
    code: String,
    /// In a few words.
    title: String,
    /// What happened.
    cause: String,
    /// What to do.
    resolution: String,
    /// Google's own words, where there are any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    said: String,
    /// The page that says what to do, step by step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    help_url: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// When the exports stop, where they will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, nullable = false)]
    stops_at: Option<Timestamp>,
    /// How many windows are owed.
    owed_windows: u64,
    /// The exports into the bucket, the first 100.
    exports: Vec<i64>,
    /// How many there are.
    exports_total: u64,
}
