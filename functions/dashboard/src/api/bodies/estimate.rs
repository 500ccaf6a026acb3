//! What an export would deliver.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use spillway::domain::{Basis, DateRange, Estimate, UnseenEvents, rules::ClippedDays};
use utoipa::ToSchema;

/// What an export would deliver, told before it is created.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Estimate)]
pub(in crate::api) struct EstimateBody {
    /// Whether the numbers are of the whole export (`once`) or of an average run (`each-run`).
    #[schema(value_type = String)]
    pub basis: &'static str,
    /// Objects, without the manifest.
    pub files: u64,
    /// Rows.
    pub rows: u64,
    /// Whether fewer rows may go out, for the numbers count every version of a profile.
    pub is_upper_bound: bool,
    /// Bytes as stored in the bucket.
    pub bytes: u64,
    /// When the first of the events happened.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_event: Option<Timestamp>,
    /// When the last one did.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_event: Option<Timestamp>,
    /// Days of a one-time export of which there is nothing.
    #[schema(value_type = Vec<String>)]
    pub days_without_data: Vec<Date>,
    /// A file's name, as it would be if the export were created now.
    pub example_name: String,
    /// What is left out, and selected events that have not been seen yet, in sentences; null where there is nothing to
    /// say.
    pub notice: Option<String>,
}

/// Where there is data, for whoever has chosen days without any.
fn elsewhere(days: DateRange) -> String {
    format!("There is nothing on the chosen days; there is data from {} to {}.", days.first(), days.last())
}

/// What must be told beside an export.
pub(in crate::api) fn notice(clipped: Option<ClippedDays>, unseen: Option<UnseenEvents>) -> Option<String> {
    let sentences = clipped.map(|clipped| clipped.to_string()).into_iter();
    let sentences: Vec<_> = sentences.chain(unseen.map(|unseen| unseen.to_string())).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

impl From<Estimate> for EstimateBody {
    fn from(estimate: Estimate) -> Self {
        Self {
            basis: match estimate.basis {
                Basis::Once => "once",
                Basis::EachRun => "each-run",
            },
            files: estimate.files,
            rows: estimate.rows,
            is_upper_bound: estimate.is_upper_bound,
            bytes: estimate.bytes,
            first_event: estimate.first_event,
            last_event: estimate.last_event,
            days_without_data: estimate.days_without_data,
            example_name: estimate.example_name,
            notice: match (notice(estimate.clipped, estimate.unseen), estimate.days_with_data.map(elsewhere))
            {
                (Some(told), Some(elsewhere)) => Some(format!("{told} {elsewhere}")),
                (told, elsewhere) => told.or(elsewhere),
            },
        }
    }
}
