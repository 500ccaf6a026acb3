//! What a whole ingest still has to do: the hidden files that are to become lake files, kept until all of them are.
//!
//! With its journal an ingest is committed. Whoever is killed after that leaves the journal, and whoever finds it
//! with nobody at work on the account shows the rest. A hidden file that is no longer there has been shown.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use spillway::domain::lake::captured_folder;
use spillway::ports::Clock;

use super::publish::HIDDEN_PREFIX;

const SUFFIX: &str = ".journal";

/// One file to show.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Move {
    /// The hidden file, in the account's folder.
    pub(super) hidden: String,
    /// `events` or `profiles`.
    pub(super) dataset: String,
    /// The folders below `captured=`.
    pub(super) place: String,
}

/// A committed ingest.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Tells the names of two ingests apart that write at the same time.
    pub(super) run: u32,
    pub(super) moves: Vec<Move>,
}

impl Journal {
    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{HIDDEN_PREFIX}{:08x}{SUFFIX}", self.run))
    }

    /// Commits: the journal is in the account's folder, whole and on the disk, or it is not there.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let mut draft = tempfile::Builder::new()
            .prefix(HIDDEN_PREFIX)
            .suffix(super::publish::HIDDEN_SUFFIX)
            .tempfile_in(folder)?;
        let mut writer = BufWriter::new(draft.as_file_mut());
        serde_json::to_writer(&mut writer, self)?;
        writer.flush()?;
        drop(writer);
        draft.as_file().sync_all()?;
        draft.persist(self.path(folder)).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    }

    /// Stamps each file by the clock and shows it at its place; then the journal goes. Returns how many there were.
    pub(super) fn complete(&self, folder: &Path, clock: &dyn Clock) -> io::Result<u64> {
        let mut shown = 0;
        for (number, file) in self.moves.iter().enumerate() {
            let hidden = folder.join(&file.hidden);
            let opened = match File::options().write(true).open(&hidden) {
                Ok(opened) => opened,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            // Each by itself: the time of commit must not lie long before the file can be seen.
            let now = clock.now();
            opened.set_modified(SystemTime::try_from(now).map_err(io::Error::other)?)?;
            let place = folder.join(&file.dataset).join(captured_folder(now)).join(&file.place);
            fs::create_dir_all(&place)?;
            let name = format!("{:016}-{:08x}-{number:06}.parquet", now.as_microsecond(), self.run);
            fs::rename(&hidden, place.join(name))?;
            shown += 1;
        }
        fs::remove_file(self.path(folder))?;
        Ok(shown)
    }
}

/// Completes the ingests that were killed after they were committed. The caller holds the account's folder alone.
pub(super) fn complete_all(folder: &Path, clock: &dyn Clock) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_journal = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(HIDDEN_PREFIX) && name.ends_with(SUFFIX));
        if !is_journal {
            continue;
        }
        let path = entry.path();
        let damaged = |error: serde_json::Error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged: {error}", path.display()))
        };
        let journal: Journal =
            serde_json::from_reader(BufReader::new(File::open(&path)?)).map_err(damaged)?;
        let files = journal.complete(folder, clock)?;
        tracing::warn!(
            "an ingest had been killed after it had taken everything in; the last {files} of its {} lake files \
             are in {} now, so do not repeat it",
            journal.moves.len(),
            folder.display()
        );
    }
    Ok(())
}
