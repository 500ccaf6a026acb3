//! The account's events.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use spillway::domain::CatalogueEvent;
use utoipa::ToSchema;

use super::kinds::EventKindBody;

/// An event of the account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(in crate::api) struct EventBody {
    /// As captured.
    pub name: String,
    /// Who defines it.
    pub kind: EventKindBody,
    /// Rows on all days.
    pub rows: u64,
    /// When the first one happened, where that is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_seen: Option<Timestamp>,
    /// When the last one happened, where that is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<Timestamp>,
    /// The first day on which it happened.
    #[schema(value_type = String, format = Date)]
    pub first_day: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub last_day: Date,
    /// Names of its properties, up to 200.
    pub properties: Vec<String>,
}

impl From<CatalogueEvent> for EventBody {
    fn from(event: CatalogueEvent) -> Self {
        let CatalogueEvent { name, kind, rows, first_seen, last_seen, first_day, last_day, properties } =
            event;
        Self { name, kind: kind.into(), rows, first_seen, last_seen, first_day, last_day, properties }
    }
}

/// The account's events.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct EventList {
    /// By name.
    pub events: Vec<EventBody>,
}

impl EventList {
    pub(in crate::api) fn new(events: Vec<CatalogueEvent>) -> Self {
        Self { events: events.into_iter().map(Into::into).collect() }
    }
}
