//! The words of an export's settings, as the pages say them everywhere.

use spillway::domain::{
    Cycle, DataKind, DataSelection, ExportSpec, Format, Frequency, FrequencyKind, IdentityKind,
    IdentityPriority, Packaging, Preset, StatusKind,
};

use super::times::Times;

/// A kind of data.
#[must_use]
pub(crate) fn data_kind(kind: DataKind) -> &'static str {
    match kind {
        DataKind::AllEvents => "All events",
        DataKind::SelectEvents => "Select events",
        DataKind::AllProfiles => "All user properties",
    }
}

/// The data of an export: how many events where they are selected.
#[must_use]
pub(crate) fn data(data: &DataSelection) -> String {
    match data {
        DataSelection::SelectEvents { names } => match names.as_slice() {
            [one] => one.clone(),
            many => format!("{} events", many.len()),
        },
        other => data_kind(other.kind()).to_owned(),
    }
}

/// A format.
#[must_use]
pub(crate) fn format(format: Format) -> &'static str {
    match format {
        Format::Json => "JSON",
        Format::Csv => "CSV",
        Format::Xml => "XML",
        Format::Parquet => "Parquet",
    }
}

/// A kind of frequency.
#[must_use]
pub(crate) fn frequency_kind(kind: FrequencyKind) -> &'static str {
    match kind {
        FrequencyKind::OneTime => "One time",
        FrequencyKind::Recurring => "Recurring",
        FrequencyKind::Live => "Live",
    }
}

/// How often an export runs.
#[must_use]
pub(crate) fn frequency(frequency: &Frequency) -> String {
    match frequency {
        Frequency::Recurring(cycle) => format!("Every {} hours", u8::from(cycle.every)),
        other => frequency_kind(other.kind()).to_owned(),
    }
}

/// What more there is to say of a frequency: the days, or since when and at which hour.
#[must_use]
pub(crate) fn frequency_note(frequency: &Frequency) -> Option<String> {
    match frequency {
        Frequency::OneTime { days } => days.map(|days| Times::days(days.first(), days.last())),
        Frequency::Recurring(Cycle { start, anchor_hour, .. }) => {
            Some(format!("from {} on, anchored at {}", Times::day(*start), hour(u8::from(*anchor_hour))))
        }
        Frequency::Live { start } => Some(format!("every 5 minutes, from {} on", Times::day(*start))),
    }
}

/// An hour of the day: `12:00 a.m.`, `3:00 p.m.`.
#[must_use]
pub(crate) fn hour(hour: u8) -> String {
    let half = if hour < 12 { "a.m." } else { "p.m." };
    let shown = if hour.is_multiple_of(12) { 12 } else { hour % 12 };
    format!("{shown}:00 {half}")
}

/// A status.
#[must_use]
pub(crate) fn status(kind: StatusKind) -> &'static str {
    kind.as_str()
}

/// An identity.
#[must_use]
pub(crate) fn identity(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::Identity => "Identity",
        IdentityKind::Email => "Email",
        IdentityKind::Phone => "Phone",
    }
}

/// An order of identities: `Email, then Identity`.
#[must_use]
pub(crate) fn priorities(order: &IdentityPriority) -> String {
    order.kinds().iter().map(|kind| identity(*kind)).collect::<Vec<_>>().join(", then ")
}

/// A preset.
#[must_use]
pub(crate) fn preset(preset: Preset) -> &'static str {
    match preset {
        Preset::Today => "Today",
        Preset::Yesterday => "Yesterday",
        Preset::Last7Days => "Last 7 days",
        Preset::Last15Days => "Last 15 days",
        Preset::Last30Days => "Last 30 days",
        Preset::Last60Days => "Last 60 days",
        Preset::ThisMonth => "This month",
        Preset::PreviousMonth => "Previous month",
    }
}

/// A preset in forms.
#[must_use]
pub(crate) fn preset_value(preset: Preset) -> &'static str {
    match preset {
        Preset::Today => "today",
        Preset::Yesterday => "yesterday",
        Preset::Last7Days => "last-7-days",
        Preset::Last15Days => "last-15-days",
        Preset::Last30Days => "last-30-days",
        Preset::Last60Days => "last-60-days",
        Preset::ThisMonth => "this-month",
        Preset::PreviousMonth => "previous-month",
    }
}

/// How an export's files are packed and written, beside their format.
#[must_use]
pub(crate) fn format_note(spec: &ExportSpec) -> String {
    let is_events = spec.data != DataSelection::AllProfiles;
    let mut parts = vec![match spec.packaging {
        Packaging::Gzip => "gzip",
        Packaging::Plain => "no compression",
    }];
    if spec.format == Format::Json && is_events {
        parts.push(if spec.header_line { "first line is the event's name" } else { "plain JSON lines" });
    }
    if spec.as_string {
        parts.push("values as string");
    }
    if !spec.manifest {
        parts.push("no manifest");
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_told_as_the_product_tells_them() {
        let told = [0, 1, 11, 12, 15, 23].map(hour);
        assert_eq!(told, ["12:00 a.m.", "1:00 a.m.", "11:00 a.m.", "12:00 p.m.", "3:00 p.m.", "11:00 p.m."]);
    }

    #[test]
    fn identities_in_forms_are_those_of_documents() {
        for kind in IdentityKind::ALL {
            assert_eq!(serde_json::to_value(kind).ok(), Some(kind.as_str().into()));
        }
    }

    #[test]
    fn selected_events_are_named_or_counted() {
        let names = |names: &[&str]| {
            data(&DataSelection::SelectEvents {
                names: names.iter().map(|name| (*name).to_owned()).collect(),
            })
        };
        assert_eq!(names(&["Charged"]), "Charged");
        assert_eq!(names(&["Charged", "Viewed"]), "2 events");
        assert_eq!(data(&DataSelection::AllProfiles), "All user properties");
    }
}
