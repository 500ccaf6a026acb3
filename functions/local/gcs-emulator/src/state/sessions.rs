//! Resumable uploads: a record, the bytes so far, and a lock; they outlive a restart.

use std::{
    fs::{self, File},
    io,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Sharing, Store, lock, modified, names, objects::Fields, random_hex, remove_if_there, staged::Staged,
};
use crate::{
    api::{checksums::Claims, preconditions::Preconditions},
    error::{Error, Result},
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

/// How long an unfinished upload is kept, as at Google.
const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What lies in `.gcs/incoming` for longer than any request takes was left by a process that died.
const REQUEST_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

impl Store {
    /// Forgets the uploads that were started more than a week ago, and what is left of those that ended.
    pub(super) fn sweep_sessions(&self) -> Result<()> {
        let folder = self.internal("sessions");
        for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let path = entry.map_err(Error::io(&folder))?.path();
            let Some(id) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            // The record is the first file of an upload to come and the first to go.
            let is_alive = match self.session(id)? {
                Some(session) => self.has_session_bytes(id, &session)?,
                None => false,
            };
            if !is_alive {
                self.remove_session(id)?;
            }
        }
        Ok(())
    }

    /// Deletes what requests of processes that died were writing.
    pub(super) fn sweep_incoming(&self) -> Result<()> {
        let folder = self.internal("incoming");
        for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let path = entry.map_err(Error::io(&folder))?.path();
            // Another process may have made an object of it meanwhile.
            if let Ok(facts) = fs::metadata(&path)
                && self.now().duration_since(modified(&facts)) > REQUEST_LIFETIME
            {
                remove_if_there(&path)?;
            }
        }
        Ok(())
    }

    fn session_file(&self, id: &str, extension: &str) -> std::path::PathBuf {
        self.internal("sessions").join(format!("{id}.{extension}"))
    }

    /// Begins an upload and returns its id, which nobody can guess.
    pub(crate) fn create_session(&self, record: &SessionRecord) -> Result<String> {
        let id = random_hex(24);
        self.write_passing(&self.session_file(&id, "json"), record)?;
        Ok(id)
    }

    /// The upload's record, if it is under way.
    pub(crate) fn session(&self, id: &str) -> Result<Option<SessionRecord>> {
        if !names::is_id(id) {
            return Ok(None);
        }
        let record: Option<SessionRecord> = self.read(&self.session_file(id, "json"))?;
        Ok(record.filter(|record| self.now().duration_since(record.started) <= LIFETIME))
    }

    /// Who began the upload that is under way in this bucket, or that made this object; `None` is no such upload.
    pub(crate) fn upload_started_by(
        &self,
        id: &str,
        bucket: &str,
        object: &str,
    ) -> Result<Option<Option<String>>> {
        match self.session(id)? {
            Some(session) => Ok((session.bucket == bucket).then_some(session.started_by)),
            None => Ok(self.made_by(id, bucket, object)?.map(|record| record.started_by)),
        }
    }

    /// Waits until no other request works on the upload, and reads its record under the lock.
    pub(crate) fn enter_session(&self, id: &str) -> Result<Option<(SessionRecord, File)>> {
        if self.session(id)?.is_none() {
            return Ok(None);
        }
        let held = lock(&self.session_file(id, "lock"), Sharing::OneWriter)?;
        let session = self.session(id)?;
        if session.is_none() {
            // It ended while we waited, and its lock file with it: this one we made anew.
            remove_if_there(&self.session_file(id, "lock"))?;
        }
        Ok(session.map(|record| (record, held)))
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

    /// Whether all bytes that the record vouches for are there: they are gone once the object was made.
    pub(crate) fn has_session_bytes(&self, id: &str, record: &SessionRecord) -> Result<bool> {
        let path = self.session_file(id, "part");
        match fs::metadata(&path) {
            Ok(stat) => Ok(stat.len() >= record.received_bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(record.received_bytes == 0),
            Err(source) => Err(Error::Io { path, source }),
        }
    }

    /// Stores how far the upload came. After a crash of the machine its bytes may be others than it says; the
    /// CRC32C tells before they become an object.
    pub(crate) fn save_session(&self, id: &str, record: &SessionRecord) -> Result<()> {
        self.write_passing(&self.session_file(id, "json"), record)
    }

    /// Forgets the upload and its bytes.
    pub(crate) fn remove_session(&self, id: &str) -> Result<()> {
        for extension in ["json", "part", "lock"] {
            remove_if_there(&self.session_file(id, extension))?;
        }
        Ok(())
    }
}
