//! Where unfinished runs read from and write to, so that no process goes on with a run of another lake or of
//! buckets elsewhere: it would find the run's lake files vanished.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use spillway::domain::RunKey;

/// What differs between commands.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Places {
    /// The lake, a folder or `gs://bucket/prefix`; none: the home's.
    pub(crate) lake: Option<String>,
    /// Where buckets are; none: the built-in emulator.
    pub(crate) gcs_endpoint: Option<String>,
}

impl Places {
    /// The same, however a folder is written and from wherever the command is called.
    pub(crate) fn canonical(self) -> Self {
        let absolute = |lake: String| match std::fs::canonicalize(&lake) {
            Ok(folder) if !lake.starts_with("gs://") => folder.display().to_string(),
            _ => lake,
        };
        Self { lake: self.lake.map(absolute), ..self }
    }

    /// The flags that name them.
    pub(crate) fn flags(&self) -> String {
        let flag = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(" {name} {value}")).unwrap_or_default()
        };
        format!("{}{}", flag("--lake", &self.lake), flag("--gcs-endpoint", &self.gcs_endpoint))
    }
}

/// The places of runs, kept in a file of the home. A run that is not in it is of the home itself.
#[derive(Debug, Clone)]
pub(crate) struct Origins(PathBuf);

impl Origins {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self(file)
    }

    /// Where a run reads from and writes to.
    pub(crate) fn of(&self, run: RunKey) -> anyhow::Result<Places> {
        Ok(self.all()?.remove(&name(run)).unwrap_or_default())
    }

    /// Keeps the places of a run that are not the home's.
    pub(crate) fn remember(&self, run: RunKey, places: &Places) -> anyhow::Result<()> {
        if *places == Places::default() {
            return Ok(());
        }
        let mut all = self.all()?;
        all.insert(name(run), places.clone());
        let draft = self.0.with_extension("new");
        let written = std::fs::write(&draft, serde_json::to_vec_pretty(&all)?);
        written.and_then(|()| std::fs::rename(&draft, &self.0)).with_context(|| fault(&self.0))
    }

    fn all(&self) -> anyhow::Result<BTreeMap<String, Places>> {
        match std::fs::read(&self.0) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| fault(&self.0)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error).with_context(|| fault(&self.0)),
        }
    }
}

fn name(run: RunKey) -> String {
    format!("{}/{run}", run.account)
}

fn fault(file: &Path) -> String {
    format!("{} cannot be used", file.display())
}
