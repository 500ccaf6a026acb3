//! The store on Firestore.
//!
//! ```text
//! accounts/{account}                         buckets/{nickname}  guards/buckets  creations/{key}
//!                                            scanned_keys  ratios  profile_notes
//!                                            catalogue/mark  catalogue_days  catalogue_recent  catalogue_totals
//! accounts/{account}/exports/{request}       columns/{records}
//!                   …/runs/{run}/plans/{token}   chunks/{id}  profile_lists/{shard}-{part}
//!                                            incidents  mailings
//! candidates/{account}-{id}                  bucket_names/{name}/requests/{request}  notices/{id}
//! ```
//!
//! As in the other store, a document holds the JSON text of the domain's type (`doc`; bytes of gzip in `packed` where
//! that is long), and beside it only the fields that queries need. So all numbers stay exact, both stores read the
//! same forms, and no property of a customer is ever indexed. Numbers in ids have twenty digits, so that names sort
//! as numbers do; other texts in ids are escaped (`paths`). Instants in fields are nanoseconds since 1970, save
//! those by which Firestore itself deletes (TTL).
//!
//! **Transactions are optimistic** (`transaction`): what is read is remembered with its version, and one commit
//! writes all, on the condition that every document that was read still has its version. There are no locks, so a
//! process that is killed leaves none, and a call that is dropped leaves all or nothing. What a query found is
//! protected by a document that everyone writes who could change the answer: the export for its runs, the plan for the
//! claims of its messages, `guards/buckets` for which exports go into which buckets. A chunk's transactions write the
//! chunk alone, and its successor. Every document carries the random number of its last commit, so that a commit whose
//! answer was lost is recognised.
//!
//! **Queries** are of the shapes that `queries` lists; `infra/firestore.indexes.json` has the index of each.

mod accounts;
mod buckets;
mod candidates;
mod catalogue;
mod chunks;
mod claims;
mod client;
mod columns;
mod creations;
mod documents;
mod emulator;
mod export_lists;
mod exports;
mod faults;
mod incidents;
mod lake_notes;
mod operations;
mod paths;
mod ports;
mod profile_lists;
mod queries;
mod query;
mod request_ids;
mod run_files;
mod runs;
mod starts;
mod sweep;
mod transaction;

use std::sync::Arc;

use firestore::{FirestoreDb, FirestoreDbOptions};

use self::client::Client;
pub use self::{
    faults::CommitFaults,
    operations::Operations,
    queries::{Direction, QueryShape, Scope, query_shapes},
};
use crate::ports::StoreError;

/// Which Firestore.
#[derive(Debug, Clone)]
pub struct FirestoreOptions {
    /// The Google Cloud project.
    pub project_id: String,
    /// The database; most projects have `(default)` only.
    pub database_id: String,
    /// Host and port of an emulator, which asks for no credentials of Google's.
    pub emulator_host: Option<String>,
}

/// The store on Firestore. Any number of processes may use one database; handles are cheap to clone.
#[derive(Clone)]
pub struct FirestoreStore {
    client: Client,
}

impl FirestoreStore {
    /// Connects.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where there are no credentials, or nobody answers.
    pub async fn connect(options: FirestoreOptions) -> Result<Self, StoreError> {
        let db_options = FirestoreDbOptions::new(options.project_id).with_database_id(options.database_id);
        let db = match options.emulator_host {
            Some(host) => {
                let options = db_options.with_firebase_api_url(format!("http://{host}"));
                FirestoreDb::with_options_auth(options, emulator::owner()).await
            }
            None => FirestoreDb::with_options(db_options).await,
        };
        let db = db.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { client: Client::new(db) })
    }

    /// The same store, whose commits fail as `faults` says: for tests of what is tried again.
    #[must_use]
    pub fn with_faults(mut self, faults: Arc<dyn CommitFaults>) -> Self {
        self.client.faults = Some(faults);
        self
    }

    /// What this handle and its clones have asked of Firestore.
    #[must_use]
    pub fn operations(&self) -> Operations {
        self.client.counters.read()
    }
}
