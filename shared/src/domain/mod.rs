//! The words and rules of Spillway, pure: no I/O, no async, no clock.

mod account;
mod bucket;
mod chunk;
mod columns;
mod crc;
mod export;
mod failure;
mod format;
mod identity;
mod ids;
mod kinds;
pub mod lake;
mod lease;
mod manifest;
pub mod names;
pub mod plan;
mod preset;
mod profile_note;
pub mod rules;
mod run;
mod schedule;
mod slice;
mod transitions;
mod window;

pub use account::{Account, UnknownZone, ZoneName};
pub use bucket::{BucketId, BucketState, KeyFacts, PartnerBucket, SealedKey};
pub use chunk::{
    Chunk, ChunkCommand, ChunkContent, ChunkId, ChunkKey, ChunkPlan, ChunkRefusal, ChunkState, Intent,
    MAX_ATTEMPTS, PlanToken, Written,
};
pub use columns::{PropertyColumn, PropertyScope};
pub use crc::{Crc32c, NotCrc32c};
pub use export::{
    BackwardRange, DataSelection, DateRange, Export, ExportSpec, ExportStatus, Frequency, StopReason,
};
pub use failure::{BucketFailure, FailureClass, Side};
pub use format::{Format, Packaging};
pub use identity::{IdentityKind, IdentityPriority, PriorityError};
pub use ids::{AccountId, DatabaseId, RequestId, RunKey, RunTimestamp};
pub use kinds::{DataKind, ExportFilter, ExportedOn, FrequencyKind, StatusKind};
pub use lake::{BadLakePath, Dataset, EventFolder, Footer, LakeFile, LakePath, RowGroup};
pub use lease::{ACK_DEADLINE_SECS, LEASE_SECS, Lease, LeaseToken, REQUEST_TIMEOUT_SECS, STEP_TIMEOUT_SECS};
pub use manifest::{Manifest, ManifestFile, ManifestStatus, ManifestWindow, WindowKind};
pub use names::FileEventName;
pub use preset::{Clipped, Preset, clip};
pub use profile_note::ProfileNote;
pub use run::{Run, RunPlan, RunStatus, RunTotals};
pub use slice::{
    EndCursor, PlannedRows, ProfileFile, ProfileFiles, ProfileRole, RowCursor, Slice, SliceFile,
};
pub use transitions::Superseded;
pub use window::{Cycle, EveryHours, NotOffered, SETTLE_LAG_SECS, Window, next_live_due, start_of_day};
