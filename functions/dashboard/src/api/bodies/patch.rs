//! An edit of an export.

use jiff::civil::Date;
use serde::Deserialize;
use spillway::domain::{BucketId, DataSelection, ExportSpec, IdentityPriority};
use utoipa::ToSchema;

use super::{
    kinds::{FormatBody, IdentityBody, PackagingBody},
    read::{given, given_identities, given_object},
    wish::{DataBody, FrequencyBody, read_identities},
};
use crate::problem::FieldError;

/// What is to change from the next run on; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ExportChange)]
pub(in crate::api) struct ExportPatch {
    /// The nickname of the bucket.
    #[serde(deserialize_with = "given")]
    #[schema(nullable = false)]
    pub bucket: Option<String>,
    /// Which data; never from events to user properties or back.
    #[serde(deserialize_with = "given_object")]
    #[schema(nullable = false)]
    pub data: Option<DataBody>,
    /// Which of a user's identities stands in the files. Events that come to be selected have none.
    #[serde(deserialize_with = "given_identities")]
    #[schema(nullable = false, min_items = 1, max_items = 3)]
    pub identities: Option<Vec<IdentityBody>>,
    /// How often; never of another kind. Another number of hours begins anew at midnight.
    #[serde(deserialize_with = "given_object")]
    #[schema(nullable = false)]
    pub frequency: Option<FrequencyBody>,
    /// The format of the files.
    #[serde(deserialize_with = "given")]
    #[schema(nullable = false)]
    pub format: Option<FormatBody>,
    /// How a file is packed.
    #[serde(deserialize_with = "given")]
    #[schema(nullable = false)]
    pub packaging: Option<PackagingBody>,
    /// Whether property values become strings.
    #[serde(deserialize_with = "given")]
    #[schema(nullable = false)]
    pub as_string: Option<bool>,
    /// JSON events: whether the first line of a file is the event's name.
    #[serde(deserialize_with = "given")]
    #[schema(nullable = false)]
    pub header_line: Option<bool>,
    /// Whether a list of the files is written with them.
    #[serde(deserialize_with = "given")]
    #[schema(nullable = false)]
    pub manifest: Option<bool>,
}

impl ExportPatch {
    /// The spec as it is to be.
    pub(in crate::api) fn apply(
        self,
        known: &ExportSpec,
        today: Date,
    ) -> Result<ExportSpec, Vec<FieldError>> {
        let mut errors = Vec::new();
        let data = self.data.map_or_else(|| known.data.clone(), Into::into);
        let identities = match self.identities {
            Some(kinds) => read_identities(kinds, &mut errors),
            // Selected events have no priorities; those of the events before cannot be left out, for they are not sent.
            None if matches!(data, DataSelection::SelectEvents { .. }) => Some(IdentityPriority::default()),
            None => Some(known.identities.clone()),
        };
        let frequency = match self.frequency {
            Some(frequency) => frequency.read(today, Some(known.frequency), &mut errors),
            None => Some(known.frequency),
        };
        let (Some(identities), Some(frequency)) = (identities, frequency) else { return Err(errors) };
        Ok(ExportSpec {
            bucket: self.bucket.map_or_else(|| known.bucket.clone(), BucketId),
            data,
            identities,
            frequency,
            format: self.format.map_or(known.format, Into::into),
            packaging: self.packaging.map_or(known.packaging, Into::into),
            as_string: self.as_string.unwrap_or(known.as_string),
            header_line: self.header_line.unwrap_or(known.header_line),
            manifest: self.manifest.unwrap_or(known.manifest),
        })
    }
}
