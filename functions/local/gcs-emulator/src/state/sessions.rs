//! Resumable uploads: a record, and the bytes so far. They outlive a restart. An upload is under way for as long as its
//! bytes' file stands, and whoever holds that file's lock works on it.

use std::{
    fs::{self, File},
    io,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Store, modified, names, objects::Fields, random_hex, remove_if_there, staged::Staged};
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
/// No request takes longer: what is half-made for longer was left by a process that died.
const REQUEST_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

impl Store {
    /// Forgets the uploads that were started more than a week ago, and what is left of those that ended.
    pub(super) fn sweep_sessions(&self) -> Result<()> {
        let folder = self.internal("sessions");
        for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let path = entry.map_err(Error::io(&folder))?.path();
            let Some(id) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            // The record is the first file of an upload to come and, but for an object's, the first to go.
            let is_alive = match self.session(id)? {
                Some(session) => {
                    // Another process may be between the two files of `create_session`.
                    let is_young = self.now().duration_since(session.started) <= REQUEST_LIFETIME;
                    is_young || self.has_session_bytes(id)?
                }
                None => false,
            };
            if !is_alive {
                remove_if_there(&path)?;
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
        let bytes = self.session_file(&id, "part");
        if let Err(source) = File::create_new(&bytes) {
            self.remove_session(&id)?;
            return Err(Error::Io { path: bytes, source });
        }
        Ok(id)
    }

    /// The upload's record, if it is there and not too old.
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
        if !names::is_id(id) {
            return Ok(None);
        }
        let path = self.session_file(id, "part");
        let bytes = match File::options().write(true).open(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { path, source }),
        };
        bytes.lock().map_err(Error::io(&path))?;
        // While we waited they may have become the object, or been thrown away.
        if !self.has_session_bytes(id)? {
            return Ok(None);
        }
        let Some(record) = self.session(id)? else { return Ok(None) };
        if bytes.metadata().map_err(Error::io(&path))?.len() < record.received_bytes {
            // A crash of the machine took some of those that the record vouches for.
            self.remove_session(id)?;
            return Ok(None);
        }
        Ok(Some((record, bytes)))
    }

    /// Whether the upload is under way.
    fn has_session_bytes(&self, id: &str) -> Result<bool> {
        let path = self.session_file(id, "part");
        path.try_exists().map_err(Error::io(&path))
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

    /// Stores how far the upload came. After a crash of the machine its bytes may be others than it says; the
    /// CRC32C tells before they become an object.
    pub(crate) fn save_session(&self, id: &str, record: &SessionRecord) -> Result<()> {
        self.write_passing(&self.session_file(id, "json"), record)
    }

    /// Ends an upload without an object, once no other request works on it. Whether it was under way.
    pub(crate) fn end_session(&self, id: &str) -> Result<bool> {
        let Some((_, _held)) = self.enter_session(id)? else { return Ok(false) };
        self.remove_session(id)?;
        Ok(true)
    }

    /// Forgets the upload and its bytes. The caller holds its lock.
    pub(crate) fn remove_session(&self, id: &str) -> Result<()> {
        remove_if_there(&self.session_file(id, "json"))?;
        remove_if_there(&self.session_file(id, "part"))
    }
}
