//! What the API takes and gives, apart from the domain's own types: these change only with the API's version.

mod account;
mod bucket;
mod estimate;
mod event;
mod export;
mod incident;
mod kinds;
mod patch;
mod progress;
mod read;
mod run;
mod webhook;
mod wish;

pub(crate) use self::bucket::StepBody;
pub use self::webhook::DeliveryBody;
pub(super) use self::{
    account::{AccountBody, AccountPatch},
    bucket::{
        BlockedBody, BucketBody, BucketList, CheckBody, LineBody, NewBucket, NewKey, RecheckBody, VerdictBody,
    },
    estimate::{EstimateBody, notice},
    event::EventList,
    export::{ExportBody, ExportList},
    incident::{IncidentBody, IncidentList},
    kinds::{DataKindBody, FormatBody, FrequencyKindBody, PartnerBody, StatusBody},
    patch::ExportPatch,
    progress::ProgressBody,
    run::{FileList, ManifestBody, ManifestFileBody, RunBody, RunList},
    webhook::{WebhookSecretBody, WebhookTriedBody},
    wish::NewExportBody,
};
