//! Buckets, and the check of one. A key goes in and never out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spillway::{
    domain::{BucketState, CheckVerdict, Known, PartnerBucket, StepOutcome, StepReport},
    ports::ServiceAccountKey,
};
use utoipa::ToSchema;

/// A connected bucket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bucket)]
pub(in crate::api) struct BucketBody {
    /// The account's own name for it.
    #[schema(example = "main")]
    pub nickname: String,
    /// The bucket's name at Google.
    pub bucket_name: String,
    /// The service account whose key is kept.
    pub service_account: String,
    /// Which of its keys.
    pub key_id: String,
    /// When the key was given.
    #[schema(value_type = String, format = DateTime)]
    pub key_added_at: Timestamp,
    /// What keeps files out of it; null while it works.
    pub blocked: Option<BlockedBody>,
}

/// What keeps files out of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Blocked)]
pub(in crate::api) struct BlockedBody {
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Which kind of failure: `bucket-missing`. The page `help` tells all of them.
    #[schema(example = "bucket-missing")]
    pub class: &'static str,
    /// Google's status, where it answered.
    pub http_status: Option<u16>,
    /// In a few words.
    pub title: String,
    /// What happened.
    pub cause: String,
    /// What to do.
    pub resolution: String,
    /// Both: what happened, and what to do.
    pub reason: String,
    /// Google's own words; empty where there are none.
    pub said: String,
    /// The path of the page that says what to do, step by step.
    #[schema(example = "/help/failures/bucket-missing?bucket=main")]
    pub help: String,
}

impl BlockedBody {
    pub(in crate::api) fn of(bucket: &PartnerBucket) -> Option<Self> {
        match &bucket.state {
            BucketState::Ready => None,
            BucketState::Blocked { since, failure } => {
                let words = failure.words(Known::from(bucket));
                Some(Self {
                    since: *since,
                    class: failure.class.slug(),
                    http_status: failure.http_status,
                    reason: words.sentence(),
                    title: words.title,
                    cause: words.cause,
                    resolution: words.resolution,
                    said: failure.said(),
                    help: failure.help_path(&bucket.id.0),
                })
            }
        }
    }
}

impl From<&PartnerBucket> for BucketBody {
    fn from(bucket: &PartnerBucket) -> Self {
        Self {
            nickname: bucket.id.to_string(),
            bucket_name: bucket.bucket_name.clone(),
            service_account: bucket.key_facts.client_email.clone(),
            key_id: bucket.key_facts.key_id.clone(),
            key_added_at: bucket.key_facts.added_at,
            blocked: BlockedBody::of(bucket),
        }
    }
}

/// Another look at a bucket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recheck)]
pub(in crate::api) struct RecheckBody {
    /// Whether it takes files.
    pub works: bool,
    /// What keeps them out, and what to do; null where nothing does.
    pub problem: Option<String>,
    /// The bucket as it is now.
    pub bucket: BucketBody,
}

/// The account's buckets.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct BucketList {
    /// By nickname.
    pub buckets: Vec<BucketBody>,
}

/// A bucket to be connected.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewBucket {
    /// The account's own name for it, unique in the account.
    #[schema(min_length = 1, max_length = 64, example = "main")]
    pub nickname: String,
    /// The bucket's name at Google, exactly.
    #[schema(min_length = 3, max_length = 222)]
    pub bucket_name: String,
    /// The service account key.
    pub key: KeyBody,
}

/// Another key of a bucket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewKey {
    /// The service account key.
    pub key: KeyBody,
}

/// A service account key: the file that Google's console gives out, as text or as the JSON object that it is.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ServiceAccountKey)]
pub(in crate::api) enum KeyBody {
    /// As text.
    Text(String),
    /// As JSON.
    #[schema(value_type = Object)]
    Json(serde_json::Map<String, Value>),
}

impl From<KeyBody> for ServiceAccountKey {
    fn from(key: KeyBody) -> Self {
        Self::new(match key {
            KeyBody::Text(text) => text,
            KeyBody::Json(object) => Value::Object(object).to_string(),
        })
    }
}

/// A step of the check, and how it ended. A check stops at the first step that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CheckStep)]
pub(crate) struct StepBody {
    /// Which: `key`, `google`, `bucket`, `create`, `notes`.
    pub step: &'static str,
    /// What it looks at.
    pub title: &'static str,
    /// `passed`, `noted` or `failed`.
    pub outcome: &'static str,
    /// Something to know, where it is `noted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What is wrong, where it is `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl From<&StepReport> for StepBody {
    fn from(report: &StepReport) -> Self {
        let (step, title) = (report.step.as_str(), report.step.title());
        let plain = Self { step, title, outcome: "passed", note: None, wrong: None, remedy: None };
        match report.outcome.clone() {
            StepOutcome::Passed => plain,
            StepOutcome::Noted { note } => Self { outcome: "noted", note: Some(note), ..plain },
            StepOutcome::Failed { wrong, remedy } => {
                Self { outcome: "failed", wrong: Some(wrong), remedy: Some(remedy), ..plain }
            }
        }
    }
}

/// The last line of a check.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckVerdict)]
pub(in crate::api) struct VerdictBody {
    /// Whether the bucket is connected now, or has its new key.
    pub saved: bool,
    /// Why it is not, where no step says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl From<CheckVerdict> for VerdictBody {
    fn from(verdict: CheckVerdict) -> Self {
        Self { saved: verdict.saved, problem: verdict.problem }
    }
}

/// A line of a check.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = CheckLine)]
pub(in crate::api) enum LineBody {
    /// A step has ended.
    Step(StepBody),
    /// The check has; the last line.
    Verdict(VerdictBody),
}

/// A check that passed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Check)]
pub(in crate::api) struct CheckBody {
    /// The steps, in their order.
    pub steps: Vec<StepBody>,
    /// The bucket as it is now.
    pub bucket: BucketBody,
}
