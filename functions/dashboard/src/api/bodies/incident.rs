//! Incidents of buckets.

use jiff::Timestamp;
use serde::Serialize;
use spillway::domain::{Incident, IncidentPhase, Known, NoticeKind, PartnerBucket};
use utoipa::ToSchema;

/// An incident: the story of a bucket that fails, from the first failure until files are delivered again. One bucket has
/// one series of notices, whatever the number of its exports.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Incident)]
pub(in crate::api) struct IncidentBody {
    /// Which; the deliveries to webhooks name it.
    pub id: String,
    /// The bucket's nickname.
    pub bucket: String,
    /// Its name at Google.
    pub bucket_name: String,
    /// Where it stands.
    pub phase: PhaseBody,
    /// Which kind of failure.
    #[schema(example = "bucket-missing")]
    pub class: &'static str,
    /// Google's status, where it answered, and the class.
    #[schema(example = "404 bucket-missing")]
    pub code: String,
    /// In a few words.
    pub title: String,
    /// What happened.
    pub cause: String,
    /// What to do.
    pub resolution: String,
    /// Google's own words; empty where there are none.
    pub said: String,
    /// The path of the page that says what to do, step by step.
    pub help: String,
    /// When the series began.
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Timestamp,
    /// Since when nothing has been delivered.
    #[schema(value_type = String, format = DateTime)]
    pub failing_since: Timestamp,
    /// When its exports will be stopped; null where they have been, or will not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stops_at: Option<Timestamp>,
    /// What was told of it, oldest first.
    pub notices: Vec<ToldBody>,
}

/// A notice that was given.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ToldNotice)]
pub(in crate::api) struct ToldBody {
    /// What it told.
    pub kind: ToldKindBody,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// What a notice told.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ToldKind)]
pub(in crate::api) enum ToldKindBody {
    /// The bucket fails.
    Detected,
    /// It has failed for a day.
    StillFailing,
    /// It has failed for three days, and the exports were stopped.
    Stopped,
    /// It works again.
    Recovered,
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = IncidentPhase)]
pub(in crate::api) enum PhaseBody {
    /// The bucket takes no files.
    Failing,
    /// It takes files again; nothing has been delivered yet.
    Resumed,
    /// A run was delivered. It may still fail again.
    Recovered,
    /// The exports are stopped.
    Stopped,
    /// It is over.
    Ended,
}

impl IncidentBody {
    /// Of an incident, and its bucket while that is connected: then the words name its service account, as elsewhere.
    pub(in crate::api) fn new(incident: &Incident, bucket: Option<&PartnerBucket>) -> Self {
        let failure = &incident.failure;
        let bucket_name = Some(incident.bucket_name.as_str());
        let words = failure.words(bucket.map_or(Known { bucket_name, client_email: None }, Known::from));
        let phase = match incident.phase {
            IncidentPhase::Failing | IncidentPhase::Stopping { .. } => PhaseBody::Failing,
            IncidentPhase::Resumed => PhaseBody::Resumed,
            IncidentPhase::Recovered { .. } => PhaseBody::Recovered,
            IncidentPhase::Stopped { .. } => PhaseBody::Stopped,
            IncidentPhase::Ended { .. } => PhaseBody::Ended,
        };
        let told = |kind| match kind {
            NoticeKind::Detected => ToldKindBody::Detected,
            NoticeKind::StillFailing => ToldKindBody::StillFailing,
            NoticeKind::Stopped => ToldKindBody::Stopped,
            NoticeKind::Recovered => ToldKindBody::Recovered,
        };
        let notices = incident.notices.iter();
        Self {
            id: incident.id.to_string(),
            bucket: incident.bucket.to_string(),
            bucket_name: incident.bucket_name.clone(),
            phase,
            class: failure.class.slug(),
            code: failure.code(),
            title: words.title,
            cause: words.cause,
            resolution: words.resolution,
            said: failure.said(),
            help: failure.help_path(&incident.bucket.0),
            began_at: incident.began_at,
            failing_since: incident.failing_since,
            stops_at: incident.is_failing().then_some(incident.stop_at),
            notices: notices.map(|notice| ToldBody { kind: told(notice.kind), at: notice.at }).collect(),
        }
    }
}

/// Incidents.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct IncidentList {
    /// Newest first.
    pub incidents: Vec<IncidentBody>,
}
