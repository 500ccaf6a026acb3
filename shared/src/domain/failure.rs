//! The failure classes of a bucket, from what Google answers, and the sentence that each becomes.

use serde::{Deserialize, Serialize};

/// What kind of failure it is, and so who has to act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum FailureClass {
    /// The text is no usable service account key.
    KeyUnusable,
    /// Google does not accept the key: revoked, expired, of a deleted account.
    CredentialsRejected,
    /// The service account lacks a permission.
    PermissionMissing {
        /// Which, where Google says it.
        permission: Option<String>,
    },
    /// There is no bucket of this name.
    BucketMissing,
    /// A retention policy protects an object of the same name.
    RetentionPolicy,
    /// A hold protects an object of the same name.
    Hold,
    /// Billing is off, or the bucket wants the requester to pay.
    BillingDisabled,
    /// A policy of the customer's organisation forbids it.
    OrganisationPolicy,
    /// Google asks us to slow down.
    Throttled,
    /// Google does not answer, or not as it should.
    Unavailable,
    /// The disk under a local bucket is full. Google's do not fill up.
    StorageFull,
    /// The folder of a local bucket may not be written.
    StorageReadOnly,
    /// An object of the same name is there that we did not write.
    NameTaken,
    /// Google refused a request of ours for a reason that names nobody else.
    Ours,
}

/// Whose failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The customer has to mend something; the bucket is blocked until then.
    Customer,
    /// It passes; try again with backoff.
    Passing,
    /// We have to mend something; the chunk fails.
    Ours,
}

/// A failure with Google's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketFailure {
    /// Which kind.
    #[serde(flatten)]
    pub class: FailureClass,
    /// The HTTP status, where there was an answer.
    pub http_status: Option<u16>,
    /// Google's message, or the client's.
    pub message: String,
}

impl FailureClass {
    /// Who has to act.
    #[must_use]
    pub fn side(&self) -> Side {
        match self {
            Self::KeyUnusable
            | Self::CredentialsRejected
            | Self::PermissionMissing { .. }
            | Self::BucketMissing
            | Self::RetentionPolicy
            | Self::Hold
            | Self::BillingDisabled
            | Self::OrganisationPolicy
            | Self::StorageFull
            | Self::StorageReadOnly => Side::Customer,
            Self::Throttled | Self::Unavailable => Side::Passing,
            Self::NameTaken | Self::Ours => Side::Ours,
        }
    }
}

impl BucketFailure {
    /// What happened and what to do, for the customer; without Google's own words.
    #[must_use]
    pub fn sentence(&self) -> String {
        let text = match &self.class {
            FailureClass::KeyUnusable => {
                "This is not a service account key in JSON form. Generate a new key (JSON) in the Google Cloud console \
                 under IAM & Admin > Service Accounts > Keys, and paste the whole file."
            }
            FailureClass::CredentialsRejected => {
                "The credentials are incorrect or expired. Generate the service account key again in the Google Cloud \
                 console and replace the key of this bucket."
            }
            FailureClass::PermissionMissing { permission } => {
                return format!(
                    "The service account lacks the permission {}. Grant it the role Storage Object Creator (and Storage \
                     Object Viewer, so that files can be verified) on the bucket.",
                    permission.as_deref().unwrap_or("storage.objects.create"),
                );
            }
            FailureClass::BucketMissing => {
                "There is no bucket of exactly this name. Check the name letter by letter, or create the bucket again."
            }
            FailureClass::RetentionPolicy => {
                "A retention policy protects an existing object of the same name. Wait until it may be replaced, or \
                 export to another bucket."
            }
            FailureClass::Hold => {
                "A hold protects an existing object of the same name. Release the hold in the Google Cloud console, or \
                 export to another bucket."
            }
            FailureClass::BillingDisabled => {
                "Google refuses for billing: billing is off for the bucket's project, or the bucket wants the requester \
                 to pay. Turn billing on, or Requester Pays off."
            }
            FailureClass::OrganisationPolicy => {
                "A policy of your Google Cloud organisation forbids this. Ask its administrator to exempt the bucket or \
                 the service account."
            }
            FailureClass::Throttled => "Google asks to slow down; the export goes on by itself.",
            FailureClass::Unavailable => {
                "Google Cloud Storage cannot be reached just now; the export goes on by itself."
            }
            FailureClass::StorageFull => {
                "The disk on which the bucket lies is full. Free some space on it; the files that are complete stay, \
                 and the export goes on behind them."
            }
            FailureClass::StorageReadOnly => {
                "The folder of the bucket cannot be written: its disk is mounted read-only, or its permissions forbid \
                 it. Make it writable; the export then goes on."
            }
            FailureClass::NameTaken => {
                "An object of this name, which we did not write, is in the bucket already. Move it away, then have the \
                 run tried again."
            }
            FailureClass::Ours => "Our request was refused; our operators have to act.",
        };
        text.to_owned()
    }
}

impl std::fmt::Display for BucketFailure {
    /// The sentence, then Google's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.http_status {
            Some(status) => write!(f, "{} [{status}: {}]", self.sentence(), self.message),
            None => write!(f, "{} [{}]", self.sentence(), self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_words_stand_apart_from_the_sentence() {
        let class =
            FailureClass::PermissionMissing { permission: Some("storage.objects.get [sic]".to_owned()) };
        let failure = BucketFailure { class, http_status: Some(403), message: "no [access]".to_owned() };
        let sentence = failure.sentence();
        assert!(sentence.ends_with("on the bucket.") && sentence.contains("get [sic]. Grant"), "{sentence}");
        assert_eq!(failure.to_string(), format!("{sentence} [403: no [access]]"));
        assert_eq!(
            BucketFailure { http_status: None, ..failure }.to_string(),
            format!("{sentence} [no [access]]")
        );
    }
}
