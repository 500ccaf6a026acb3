//! Resumable uploads: a record, the bytes so far, and a lock; they outlive a restart.

use std::fs::File;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Sharing, Store, lock, names, objects::Fields, random_hex, remove_if_there, staged::Staged};
use crate::{
    api::{checksums::Claims, preconditions::Preconditions},
    error::Result,
};

/// What `.gcs/sessions/<id>.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    pub(crate) bucket: String,
    pub(crate) name: String,
    pub(crate) fields: Fields,
    pub(crate) claims: Claims,
    pub(crate) preconditions: Preconditions,
    /// Who began it; `None` is anonymous. The upload's URL is a secret that speaks for them.
    pub(crate) started_by: Option<String>,
    pub(crate) started: Timestamp,
    /// The bytes that the record vouches for, and their CRC32C.
    pub(crate) received_bytes: u64,
    pub(crate) crc32c: u32,
}

impl Store {
    fn session_file(&self, id: &str, extension: &str) -> std::path::PathBuf {
        self.internal("sessions").join(format!("{id}.{extension}"))
    }

    /// Begins an upload and returns its id, which nobody can guess.
    pub(crate) fn create_session(&self, record: &SessionRecord) -> Result<String> {
        let id = random_hex(24);
        self.write(&self.session_file(&id, "json"), record)?;
        Ok(id)
    }

    /// The upload's record, if it is known.
    pub(crate) fn session(&self, id: &str) -> Result<Option<SessionRecord>> {
        if names::is_id(id) { self.read(&self.session_file(id, "json")) } else { Ok(None) }
    }

    /// Waits until no other request works on the upload, and reads its record under the lock.
    pub(crate) fn enter_session(&self, id: &str) -> Result<Option<(SessionRecord, File)>> {
        if self.session(id)?.is_none() {
            return Ok(None);
        }
        let held = lock(&self.session_file(id, "lock"), Sharing::OneWriter)?;
        Ok(self.session(id)?.map(|record| (record, held)))
    }

    /// The bytes so far as a file that can be appended to and committed.
    pub(crate) fn session_bytes(&self, id: &str, record: &SessionRecord) -> Staged {
        Staged {
            path: self.session_file(id, "part"),
            size_bytes: record.received_bytes,
            crc32c: record.crc32c,
            keep: true,
        }
    }

    /// Stores how far the upload came.
    pub(crate) fn save_session(&self, id: &str, record: &SessionRecord) -> Result<()> {
        self.write(&self.session_file(id, "json"), record)
    }

    /// Forgets the upload and its bytes.
    pub(crate) fn remove_session(&self, id: &str) -> Result<()> {
        for extension in ["json", "part", "lock"] {
            remove_if_there(&self.session_file(id, extension))?;
        }
        Ok(())
    }
}
