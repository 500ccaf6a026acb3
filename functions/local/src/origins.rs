//! Where unfinished runs read from and write to, so that no process goes on with a run of another lake or of
//! buckets elsewhere: it would find the run's lake files vanished.
//!
//! What is kept of a run is a file of its own, so that no process overwrites what another one wrote. It is announced
//! before the run is created, under a key that the creation stores: whoever is killed in between leaves an
//! announcement, from which the next process makes the record.

mod places;

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use spillway::{
    domain::{AccountId, Fingerprint, IDEMPOTENCY_SECS, RunKey, RunTimestamp},
    ports::{Origin, Repeatable, Store},
};
use tempfile::NamedTempFile;

pub(crate) use places::Places;

/// The places of runs, kept in a folder of the home. A run that is not in it is of the home itself.
#[derive(Debug, Clone)]
pub(crate) struct Origins(PathBuf);

/// What is known of a run that is about to be created.
#[derive(Debug, Serialize, Deserialize)]
struct Announced {
    account: AccountId,
    at: Timestamp,
    places: Places,
}

/// How the file of an [`Announced`] ends; before it stands the key under which the run is created.
const ANNOUNCED: &str = "announced";

impl Origins {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Where a run reads from and writes to. [`Origins::settle`] comes first, else what a killed process announced
    /// is not seen.
    pub(crate) fn of(&self, run: RunKey) -> anyhow::Result<Places> {
        Ok(read(&self.record(run))?.unwrap_or_default())
    }

    /// Announces a one-time run with places that are not the home's: created as the answer says, it has them, however
    /// this process ends. [`Origins::settle`] follows the creation.
    pub(crate) fn announce(
        &self,
        account: AccountId,
        places: &Places,
        now: Timestamp,
    ) -> anyhow::Result<Origin> {
        if *places == Places::default() {
            return Ok(Origin::default());
        }
        let key = format!("places-{:032x}", rand::random::<u128>());
        let announced = Announced { account, at: now, places: places.clone() };
        self.write(&self.0.join(&key).with_extension(ANNOUNCED), &announced)?;
        // Nobody else has the key, so that no request need be told from another.
        let repeatable = Repeatable { key, fingerprint: Fingerprint(String::new()) };
        Ok(Origin { created_by: None, repeatable: Some(repeatable) })
    }

    /// Makes records of the announcements whose runs were created, by whomever.
    pub(crate) async fn settle(&self, store: &dyn Store, now: Timestamp) -> anyhow::Result<()> {
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.with_context(|| fault(&self.0))?,
        };
        for entry in entries {
            let file = entry.with_context(|| fault(&self.0))?.path();
            let key = match (file.extension(), file.file_stem().and_then(|stem| stem.to_str())) {
                (Some(extension), Some(key)) if extension == ANNOUNCED => key,
                _ => continue,
            };
            // Another process may have settled it meanwhile.
            let Some(announced) = read::<Announced>(&file)? else { continue };
            // As of the announcement: by now the key may be too old to be repeated.
            if let Some(created) = store.repeated(announced.account, key, announced.at).await? {
                let (request, run) = (created.request, RunTimestamp(created.request.0));
                let run = RunKey { account: announced.account, request, run };
                self.write(&self.record(run), &announced.places)?;
            } else if now.duration_since(announced.at).as_secs() < IDEMPOTENCY_SECS {
                // Its process may be about to create the run; no creation takes a day.
                continue;
            }
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).context(fault(&file)),
                _ => {}
            }
        }
        Ok(())
    }

    fn record(&self, run: RunKey) -> PathBuf {
        self.0.join(format!("{}-{run}.json", run.account))
    }

    /// Writes a file whole or not at all; it is on the disk when this returns, as the run is after its creation.
    fn write(&self, file: &Path, value: &impl Serialize) -> anyhow::Result<()> {
        let written = || -> anyhow::Result<()> {
            std::fs::create_dir_all(&self.0)?;
            let mut draft = NamedTempFile::new_in(&self.0)?;
            draft.write_all(&serde_json::to_vec_pretty(value)?)?;
            draft.as_file().sync_all()?;
            draft.persist(file)?;
            Ok(())
        };
        written().with_context(|| fault(file))
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> anyhow::Result<Option<T>> {
    match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| fault(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| fault(file)),
    }
}

fn fault(file: &Path) -> String {
    format!("{} cannot be used", file.display())
}

#[cfg(test)]
mod tests;
