//! Lake files appear whole, and those of one ingest together: written under hidden names, and once all are there,
//! stamped by the clock and renamed into their folders by way of a [`Journal`].
//!
//! Whoever has hidden files in an account's folder holds a shared lock on that folder; the system takes it away with
//! the process, however that ends. So a process that gets the lock for itself alone knows that the hidden files it
//! finds are of dead ones: it shows those of a journal and deletes the others.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rand::random;
use spillway::domain::Dataset;
use spillway::domain::lake::event_folder;
use spillway::ports::Clock;
use tempfile::{NamedTempFile, TempPath};

use super::IngestOptions;
use super::collect::Place;
use super::journal::{self, Journal, Move};

pub(super) const HIDDEN_PREFIX: &str = ".ingest-";
pub(super) const HIDDEN_SUFFIX: &str = ".tmp";

/// Puts files into the lake. Several threads may write them.
pub(super) struct Publisher<'a> {
    options: &'a IngestOptions<'a>,
    /// By their numbers. Closed, so that there can be more of them than open files; they vanish unless they are published.
    staged: Mutex<BTreeMap<u64, (TempPath, Move)>>,
    /// The account's folder, locked, once there is a hidden file.
    lock: Mutex<Option<File>>,
}

/// Why files are not in the lake.
pub(super) enum PublishError {
    /// None is, and none will be.
    Nothing(io::Error),
    /// Some are; the others follow when a journal is completed.
    Part(io::Error),
}

impl<'a> Publisher<'a> {
    pub(super) fn new(options: &'a IngestOptions<'a>) -> Self {
        Self { options, staged: Mutex::default(), lock: Mutex::default() }
    }

    fn account_folder(&self) -> PathBuf {
        self.options.lake_root.join(format!("account={}", self.options.account.id))
    }

    /// A file that nobody sees; it vanishes unless it is staged and published.
    pub(super) fn hidden_file(&self) -> io::Result<NamedTempFile> {
        let folder = self.account_folder();
        let mut locked = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if locked.is_none() {
            fs::create_dir_all(&folder)?;
            *locked = Some(lock(&folder, self.options.clock)?);
        }
        drop(locked);
        let mut builder = tempfile::Builder::new();
        builder.prefix(HIDDEN_PREFIX).suffix(HIDDEN_SUFFIX);
        // As for any new file, the process's mask decides who may read it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(folder)
    }

    /// Takes a file that is written, for [`Publisher::publish`].
    pub(super) fn stage(&self, number: u64, file: NamedTempFile, place: &Place) -> io::Result<()> {
        file.as_file().sync_data()?;
        let dataset = if place.event.is_some() { Dataset::Events } else { Dataset::Profiles };
        let mut folder = format!("db={}", place.database);
        if let Some((event, date)) = &place.event {
            folder = format!("{folder}/event={}/date={date}", event_folder(event).0);
        }
        let hidden = file.path().file_name().and_then(|name| name.to_str());
        let hidden = hidden.ok_or_else(|| io::Error::other("a hidden file has no name"))?.to_owned();
        let whole = dataset.folder(self.options.account.id);
        let dataset = whole.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        let staged = (file.into_temp_path(), Move { hidden, dataset, place: folder });
        self.staged.lock().unwrap_or_else(PoisonError::into_inner).insert(number, staged);
        Ok(())
    }

    /// Shows all staged files, in the order of their numbers.
    pub(super) fn publish(self) -> Result<(), PublishError> {
        let folder = self.account_folder();
        let staged = self.staged.into_inner().unwrap_or_else(PoisonError::into_inner);
        if staged.is_empty() {
            return Ok(());
        }
        let (files, moves): (Vec<_>, Vec<_>) = staged.into_values().unzip();
        let journal = Journal { run: random(), moves };
        journal.write(&folder).map_err(PublishError::Nothing)?;
        // From here on they are the journal's, whatever becomes of this process.
        for file in files {
            file.keep().map_err(|error| PublishError::Part(error.error))?;
        }
        journal.complete(&folder, self.options.clock).map(drop).map_err(PublishError::Part)
    }
}

/// Shows what killed ingests had committed in a lake's folder, unless somebody is at work on it.
///
/// # Errors
/// A folder that cannot be read or written.
pub fn complete_killed(lake_root: &Path, clock: &dyn Clock) -> io::Result<()> {
    let accounts = match fs::read_dir(lake_root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        accounts => accounts?,
    };
    for entry in accounts {
        let entry = entry?;
        let is_account = entry.file_name().to_str().is_some_and(|name| name.starts_with("account="));
        if is_account && entry.file_type()?.is_dir() {
            complete_alone(&File::open(entry.path())?, &entry.path(), clock)?;
        }
    }
    Ok(())
}

/// Completes what dead processes left in an account's folder and deletes the rest of theirs, if there is nobody else.
fn complete_alone(opened: &File, folder: &Path, clock: &dyn Clock) -> io::Result<()> {
    match opened.try_lock() {
        Ok(()) => {
            journal::complete_all(folder, clock)?;
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let is_hidden = entry
                    .file_name()
                    .to_str()
                    .is_some_and(|name| name.starts_with(HIDDEN_PREFIX) && name.ends_with(HIDDEN_SUFFIX));
                if is_hidden && entry.file_type()?.is_file() {
                    fs::remove_file(entry.path())?;
                }
            }
            opened.unlock()
        }
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Locks an account's folder beside others.
fn lock(folder: &Path, clock: &dyn Clock) -> io::Result<File> {
    let locked = File::open(folder)?;
    complete_alone(&locked, folder, clock)?;
    // Whoever comes between finds no hidden file of ours yet.
    locked.lock_shared()?;
    Ok(locked)
}
