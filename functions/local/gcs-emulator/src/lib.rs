//! A Google Cloud Storage emulator: the JSON API over plain files in a folder, with faults on demand.
//!
//! Objects lie as ordinary files in `<root>/<bucket>/`; everything else is JSON under `<root>/.gcs/`, so a
//! restart, or a second process on the same folder, sees the same buckets, keys and unfinished uploads. Requests
//! carry self-signed JWTs of service account keys that the emulator made or was told of, as Google's client
//! sends them.
//!
//! One request: `call` reads off what is asked → `faults` may strike → `auth` says who asks → `iam` whether they
//! may → `api` does it through `state`, which is the folder.
//!
//! Left out on purpose: object versions, soft delete, ACLs, XML and gRPC, signed URLs, compose and rewrite,
//! decompression of `Content-Encoding: gzip`.

mod admin;
mod api;
mod auth;
mod call;
mod error;
mod faults;
mod iam;
mod serve;
mod state;

use std::{fmt, path::PathBuf, sync::Arc};

use jiff::Timestamp;

pub use crate::{
    call::Operation,
    error::{Error, Result},
    faults::{Fault, FaultRule, Faults},
    iam::Role,
    serve::Running,
    state::buckets::BucketOptions,
};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The emulator's clocks. Usually one and the same; a test that moves the time of objects (retention) leaves
/// that of tokens alone, as Google's client dates those by the system's clock.
#[derive(Clone)]
pub struct Clocks {
    /// Stamps objects, generations and retention.
    pub objects: Clock,
    /// Judges whether a caller's token is valid.
    pub tokens: Clock,
}

impl From<Clock> for Clocks {
    fn from(clock: Clock) -> Self {
        Self { objects: Arc::clone(&clock), tokens: clock }
    }
}

/// The emulator over one folder. Clones share it.
#[derive(Clone)]
pub struct Emulator {
    store: state::Store,
    token_clock: Clock,
    faults: Faults,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Emulator").field("root", &self.store.root()).finish_non_exhaustive()
    }
}

impl Emulator {
    /// Opens the folder `root`, creating it if it is missing.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn open(root: impl Into<PathBuf>, clocks: impl Into<Clocks>) -> Result<Self> {
        let clocks = clocks.into();
        let store = state::Store::open(root.into(), clocks.objects)?;
        Ok(Self { store, token_clock: clocks.tokens, faults: Faults::default() })
    }
}
