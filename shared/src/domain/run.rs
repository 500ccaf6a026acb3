//! A run: one execution of an export for one window.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BucketId, ExportSpec, Opening, PartnerBucket, PlanToken, RunKey, Window, ZoneName, names};

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which.
    pub key: RunKey,
    /// What it delivers.
    pub window: Window,
    /// The export's spec, frozen when the run was opened.
    pub spec: ExportSpec,
    /// The name at Google of the spec's bucket, frozen with it: the nickname may come to mean another bucket. None
    /// until it is opened, and in runs that older versions opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_name: Option<String>,
    /// The account's time zone.
    pub zone: ZoneName,
    /// Where it stands.
    pub status: RunStatus,
    /// The plan, once it has one.
    pub plan: Option<RunPlan>,
    /// When its window was cut.
    pub created_at: Timestamp,
    /// When its plan was adopted.
    pub opened_at: Option<Timestamp>,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// What came of it, once it has ended.
    pub totals: RunTotals,
    /// Why it could not go on, where that was none of its chunks: a sentence for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How often it was opened again. Whoever looked at it before that neither opens nor closes it.
    #[serde(default)]
    pub reopened: u32,
    /// Whether its manifest was written.
    #[serde(default)]
    pub has_manifest: bool,
}

impl Run {
    /// The name of its manifest, where that was written.
    #[must_use]
    pub fn manifest_object(&self) -> Option<String> {
        self.has_manifest.then(|| names::manifest_object(self.key))
    }

    /// Whether what it writes still goes to where its first file went.
    ///
    /// # Errors
    /// [`AnotherBucket`].
    pub fn check_bucket(&self, bucket: &PartnerBucket) -> Result<(), AnotherBucket> {
        match &self.bucket_name {
            Some(begun_in) if *begun_in != bucket.bucket_name => Err(AnotherBucket {
                run: self.key,
                begun_in: begun_in.clone(),
                nickname: bucket.id.clone(),
                now_means: bucket.bucket_name.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// The files of one run would lie in two buckets, and its manifest would name those of both.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "run {run} was begun in Google's bucket `{begun_in}`, and the nickname `{nickname}` means `{now_means}` now; let \
     `{nickname}` mean `{begun_in}` again, then retry the run, or stop the export and create a new one"
)]
pub struct AnotherBucket {
    /// Which run.
    pub run: RunKey,
    /// Where its first file went.
    pub begun_in: String,
    /// The bucket's nickname.
    pub nickname: BucketId,
    /// Where the next one would go.
    pub now_means: String,
}

/// How a run is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOpening {
    /// The plan that becomes the run's. Its chunks are stored, all of them.
    pub plan: RunPlan,
    /// The export's spec, for which it was made.
    pub spec: ExportSpec,
    /// The name at Google of the spec's bucket.
    pub bucket_name: String,
    /// [`Run::reopened`] of the run as it was planned. Chunks of a plan that was made before may be swept.
    pub reopened: u32,
    /// Now.
    pub now: Timestamp,
}

/// How a run is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunClosing {
    /// A closed status.
    pub status: RunStatus,
    /// What was delivered.
    pub totals: RunTotals,
    /// Why it could not go on, where that was none of its chunks.
    pub reason: Option<String>,
    /// In which opening of its bucket something was left there; none where nothing was.
    pub delivered_in: Option<Opening>,
    /// Whether its manifest was written.
    pub has_manifest: bool,
    /// [`Run::reopened`] of the run as it was looked at.
    pub reopened: u32,
    /// Now.
    pub now: Timestamp,
}

impl RunClosing {
    /// How a run is closed that has left nothing behind, as it was looked at.
    #[must_use]
    pub fn new(seen: &Run, status: RunStatus, now: Timestamp) -> Self {
        let (totals, reopened) = (RunTotals::default(), seen.reopened);
        Self { status, totals, reason: None, delivered_in: None, has_manifest: false, reopened, now }
    }
}

/// Where a run stands. That a bucket is blocked is the bucket's state, not the run's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    /// Created; not yet planned.
    Owed,
    /// Planned; its chunks are worked.
    Running,
    /// Everything was delivered.
    Done,
    /// Nothing was in the window.
    Empty,
    /// Stopped; what is complete stays.
    Stopped,
    /// Some chunk failed for a reason of ours, or the run itself could not go on ([`Run::reason`]); there is no
    /// manifest until it is retried.
    Incomplete,
}

impl RunStatus {
    /// Whether the run has ended.
    #[must_use]
    pub fn is_closed(self) -> bool {
        !matches!(self, Self::Owed | Self::Running)
    }

    /// The text that people and scripts see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owed => "OWED",
            Self::Running => "RUNNING",
            Self::Done => "DONE",
            Self::Empty => "EMPTY",
            Self::Stopped => "STOPPED",
            Self::Incomplete => "INCOMPLETE",
        }
    }
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPlan {
    /// Whose chunks count.
    pub token: PlanToken,
    /// How many were planned; splitting adds more.
    pub chunks: u64,
    /// How many files of the lake they read.
    pub lake_files: u64,
    /// How large their objects are thought to become.
    pub estimated_bytes: u64,
}

/// What a run delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunTotals {
    /// Objects.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their bytes as stored.
    pub bytes: u64,
    /// Profiles left out because they are deleted.
    pub deleted_profiles: u64,
    /// Chunks that failed.
    pub failed_chunks: u64,
}
