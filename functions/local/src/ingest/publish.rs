//! Lake files appear whole: written under a hidden name, stamped by the clock, then renamed into their folder.
//!
//! Whoever has hidden files in an account's folder holds a shared lock on that folder; the system takes it away with
//! the process, however that ends. So a process that gets the lock for itself alone knows that the hidden files it
//! finds are of dead ones, and deletes them.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rand::random;
use spillway::domain::Dataset;
use spillway::domain::lake::{captured_folder, event_folder};
use spillway::ports::Clock;
use tempfile::NamedTempFile;

use super::IngestOptions;
use super::collect::Place;

const HIDDEN_PREFIX: &str = ".ingest-";
const HIDDEN_SUFFIX: &str = ".tmp";

/// Puts files into the lake.
pub(super) struct Publisher<'a> {
    lake_root: &'a Path,
    options: &'a IngestOptions<'a>,
    clock: &'a dyn Clock,
    /// Tells the names of two runs apart that write at the same time.
    run: u32,
    files: u64,
    /// The account's folder, locked, once there is a hidden file.
    folder: Option<File>,
}

impl<'a> Publisher<'a> {
    pub(super) fn new(options: &'a IngestOptions<'a>) -> Self {
        Self {
            lake_root: &options.lake_root,
            options,
            clock: options.clock,
            run: random(),
            files: 0,
            folder: None,
        }
    }

    fn account_folder(&self) -> PathBuf {
        self.lake_root.join(format!("account={}", self.options.account.id))
    }

    /// A file that nobody sees; it vanishes unless it is published.
    pub(super) fn hidden_file(&mut self) -> io::Result<NamedTempFile> {
        let folder = self.account_folder();
        if self.folder.is_none() {
            fs::create_dir_all(&folder)?;
            self.folder = Some(lock(&folder)?);
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(HIDDEN_PREFIX).suffix(HIDDEN_SUFFIX);
        // As for any new file, the process's mask decides who may read it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(folder)
    }

    /// Stamps a file and shows it at its place.
    pub(super) fn publish(&mut self, file: NamedTempFile, place: &Place) -> io::Result<PathBuf> {
        // The time of commit must not lie long before the file can be seen, so the slow part comes first.
        file.as_file().sync_data()?;
        let now = self.clock.now();
        let stamp = SystemTime::try_from(now).map_err(io::Error::other)?;
        file.as_file().set_modified(stamp)?;
        let dataset = if place.event.is_some() { Dataset::Events } else { Dataset::Profiles };
        let mut folder = self.lake_root.join(dataset.folder(self.options.account.id));
        folder.push(captured_folder(now));
        folder.push(format!("db={}", place.database));
        if let Some((event, date)) = &place.event {
            folder.push(format!("event={}", event_folder(event).0));
            folder.push(format!("date={date}"));
        }
        fs::create_dir_all(&folder)?;
        let micros = now.as_microsecond();
        let path = folder.join(format!("{micros:016}-{:08x}-{:06}.parquet", self.run, self.files));
        self.files += 1;
        file.persist_noclobber(&path).map_err(|error| error.error)?;
        Ok(path)
    }
}

/// Locks an account's folder beside others, after deleting what dead processes left in it if there is nobody else.
fn lock(folder: &Path) -> io::Result<File> {
    let locked = File::open(folder)?;
    match locked.try_lock() {
        Ok(()) => {
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
            locked.unlock()?;
        }
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Whoever comes between finds no hidden file of ours yet.
    locked.lock_shared()?;
    Ok(locked)
}
