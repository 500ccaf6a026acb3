//! An export that a customer asks for.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use spillway::domain::{
    AnchorHour, BucketId, Cycle, DataSelection, DateRange, EveryHours, ExportSpec, Frequency,
    IdentityPriority, Preset,
};
use utoipa::ToSchema;

use super::kinds::{FormatBody, IdentityBody, PackagingBody, PresetBody};
use crate::problem::FieldError;

/// An export that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewExport)]
pub(in crate::api) struct NewExportBody {
    /// The nickname of the bucket into which the files go.
    #[schema(example = "main")]
    pub bucket: String,
    /// Which data.
    #[serde(deserialize_with = "super::read::object")]
    pub data: DataBody,
    /// Which of a user's identities stands in the files: one to three, the first that a user has. Identity by default;
    /// of all events and all user properties only.
    #[serde(default, deserialize_with = "super::read::given_identities")]
    #[schema(nullable = false, min_items = 1, max_items = 3)]
    pub identities: Option<Vec<IdentityBody>>,
    /// How often.
    #[serde(deserialize_with = "super::read::object")]
    pub frequency: FrequencyBody,
    /// The format of the files.
    pub format: FormatBody,
    /// How a file is packed.
    #[serde(default)]
    pub packaging: PackagingBody,
    /// Whether property values become strings.
    #[serde(default)]
    pub as_string: bool,
    /// JSON events: whether the first line of a file is the event's name.
    #[serde(default = "yes")]
    pub header_line: bool,
    /// Whether a list of the files is written with them.
    #[serde(default = "yes")]
    pub manifest: bool,
}

fn yes() -> bool {
    true
}

/// Which data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[schema(as = Data)]
pub(in crate::api) enum DataBody {
    /// Every event.
    AllEvents {},
    /// The named events.
    SelectEvents {
        /// Their names as captured, 1 to 500.
        #[schema(min_items = 1, max_items = 500)]
        events: Vec<String>,
    },
    /// All user properties.
    AllProfiles {},
}

impl From<DataBody> for DataSelection {
    fn from(data: DataBody) -> Self {
        match data {
            DataBody::AllEvents {} => Self::AllEvents,
            DataBody::SelectEvents { events } => Self::SelectEvents { names: events },
            DataBody::AllProfiles {} => Self::AllProfiles,
        }
    }
}

impl From<&DataSelection> for DataBody {
    fn from(data: &DataSelection) -> Self {
        match data {
            DataSelection::AllEvents => Self::AllEvents {},
            DataSelection::SelectEvents { names } => Self::SelectEvents { events: names.clone() },
            DataSelection::AllProfiles => Self::AllProfiles {},
        }
    }
}

/// Days, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Days)]
pub(in crate::api) struct DaysBody {
    /// The first day, in the account's time zone.
    #[schema(value_type = String, format = Date)]
    pub first: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub last: Date,
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[schema(as = Frequency)]
pub(in crate::api) enum FrequencyBody {
    /// Once, at once. Events take `days` or a `preset`; user properties are exported as they are now.
    OneTime {
        /// The days.
        #[serde(
            default,
            deserialize_with = "super::read::given_object",
            skip_serializing_if = "Option::is_none"
        )]
        #[schema(nullable = false)]
        days: Option<DaysBody>,
        /// The days, relative to today.
        #[serde(default, deserialize_with = "super::read::given", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        preset: Option<PresetBody>,
    },
    /// Every few hours.
    Recurring {
        /// 4, 6, 8, 12 or 24.
        #[serde(deserialize_with = "super::read::whole")]
        #[schema(minimum = 4, maximum = 24, multiple_of = 2, example = 6)]
        every_hours: u8,
        /// The day from whose first moment on data counts; today by default.
        #[serde(default, deserialize_with = "super::read::given")]
        #[schema(value_type = Option<String>, format = Date, nullable = false)]
        start: Option<Date>,
        /// The hour of the day to which the cycle is anchored, 0 (12:00 a.m.) by default.
        #[serde(default, deserialize_with = "super::read::given_hour")]
        #[schema(value_type = Option<u8>, minimum = 0, maximum = 23, nullable = false)]
        anchor_hour: Option<AnchorHour>,
    },
    /// Every five minutes.
    Live {
        /// The day from whose first moment on data counts; today by default.
        #[serde(default, deserialize_with = "super::read::given")]
        #[schema(value_type = Option<String>, format = Date, nullable = false)]
        start: Option<Date>,
    },
}

impl From<Frequency> for FrequencyBody {
    fn from(frequency: Frequency) -> Self {
        match frequency {
            Frequency::OneTime { days } => {
                let days = days.map(|days| DaysBody { first: days.first(), last: days.last() });
                Self::OneTime { days, preset: None }
            }
            Frequency::Recurring(Cycle { every, start, anchor_hour }) => Self::Recurring {
                every_hours: every.into(),
                start: Some(start),
                anchor_hour: Some(anchor_hour),
            },
            Frequency::Live { start } => Self::Live { start: Some(start) },
        }
    }
}

impl FrequencyBody {
    /// In the domain's words. What is left out is as in `known`, else `today` and midnight.
    pub(super) fn read(
        self,
        today: Date,
        known: Option<Frequency>,
        errors: &mut Vec<FieldError>,
    ) -> Option<Frequency> {
        let known_start = known.as_ref().and_then(Frequency::start);
        let begin = |start: Option<Date>| start.or(known_start).unwrap_or(today);
        match self {
            Self::OneTime { days: Some(_), preset: Some(_) } => {
                let detail = "Both days and a preset are given. Leave one of them out.";
                errors.push(FieldError::at("/frequency/preset", detail));
                None
            }
            Self::OneTime { days: None, preset } => {
                let days = preset.map(|preset| Preset::from(preset).days(today));
                Some(Frequency::OneTime { days })
            }
            Self::OneTime { days: Some(DaysBody { first, last }), preset: None } => {
                let days = DateRange::new(first, last);
                let days =
                    days.map_err(|error| errors.push(FieldError::at("/frequency/days", error))).ok()?;
                Some(Frequency::OneTime { days: Some(days) })
            }
            Self::Recurring { every_hours, start, anchor_hour } => {
                let every = EveryHours::try_from(every_hours)
                    .map_err(|error| errors.push(FieldError::at("/frequency/every_hours", error)))
                    .ok()?;
                let known_hour = match known {
                    Some(Frequency::Recurring(cycle)) => cycle.anchor_hour,
                    _ => AnchorHour::default(),
                };
                let anchor_hour = anchor_hour.unwrap_or(known_hour);
                Some(Frequency::Recurring(Cycle { every, start: begin(start), anchor_hour }))
            }
            Self::Live { start } => Some(Frequency::Live { start: begin(start) }),
        }
    }
}

/// The order of identities, where it is one.
pub(super) fn read_identities(
    kinds: Vec<IdentityBody>,
    errors: &mut Vec<FieldError>,
) -> Option<IdentityPriority> {
    let order = IdentityPriority::new(kinds.into_iter().map(Into::into).collect());
    order.map_err(|error| errors.push(FieldError::at("/identities", error))).ok()
}

impl NewExportBody {
    /// In the domain's words, where every part can be said in them.
    pub(in crate::api) fn into_spec(self, today: Date) -> Result<ExportSpec, Vec<FieldError>> {
        let mut errors = Vec::new();
        let identities = match self.identities {
            Some(kinds) => read_identities(kinds, &mut errors),
            None => Some(IdentityPriority::default()),
        };
        let frequency = self.frequency.read(today, None, &mut errors);
        let (Some(identities), Some(frequency)) = (identities, frequency) else { return Err(errors) };
        Ok(ExportSpec {
            bucket: BucketId(self.bucket),
            data: self.data.into(),
            identities,
            frequency,
            format: self.format.into(),
            packaging: self.packaging.into(),
            as_string: self.as_string,
            header_line: self.header_line,
            manifest: self.manifest,
        })
    }
}
