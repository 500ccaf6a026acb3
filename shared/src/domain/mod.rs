//! The words and rules of Spillway, pure: no I/O, no async, no clock.

mod account;
mod bucket;
pub mod bucket_check;
mod candidate;
mod catalogue;
mod chunk;
mod columns;
mod contact;
mod crc;
mod escalation;
mod estimate;
mod export;
mod failure;
pub mod failure_words;
mod format;
pub mod health;
mod idempotency;
mod identity;
mod ids;
mod incident;
mod instant;
pub mod key_text;
mod kinds;
pub mod lake;
mod lease;
mod manifest;
pub mod names;
mod notice;
pub mod plan;
mod preset;
mod profile_note;
pub mod public_address;
pub mod rules;
mod run;
mod schedule;
mod slice;
mod transitions;
mod unseen;
pub mod webhook;
mod window;

pub use account::{Account, UnknownZone, ZoneName};
pub use bucket::{BlockOutcome, BucketId, BucketState, KeyFacts, Opening, PartnerBucket, SealedKey};
pub use bucket_check::{BucketSettings, CheckStep, CheckVerdict, RetentionPolicy, StepOutcome, StepReport};
pub use candidate::{BucketCandidate, CANDIDATE_MINUTES, CandidateId, NotCandidateId};
pub use catalogue::{
    CatalogueDay, CatalogueEvent, CatalogueMark, CatalogueTotal, EventKind, MAX_PROPERTIES,
    MAX_PROPERTY_BYTES, Records, SYSTEM_EVENTS, ShardSums, Sums,
};
pub use chunk::{
    Chunk, ChunkCommand, ChunkContent, ChunkId, ChunkKey, ChunkPlan, ChunkRefusal, ChunkState, EventNaming,
    Intent, MAX_ATTEMPTS, PlanToken, Written,
};
pub use columns::{PropertyColumn, PropertyScope};
pub use contact::{EmailAddress, NoEmailAddress, NoWebhook, WebhookUrl};
pub use crc::{Crc32c, NotCrc32c};
pub use escalation::{BucketSight, Observation, Observed, ProbeAnswer};
pub use estimate::{Basis, Estimate, Estimator, LOOK_BACK_DAYS};
pub use export::{
    BackwardRange, DataSelection, DateRange, Delivery, Export, ExportHistory, ExportSpec, ExportStatus,
    Frequency, StopReason,
};
pub use failure::{BucketFailure, FailureClass, Side};
pub use failure_words::{FailureWords, Known};
pub use format::{Format, Packaging};
pub use idempotency::{BadIdempotencyKey, Fingerprint, IDEMPOTENCY_SECS, IdempotencyKey};
pub use identity::{IdentityKind, IdentityPriority, PriorityError};
pub use ids::{AccountId, DatabaseId, RequestId, RunKey, RunTimestamp};
pub use incident::{
    Incident, IncidentId, IncidentPhase, LONGEST_GAP_SECS, NoticeKind, REMIND_AFTER_SECS, SETTLED_AFTER_SECS,
    STOP_AFTER_SECS, ToldNotice,
};
pub use key_text::{KeyFault, KeyIdentity};
pub use kinds::{DataKind, ExportFilter, ExportedOn, FrequencyKind, StatusKind};
pub use lake::{BadLakePath, Dataset, EventFolder, Footer, LakeFile, LakePath, RowGroup};
pub use lease::{
    ACK_DEADLINE_SECS, CLOCK_SKEW_SECS, LEASE_SECS, Lease, LeaseToken, REQUEST_TIMEOUT_SECS,
    STEP_TIMEOUT_SECS,
};
pub use manifest::{Manifest, ManifestFile, ManifestStatus, ManifestWindow, WindowKind};
pub use names::FileEventName;
pub use notice::{
    ChannelKind, Mailing, MailingId, NOTICE_ATTEMPTS, NOTICE_LEASE_SECS, Notice, NoticeId, NoticeState,
    NoticeTask,
};
pub use preset::{Preset, clip, earliest_day};
pub use profile_note::ProfileNote;
pub use run::{AnotherBucket, Run, RunClosing, RunOpening, RunPlan, RunStatus, RunTotals};
pub use slice::{
    EndCursor, PlannedRows, ProfileFile, ProfileFiles, ProfileRole, RowCursor, Slice, SliceFile,
};
pub use transitions::{LONG_WITH_DATA_SECS, Superseded};
pub use unseen::UnseenEvents;
pub use window::{
    AnchorHour, Cycle, EveryHours, NoSuchHour, NotOffered, SETTLE_LAG_SECS, Window, next_live_due,
    start_of_day,
};
