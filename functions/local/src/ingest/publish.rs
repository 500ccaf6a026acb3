//! Lake files appear whole: written under a hidden name, stamped by the clock, then renamed into their folder.

use std::fs;
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

/// Puts files into the lake.
pub(super) struct Publisher<'a> {
    lake_root: &'a Path,
    options: &'a IngestOptions<'a>,
    clock: &'a dyn Clock,
    /// Tells the names of two runs apart that write at the same time.
    run: u32,
    files: u64,
}

impl<'a> Publisher<'a> {
    pub(super) fn new(options: &'a IngestOptions<'a>) -> Self {
        Self { lake_root: &options.lake_root, options, clock: options.clock, run: random(), files: 0 }
    }

    fn account_folder(&self) -> PathBuf {
        self.lake_root.join(format!("account={}", self.options.account.id))
    }

    /// A file that nobody sees; it vanishes unless it is published.
    pub(super) fn hidden_file(&self) -> io::Result<NamedTempFile> {
        let folder = self.account_folder();
        fs::create_dir_all(&folder)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".ingest-").suffix(".tmp");
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
