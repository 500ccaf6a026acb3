//! The API's words for the domain's kinds.

use serde::{Deserialize, Serialize};
use spillway::domain::{
    DataKind, EventKind, Format, FrequencyKind, IdentityKind, ManifestStatus, Packaging, Preset, RunStatus,
    StatusKind, WindowKind,
};
use utoipa::ToSchema;

macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident of $domain:ident as $public:ident, $case:tt { $($(#[$note:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = $case)]
        #[schema(as = $public)]
        pub(in crate::api) enum $name {
            $($(#[$note])* $variant,)*
        }

        impl From<$domain> for $name {
            fn from(kind: $domain) -> Self {
                match kind { $($domain::$variant => Self::$variant,)* }
            }
        }

        impl From<$name> for $domain {
            fn from(kind: $name) -> Self {
                match kind { $($name::$variant => Self::$variant,)* }
            }
        }
    };
}

mirror! {
    /// The format of the files.
    FormatBody of Format as Format, "lowercase" { Json, Csv, Xml, Parquet, }
}
mirror! {
    /// Whether a file is wrapped in gzip.
    #[derive(Default)]
    PackagingBody of Packaging as Packaging, "lowercase" { #[default] Gzip, Plain, }
}
mirror! {
    /// An identity of users.
    IdentityBody of IdentityKind as Identity, "lowercase" { Identity, Email, Phone, }
}
mirror! {
    /// Which kind of data.
    DataKindBody of DataKind as DataKind, "kebab-case" { AllEvents, SelectEvents, AllProfiles, }
}
mirror! {
    /// How an export repeats.
    FrequencyKindBody of FrequencyKind as FrequencyKind, "kebab-case" { OneTime, Recurring, Live, }
}
mirror! {
    /// Where an export stands.
    StatusBody of StatusKind as ExportStatus, "UPPERCASE" { Pending, Running, Done, Stopped, }
}
mirror! {
    /// Where a run stands.
    RunStatusBody of RunStatus as RunStatus, "UPPERCASE" { Owed, Running, Done, Empty, Stopped, Incomplete, }
}
mirror! {
    /// How a run with a manifest ended.
    ManifestStatusBody of ManifestStatus as ManifestStatus, "UPPERCASE" { Done, Empty, Stopped, }
}
mirror! {
    /// What a window compares: days of events, or instants at which the lake took the data.
    WindowKindBody of WindowKind as WindowKind, "camelCase" { EventDate, Committed, }
}
mirror! {
    /// Days relative to today.
    PresetBody of Preset as Preset, "kebab-case" {
        Today, Yesterday, #[serde(rename = "last-7-days")] Last7Days, #[serde(rename = "last-15-days")] Last15Days, #[serde(rename = "last-30-days")] Last30Days, #[serde(rename = "last-60-days")] Last60Days, ThisMonth, PreviousMonth,
    }
}
mirror! {
    /// Who defines an event: the platform, or the customer.
    EventKindBody of EventKind as EventKind, "lowercase" { System, Custom, }
}

/// Whose buckets the files go into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Partner)]
pub(in crate::api) enum PartnerBody {
    /// Google Cloud Storage.
    GoogleCloud,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn words_are_those_of_files_and_documents() {
        for format in Format::ALL {
            assert_eq!(text(FormatBody::from(format)), format.as_str());
        }
        for kind in DataKind::ALL {
            assert_eq!(text(DataKindBody::from(*kind)), kind.as_str());
        }
        for kind in FrequencyKind::ALL {
            assert_eq!(text(FrequencyKindBody::from(*kind)), kind.as_str());
        }
        for kind in StatusKind::ALL {
            assert_eq!(text(StatusBody::from(*kind)), kind.as_str());
        }
        assert_eq!(text(PresetBody::Last7Days), "last-7-days");
    }

    fn text(kind: impl Serialize) -> String {
        serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
    }
}
