//! Exports.

use jiff::Timestamp;
use serde::Serialize;
use spillway::domain::{Export, ExportStatus, StopReason};
use utoipa::ToSchema;

use super::{
    kinds::{FormatBody, IdentityBody, PackagingBody, PartnerBody, StatusBody},
    wish::{DataBody, FrequencyBody},
};

/// An export.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Export)]
pub(in crate::api) struct ExportBody {
    /// Its number, unique in the account: the epoch second of its creation, or the next one that was free.
    pub request_id: i64,
    /// Whose buckets the files go into.
    pub partner: PartnerBody,
    /// The nickname of the bucket.
    pub bucket: String,
    /// Which data.
    pub data: DataBody,
    /// Which of a user's identities stands in the files.
    pub identities: Vec<IdentityBody>,
    /// How often.
    pub frequency: FrequencyBody,
    /// The format of the files.
    pub format: FormatBody,
    /// How a file is packed.
    pub packaging: PackagingBody,
    /// Whether property values become strings.
    pub as_string: bool,
    /// JSON events: whether the first line of a file is the event's name.
    pub header_line: bool,
    /// Whether a list of the files is written with them.
    pub manifest: bool,
    /// Where it stands.
    pub status: StatusBody,
    /// How it was stopped; null where it was not.
    pub stopped: Option<StoppedBody>,
    /// The export that goes on where this one was stopped; null where there is none.
    pub successor: Option<i64>,
    /// The stopped export where this one goes on; null where it begins by itself.
    pub predecessor: Option<i64>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Who created it, where that is known.
    pub created_by: Option<String>,
    /// Until when the lake's data has been delivered; null before the first run has ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub delivered_until: Option<Timestamp>,
    /// When the next run is due; null where there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_run_at: Option<Timestamp>,
    /// At its creation or edit: what was left out, and selected events that have not been seen yet, in sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// How an export was stopped.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stopped)]
pub(in crate::api) struct StoppedBody {
    /// `user`, or `failure` after three days of it.
    #[schema(value_type = String)]
    pub by: &'static str,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The last failure, where it was one.
    pub message: Option<String>,
}

impl From<&Export> for ExportBody {
    fn from(export: &Export) -> Self {
        let spec = &export.spec;
        Self {
            request_id: export.request.0,
            partner: PartnerBody::GoogleCloud,
            bucket: spec.bucket.to_string(),
            data: (&spec.data).into(),
            identities: spec.effective_identities().kinds().iter().map(|kind| (*kind).into()).collect(),
            frequency: spec.frequency.into(),
            format: spec.format.into(),
            packaging: spec.packaging.into(),
            as_string: spec.as_string,
            header_line: spec.header_line,
            manifest: spec.manifest,
            status: export.status.kind().into(),
            stopped: stopped(&export.status),
            successor: export.successor.map(|request| request.0),
            predecessor: export.predecessor.map(|request| request.0),
            created_at: export.created_at,
            created_by: export.created_by.clone(),
            delivered_until: export.delivered_cut,
            next_run_at: export.next_due_at.filter(|_| export.is_active()),
            notice: None,
        }
    }
}

fn stopped(status: &ExportStatus) -> Option<StoppedBody> {
    let ExportStatus::Stopped { reason, at } = status else { return None };
    let (by, message) = match reason {
        StopReason::User => ("user", None),
        StopReason::Failure { message } => ("failure", Some(message.clone())),
    };
    Some(StoppedBody { by, at: *at, message })
}

/// A page of exports.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ExportList {
    /// Newest first.
    pub exports: Vec<ExportBody>,
    /// The `cursor` of the next page; null at the end.
    pub next: Option<String>,
}
