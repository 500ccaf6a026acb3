//! The folder: buckets and objects as plain files, everything else as JSON under `.gcs`.
//!
//! ```text
//! <root>/<bucket>/<object>           the objects, readable with any tool
//! <root>/.gcs/buckets/<bucket>.json  settings and IAM      <bucket>.generation, <bucket>.lock, and <bucket>~<n>.lock of objects
//! <root>/.gcs/objects/<bucket>/      one record an object: generation, CRC32C, metadata
//! <root>/.gcs/keys/<key id>.json     public keys of service accounts
//! <root>/.gcs/sessions/              resumable uploads: record, and bytes so far
//! <root>/.gcs/incoming/              files that are not objects yet
//! ```
//! Nothing is cached: a second process on the same folder sees what the first one did. All of it is blocking
//! code; handlers run it on the blocking pool.

pub(crate) mod buckets;
pub(crate) mod keys;
pub(crate) mod names;
pub(crate) mod objects;
pub(crate) mod sessions;
pub(crate) mod staged;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Clock,
    error::{Error, Result},
};

/// The folder and the clock with which it is stamped.
#[derive(Clone)]
pub(crate) struct Store {
    root: PathBuf,
    clock: Clock,
}

impl Store {
    /// Opens the folder, creating what is missing and forgetting what uploads left behind.
    pub(crate) fn open(root: PathBuf, clock: Clock) -> Result<Self> {
        let store = Self { root, clock };
        for part in ["buckets", "objects", "keys", "sessions", "incoming"] {
            let folder = store.internal(part);
            fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        }
        store.sweep_sessions()?;
        store.sweep_incoming()?;
        Ok(store)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// A folder under `.gcs`. No bucket can be called so, as bucket names begin with a letter or digit.
    fn internal(&self, part: &str) -> PathBuf {
        self.root.join(".gcs").join(part)
    }

    /// A fresh name under `.gcs/incoming`.
    fn incoming(&self) -> PathBuf {
        self.internal("incoming").join(random_hex(16))
    }

    /// Reads a JSON document; a missing file is `None`.
    fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|source| Error::Damaged { path: path.to_owned(), source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io { path: path.to_owned(), source }),
        }
    }

    /// Writes a JSON document so that readers see the old one or the new one, never a half, also after a crash of
    /// the machine.
    fn write<T: Serialize>(&self, path: &Path, document: &T) -> Result<()> {
        self.write_whole(path, document)?;
        path.parent().map_or(Ok(()), sync_folder)
    }

    /// As [`Store::write`], but a crash of the machine may bring the old document back.
    fn write_whole<T: Serialize>(&self, path: &Path, document: &T) -> Result<()> {
        let fresh = self.draft(path, document)?;
        let synced = File::open(&fresh).and_then(|file| file.sync_data());
        synced.map_err(Error::io(&fresh))?;
        fs::rename(&fresh, path).map_err(Error::io(path))
    }

    /// As [`Store::write`], for what may be lost in a crash of the machine.
    fn write_passing<T: Serialize>(&self, path: &Path, document: &T) -> Result<()> {
        let fresh = self.draft(path, document)?;
        fs::rename(&fresh, path).map_err(Error::io(path))
    }

    fn draft<T: Serialize>(&self, path: &Path, document: &T) -> Result<PathBuf> {
        let bytes = serde_json::to_vec_pretty(document)
            .map_err(|source| Error::Damaged { path: path.to_owned(), source })?;
        let fresh = self.incoming();
        fs::write(&fresh, bytes).map_err(Error::io(&fresh))?;
        Ok(fresh)
    }
}

/// Who may be inside a locked section at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    Readers,
    OneWriter,
}

/// Waits for the lock file at `path`; the lock is held until the file is dropped. It keeps out other threads
/// and other processes alike, as each opens the file for itself.
fn lock(path: &Path, sharing: Sharing) -> Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(path)
        .map_err(Error::io(path))?;
    match sharing {
        Sharing::Readers => file.lock_shared(),
        Sharing::OneWriter => file.lock(),
    }
    .map_err(Error::io(path))?;
    Ok(file)
}

/// Renames a file whose bytes are on the disk; afterwards its name is too.
fn rename_durably(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(Error::io(to))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Waits until the names in a folder are on the disk.
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|opened| opened.sync_all()).map_err(Error::io(folder))
}

/// Deletes a file that may already be gone.
fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::Io { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// When a file was last written.
fn modified(facts: &fs::Metadata) -> Timestamp {
    let time = facts.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    time.unwrap_or(Timestamp::MAX)
}

/// `bytes` random bytes as hex digits: ids that nobody can guess.
pub(crate) fn random_hex(bytes: usize) -> String {
    (0..bytes).map(|_| format!("{:02x}", rand::random::<u8>())).collect()
}
