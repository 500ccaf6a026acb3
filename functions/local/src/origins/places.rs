//! The lake that a run reads, and where the bucket is that it writes into.

use anyhow::bail;
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

    /// Refuses flags that name other places than these, which are the run's.
    pub(crate) fn check_given(&self, run: RunKey, given: &Self) -> anyhow::Result<()> {
        if let Some(lake) = given.lake.as_ref().filter(|_| given.lake != self.lake) {
            let own = self.lake.as_deref().unwrap_or("the home's");
            bail!("run {run} reads another lake than {lake}: {own}; leave --lake out");
        }
        if let Some(endpoint) =
            given.gcs_endpoint.as_ref().filter(|_| given.gcs_endpoint != self.gcs_endpoint)
        {
            let own = self.gcs_endpoint.as_deref().unwrap_or("the built-in emulator");
            bail!("run {run} writes elsewhere than to {endpoint}: to {own}; leave --gcs-endpoint out");
        }
        Ok(())
    }
}
