//! What the steps need of the world. A port exists where there are two real implementations, in the cloud and on
//! a laptop; one contract suite runs against both.

mod clock;
mod key_vault;
mod lake;
mod mailer;
mod partner_buckets;
mod queue;
mod store;
mod webhooks;

pub use clock::Clock;
pub use key_vault::{KeyVault, ServiceAccountKey, VaultError};
pub use lake::{Lake, LakeError, LakeQuery, LakeRows, RowOrigins, SourcedBatch};
pub use mailer::{Mail, MailError, Mailer};
pub use partner_buckets::{
    BucketHandle, BucketProbe, ByteSource, CreateObjectError, ObjectFacts, PartnerBuckets, SourceError,
};
pub use queue::{ChunkQueue, QueueError, Work};
pub use store::{
    AccountStore, BucketRemoval, BucketStore, CatalogueStore, CatalogueUpdate, ChunkPage, ChunkStore,
    ChunkTally, ClaimLimits, DueExport, ExportPage, ExportStore, FilePage, IncidentChange, IncidentStore,
    NewExport, NewRun, NoteStore, NoticeOutcome, Origin, Repeatable, Repeated, RunFile, RunPage, RunStore,
    StartAgain, StartedAgain, Store, StoreError, WrittenSums,
};
pub use webhooks::{WebhookCall, WebhookError, Webhooks};
