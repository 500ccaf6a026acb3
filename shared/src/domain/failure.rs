//! The failure classes of a bucket, from what Google answers. Their words are in `failure_words`.

use serde::{Deserialize, Serialize};

use super::failure_words::{FailureWords, Known, shown};

/// The most that is shown of what Google said, in characters.
const SAID_MAX_CHARS: usize = 500;

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
    /// Billing is off for the bucket's project, or the project itself is off.
    BillingDisabled,
    /// The project of the service account has the Cloud Storage API switched off.
    ApiDisabled,
    /// The bucket wants whoever makes a request to pay.
    RequesterPays,
    /// The key of Cloud KMS with which the bucket encrypts cannot be used.
    EncryptionKey,
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
    /// All of them, in the order in which people are told of them.
    pub const ALL: [Self; 17] = [
        Self::CredentialsRejected,
        Self::KeyUnusable,
        Self::PermissionMissing { permission: None },
        Self::BucketMissing,
        Self::RetentionPolicy,
        Self::Hold,
        Self::BillingDisabled,
        Self::ApiDisabled,
        Self::RequesterPays,
        Self::OrganisationPolicy,
        Self::EncryptionKey,
        Self::StorageFull,
        Self::StorageReadOnly,
        Self::NameTaken,
        Self::Throttled,
        Self::Unavailable,
        Self::Ours,
    ];

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
            | Self::ApiDisabled
            | Self::RequesterPays
            | Self::EncryptionKey
            | Self::OrganisationPolicy
            | Self::StorageFull
            | Self::StorageReadOnly => Side::Customer,
            Self::Throttled | Self::Unavailable => Side::Passing,
            Self::NameTaken | Self::Ours => Side::Ours,
        }
    }

    /// For machines, as in addresses: `bucket-missing`. Never changes.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            Self::KeyUnusable => "key-unusable",
            Self::CredentialsRejected => "credentials-rejected",
            Self::PermissionMissing { .. } => "permission-missing",
            Self::BucketMissing => "bucket-missing",
            Self::RetentionPolicy => "retention-policy",
            Self::Hold => "hold",
            Self::BillingDisabled => "billing-disabled",
            Self::ApiDisabled => "api-disabled",
            Self::RequesterPays => "requester-pays",
            Self::EncryptionKey => "encryption-key",
            Self::OrganisationPolicy => "organisation-policy",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::StorageFull => "storage-full",
            Self::StorageReadOnly => "storage-read-only",
            Self::NameTaken => "name-taken",
            Self::Ours => "ours",
        }
    }

    /// The class of a slug.
    #[must_use]
    pub fn of_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.slug() == slug)
    }
}

impl BucketFailure {
    /// The words for it, filled in with what is known of the bucket.
    #[must_use]
    pub fn words(&self, known: Known<'_>) -> FailureWords {
        FailureWords::new(&self.class, known)
    }

    /// What happened and what to do, for the customer; without names and without Google's own words.
    #[must_use]
    pub fn sentence(&self) -> String {
        self.words(Known::default()).sentence()
    }

    /// The error code that people and programs are told: Google's status, where there was an answer, and the class.
    #[must_use]
    pub fn code(&self) -> String {
        match self.http_status {
            Some(status) => format!("{status} {}", self.class.slug()),
            None => self.class.slug().to_owned(),
        }
    }

    /// Google's own words, as they may be shown: without characters that nobody sees, and not too long.
    #[must_use]
    pub fn said(&self) -> String {
        shown(&self.message, SAID_MAX_CHARS)
    }

    /// Those words with whose they are: what is found without asking Google is said by us. None where there are none.
    #[must_use]
    pub fn quoted(&self) -> Option<String> {
        let who = if self.http_status.is_some() { "Google says" } else { "What we found" };
        Some(self.said()).filter(|said| !said.is_empty()).map(|said| format!("{who}: {said}"))
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
        assert!(sentence.contains("get [sic] on the bucket. Grant"), "{sentence}");
        assert_eq!(failure.to_string(), format!("{sentence} [403: no [access]]"));
        assert_eq!(
            BucketFailure { http_status: None, ..failure }.to_string(),
            format!("{sentence} [no [access]]")
        );
    }

    #[test]
    fn each_class_has_an_address_of_its_own() {
        let mut slugs: Vec<_> = FailureClass::ALL.iter().map(FailureClass::slug).collect();
        for class in FailureClass::ALL {
            assert_eq!(FailureClass::of_slug(class.slug()), Some(class.clone()));
            let stored =
                serde_json::to_value(&class).ok().and_then(|json| json["class"].as_str().map(str::to_owned));
            assert_eq!(stored.map(|name| name.replace('_', "-")).as_deref(), Some(class.slug()));
        }
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), FailureClass::ALL.len());
        assert_eq!(FailureClass::of_slug("../x"), None);
    }

    #[test]
    fn what_google_said_is_shown_without_what_nobody_sees() {
        let message = format!("no\u{202e}\r\nway {}", "x".repeat(600));
        let failure = BucketFailure { class: FailureClass::Ours, http_status: Some(400), message };
        assert!(failure.said().starts_with("no???way x"), "{}", failure.said());
        assert_eq!((failure.said().chars().count(), failure.code().as_str()), (501, "400 ours"));
    }
}
