//! What came of runs: a table of their files, or why there are none.

use serde::Serialize;
use spillway::domain::{BucketState, ManifestFile, Run, RunStatus};

use crate::{
    origins::Places,
    output::{Output, counted, grouped},
    system::System,
    verify,
};

/// A run for scripts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunReport {
    /// `<request id>-<run timestamp>`
    run: String,
    account: u64,
    bucket: String,
    status: &'static str,
    rows: u64,
    bytes: u64,
    deleted_profiles: u64,
    files: Vec<ManifestFile>,
    /// Why the run could not go on, where that was none of its chunks.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Chunks that failed, and why.
    failures: Vec<String>,
    /// What the customer has to mend first.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<String>,
}

impl RunReport {
    /// Gathers what a run has delivered so far.
    pub(crate) async fn of(system: &System, run: &Run) -> anyhow::Result<Self> {
        let files = verify::recorded_lines(system.store(), run).await?;
        // Of the bucket, since another run's failure may have blocked it.
        let bucket = system.store().bucket(run.key.account, &run.spec.bucket).await?;
        let blocked = match bucket.map(|bucket| bucket.state) {
            Some(BucketState::Blocked { failure, .. }) if is_held_up(run.status) => Some(failure.to_string()),
            _ => None,
        };
        Ok(Self {
            run: run.key.to_string(),
            account: run.key.account.0,
            bucket: run.spec.bucket.to_string(),
            status: if blocked.is_some() && !run.status.is_closed() { BLOCKED } else { run.status.as_str() },
            rows: files.iter().map(|file| file.rows).sum(),
            bytes: files.iter().map(|file| file.bytes).sum(),
            deleted_profiles: run.totals.deleted_profiles,
            files,
            reason: run.reason.clone(),
            failures: system.progress.failures(run.key),
            blocked,
        })
    }

    /// What the customer has to mend first, where the bucket is blocked.
    pub(crate) fn blocked(&self) -> Option<&str> {
        self.blocked.as_deref()
    }

    /// Whether everything was delivered.
    pub(crate) fn is_complete(&self) -> bool {
        [RunStatus::Done, RunStatus::Empty].iter().any(|status| status.as_str() == self.status)
    }

    /// Whether nothing was delivered.
    pub(crate) fn is_untouched(&self) -> bool {
        self.files.is_empty()
    }

    /// The rows of a table of files.
    pub(crate) fn table_rows(&self) -> impl Iterator<Item = Vec<String>> {
        self.files.iter().map(|file| {
            vec![file.name.clone(), file.crc32c.to_string(), grouped(file.rows), grouped(file.bytes)]
        })
    }

    /// Prints the files and the sum, and what went wrong. `places` are those of the run.
    pub(crate) fn print(&self, output: &Output, places: &Places) -> anyhow::Result<()> {
        if !self.files.is_empty() {
            output.table(&HEADER, 2, self.table_rows().collect())?;
            output.line("")?;
        }
        output.line(self.summary())?;
        for failure in self.reason.iter().chain(&self.failures) {
            output.line(format!("failed: {failure}"))?;
        }
        if self.status == RunStatus::Incomplete.as_str() {
            let (account, run) = (self.account, &self.run);
            let places = places.flags();
            output
                .line(format!("once that is mended: spillway retry-run --account {account}{places} {run}"))?;
        }
        if let Some(failure) = &self.blocked {
            output.line(format!("blocked: {failure}"))?;
        }
        if self.status == BLOCKED {
            let places = places.flags();
            output.line(format!(
                "It waits. Mend the bucket and go on with `spillway resume{places}`, or end it with `spillway stop`."
            ))?;
        }
        Ok(())
    }

    /// One line about the run.
    pub(crate) fn summary(&self) -> String {
        let (rows, bytes) = (counted(self.rows, "row"), counted(self.bytes, "byte"));
        let files = counted(self.files.len() as u64, "file");
        let deleted = match self.deleted_profiles {
            0 => String::new(),
            deleted => format!(", {} left out", counted(deleted, "deleted profile")),
        };
        format!("{} {}: {rows} in {files}, {bytes}{deleted}", self.run, self.status)
    }
}

/// What an unfinished run says whose bucket is blocked.
const BLOCKED: &str = "BLOCKED";

/// Whether a blocked bucket is why the run has not delivered everything.
fn is_held_up(status: RunStatus) -> bool {
    matches!(status, RunStatus::Owed | RunStatus::Running | RunStatus::Stopped)
}

/// The columns of a table of files.
pub(crate) const HEADER: [&str; 4] = ["object", "crc32c", "rows", "bytes"];
