//! The check of a bucket: its steps in their order, and the sentence that each ends with. Pure: who runs it asks Google.

use serde::{Deserialize, Serialize};

use super::{BucketFailure, FailureClass, KeyFault, Known, Side};

/// A step, in the order in which they are taken. The check ends at the first that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStep {
    /// The text is a service account key.
    Key,
    /// Google accepts it.
    Google,
    /// There is a bucket of exactly this name.
    Bucket,
    /// The service account may create objects in it.
    Create,
    /// What else the customer should know.
    Notes,
}

impl CheckStep {
    /// All steps, in order.
    pub const ALL: [Self; 5] = [Self::Key, Self::Google, Self::Bucket, Self::Create, Self::Notes];

    /// For people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Key => "The key is a service account key",
            Self::Google => "Google accepts the key",
            Self::Bucket => "The bucket exists under exactly this name",
            Self::Create => "The service account may create files in it",
            Self::Notes => "The bucket's settings",
        }
    }

    /// For machines: as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Google => "google",
            Self::Bucket => "bucket",
            Self::Create => "create",
            Self::Notes => "notes",
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum StepOutcome {
    /// All is well.
    Passed,
    /// All is well, and there is something to know.
    Noted {
        /// What.
        note: String,
    },
    /// The bucket is not saved.
    Failed {
        /// What is wrong.
        wrong: String,
        /// What to do about it.
        remedy: String,
    },
}

/// A step and its end; one line of JSON in the validator's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// Which.
    pub step: CheckStep,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: StepOutcome,
}

impl StepReport {
    /// A step that passed.
    #[must_use]
    pub fn passed(step: CheckStep) -> Self {
        Self { step, outcome: StepOutcome::Passed }
    }

    /// Whether the check ends here.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.outcome, StepOutcome::Failed { .. })
    }

    /// The text is no service account key.
    #[must_use]
    pub fn of_key(fault: KeyFault) -> Self {
        Self::failed(CheckStep::Key, fault.wrong(), fault.remedy().to_owned())
    }

    fn failed(step: CheckStep, wrong: String, remedy: String) -> Self {
        Self { step, outcome: StepOutcome::Failed { wrong, remedy } }
    }
}

/// The last line of the validator's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckVerdict {
    /// Whether the bucket is connected now, or has its new key.
    pub saved: bool,
    /// Why it is not, where no step says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What is being checked, for the sentences.
#[derive(Debug, Clone, Copy)]
pub struct Checked<'a> {
    /// The bucket's name at Google, as the customer gave it.
    pub bucket_name: &'a str,
    /// The service account.
    pub client_email: &'a str,
}

/// What the owner of a bucket has set that concerns exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BucketSettings {
    /// How long objects are kept from being deleted and replaced.
    pub retention: Option<RetentionPolicy>,
    /// Whether whoever makes a request pays for it.
    pub requester_pays: bool,
}

/// A retention policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// From the creation of an object on, in seconds.
    pub period_secs: u64,
    /// Whether it can never be shortened or taken away.
    pub locked: bool,
}

impl Checked<'_> {
    /// The step that a failure ends, with what to do.
    #[must_use]
    pub fn failed(&self, step: CheckStep, failure: &BucketFailure) -> StepReport {
        let (wrong, remedy) = self.sentences(failure);
        StepReport::failed(step, wrong, remedy)
    }

    /// The failure of an account that lacks what an export needs.
    #[must_use]
    pub fn may_not_create(&self) -> StepReport {
        let class = FailureClass::PermissionMissing { permission: None };
        let failure = BucketFailure { class, http_status: None, message: String::new() };
        self.failed(CheckStep::Create, &failure)
    }

    /// The words that mails and pages have for it too, but where a check knows better.
    fn sentences(&self, failure: &BucketFailure) -> (String, String) {
        if failure.class.side() == Side::Passing {
            let remedy = "Try again in a minute; nothing that you gave is known to be wrong.";
            return ("Google does not answer just now.".to_owned(), remedy.to_owned());
        }
        match &failure.class {
            FailureClass::KeyUnusable => {
                (KeyFault::UnreadablePem.wrong(), KeyFault::UnreadablePem.remedy().to_owned())
            }
            FailureClass::NameTaken | FailureClass::Ours => {
                let said: String = failure.said().chars().take(300).collect();
                (
                    format!("Google refused our request: {said}"),
                    "Try again; if it stays so, tell our support.".to_owned(),
                )
            }
            _ => {
                let known =
                    Known { bucket_name: Some(self.bucket_name), client_email: Some(self.client_email) };
                let words = failure.words(known);
                (words.cause, words.resolution)
            }
        }
    }
}

/// The last step: what the settings mean for exports; none where they could not be looked at.
#[must_use]
pub fn notes(settings: Option<BucketSettings>) -> StepReport {
    let mut notes = Vec::new();
    match settings {
        None => notes.push(
            "The bucket's settings could not be looked at (retention policy, Requester Pays). Exports do not need \
             that."
                .to_owned(),
        ),
        Some(settings) => {
            notes.extend(settings.retention.map(retention_note));
            if settings.requester_pays {
                notes.push(
                    "The bucket has Requester Pays. Google takes our uploads nevertheless, and bills them to the \
                     bucket's own project; whoever reads the files pays for reading them."
                        .to_owned(),
                );
            }
        }
    }
    let outcome = match notes.as_slice() {
        [] => StepOutcome::Passed,
        notes => StepOutcome::Noted { note: notes.join(" ") },
    };
    StepReport { step: CheckStep::Notes, outcome }
}

fn retention_note(policy: RetentionPolicy) -> String {
    let period = period(policy.period_secs);
    let locked = if policy.locked { "locked " } else { "" };
    format!(
        "The bucket has a {locked}retention policy: nobody can delete or replace an exported file for {period} after \
         it was written. Exports work, as they only ever create files."
    )
}

/// A span in the largest unit that leaves no rest.
fn period(secs: u64) -> String {
    let (count, unit) = match secs {
        secs if secs > 0 && secs.is_multiple_of(86_400) => (secs / 86_400, "day"),
        secs if secs > 0 && secs.is_multiple_of(3_600) => (secs / 3_600, "hour"),
        secs if secs > 0 && secs.is_multiple_of(60) => (secs / 60, "minute"),
        secs => (secs, "second"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests;
