//! Where accounts, buckets, exports, runs and chunks are kept.
//!
//! Each method is one transaction. Every method names the account: nothing is found across tenants.

mod accounts;
mod buckets;
mod catalogue;
mod chunks;
mod exports;
mod incidents;
mod notes;
mod runs;

pub use accounts::AccountStore;
pub use buckets::{BucketRemoval, BucketStore};
pub use catalogue::{CatalogueStore, CatalogueUpdate};
pub use chunks::{ChunkPage, ChunkStore, ChunkTally, ClaimLimits, FilePage, RunFile, WrittenSums};
pub use exports::{
    DueExport, ExportPage, ExportStore, NewExport, Origin, Repeatable, Repeated, StartAgain, StartedAgain,
};
pub use incidents::{IncidentChange, IncidentStore, NoticeOutcome};
pub use notes::NoteStore;
pub use runs::{NewRun, RunPage, RunStore};

use crate::domain::{ChunkRefusal, RequestId};

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such document.
    #[error("there is no {0}")]
    NotFound(String),
    /// The chunk's state does not allow it.
    #[error(transparent)]
    Refused(#[from] ChunkRefusal),
    /// Somebody else changed it first; read it again and decide anew.
    #[error("{0} has changed meanwhile")]
    Conflict(String),
    /// In the bucket at Google the number names another account's export; its files' names would clash.
    #[error(
        "export {request} cannot go to bucket `{bucket_name}`, where another export has its number; create a new \
         export instead"
    )]
    NumberTaken {
        /// Whose number.
        request: RequestId,
        /// The bucket's name at Google.
        bucket_name: String,
    },
    /// A document is damaged, or of a newer version; trying again does not help.
    #[error("{document} cannot be read: {wrong}; restore it, or run the version of Spillway that wrote it")]
    Unreadable {
        /// Which.
        document: String,
        /// What is wrong with it.
        wrong: String,
    },
    /// It does not take a document, of this content never; that is a bug of ours.
    #[error("the store does not take {document}: {wrong}; report it as a bug")]
    Rejected {
        /// Which.
        document: String,
        /// Why.
        wrong: String,
    },
    /// Nothing can be written until somebody mends the disk under the store.
    #[error("the store cannot write: {0}; free some space on its disk, or make it writable, and go on then")]
    Full(String),
    /// The store does not work just now; try again.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

/// The store. Reads see every earlier write.
pub trait Store:
    AccountStore + BucketStore + ExportStore + RunStore + ChunkStore + NoteStore + CatalogueStore + IncidentStore
{
}

impl<S> Store for S where
    S: AccountStore
        + BucketStore
        + ExportStore
        + RunStore
        + ChunkStore
        + NoteStore
        + CatalogueStore
        + IncidentStore
{
}
