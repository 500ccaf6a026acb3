//! The words for each failure class: what mails, pages and the API say of it. One module, so that all say the same.
//!
//! Everything is filled in with what is known of the bucket. Names come from customers: they are never taken for
//! markup, and in commands they are quoted for a shell.

mod commands;
mod notes;
mod steps;

use super::{BucketFailure, FailureClass, PartnerBucket, Side, rules::is_unseen};

/// The longest name that is filled in, in characters; Google's have at most 222.
const NAME_MAX_CHARS: usize = 254;

/// What is known of the bucket that failed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Its name at Google.
    pub bucket_name: Option<&'a str>,
    /// The service account whose key is kept.
    pub client_email: Option<&'a str>,
}

impl<'a> From<&'a PartnerBucket> for Known<'a> {
    fn from(bucket: &'a PartnerBucket) -> Self {
        Self {
            bucket_name: Some(&bucket.bucket_name),
            client_email: Some(bucket.key_facts.client_email.as_str()).filter(|email| !email.is_empty()),
        }
    }
}

/// The words for a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureWords {
    /// In a few words, without a stop.
    pub title: String,
    /// What happened, to which thing: one sentence.
    pub cause: String,
    /// What to do, in short.
    pub resolution: String,
    /// What to do, step by step: in Google Cloud's console and here.
    pub steps: Vec<HelpStep>,
    /// What people ask besides.
    pub notes: Vec<HelpNote>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpStep {
    /// Its sentences.
    pub pieces: Vec<HelpPiece>,
    /// The same as a line for a terminal, where there is one.
    pub command: Option<String>,
}

/// A piece of a step's sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpPiece {
    /// As people read it.
    pub text: String,
    /// What it is.
    pub kind: PieceKind,
}

/// What a piece of a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// Words.
    Words,
    /// A way through menus: `Cloud Storage > Buckets`.
    Menu,
    /// A name of the customer's.
    Name,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpNote {
    /// What people ask.
    pub question: &'static str,
    /// What we say.
    pub answer: &'static str,
}

impl HelpStep {
    /// The sentences, without the command.
    #[must_use]
    pub fn plain(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }
}

impl FailureWords {
    /// The words for a class.
    #[must_use]
    pub fn new(class: &FailureClass, known: Known<'_>) -> Self {
        let names = Names::new(known);
        Self {
            title: title(class),
            cause: cause(class, &names),
            resolution: resolution(class),
            steps: steps::of(class, &names),
            notes: notes::of(class),
        }
    }

    /// What happened and what to do, in short.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{} {}", self.cause, self.resolution)
    }
}

/// The names as they stand in sentences.
struct Names {
    bucket_name: Option<String>,
    client_email: Option<String>,
}

impl Names {
    fn new(known: Known<'_>) -> Self {
        let name = |name: Option<&str>| name.map(|name| shown(name, NAME_MAX_CHARS));
        Self { bucket_name: name(known.bucket_name), client_email: name(known.client_email) }
    }

    /// `the bucket`, with its name where it is known.
    fn bucket(&self) -> String {
        self.bucket_name
            .as_ref()
            .map_or_else(|| "the bucket".to_owned(), |name| format!("the bucket `{name}`"))
    }

    /// `The service account` at the beginning of a sentence, likewise.
    fn account(&self) -> String {
        let named = |email| format!("The service account {email}");
        self.client_email.as_ref().map_or_else(|| "The service account".to_owned(), named)
    }
}

/// A text of somebody else's as it may be shown: a `?` for each character that nobody sees or that turns the
/// direction of writing, and cut after `max_chars`.
#[must_use]
pub(super) fn shown(text: &str, max_chars: usize) -> String {
    let seen = |letter| if is_unseen(letter) { '?' } else { letter };
    let mut shown: String = text.chars().take(max_chars).map(seen).collect();
    if text.chars().nth(max_chars).is_some() {
        shown.push('…');
    }
    shown
}

fn title(class: &FailureClass) -> String {
    match class {
        FailureClass::KeyUnusable => "The service account key cannot be used",
        FailureClass::CredentialsRejected => "The credentials are incorrect or expired",
        FailureClass::PermissionMissing { permission: Some(permission) } => {
            return format!("The permission {} is missing", shown(permission, 60));
        }
        FailureClass::PermissionMissing { permission: None } => "The service account lacks a permission",
        FailureClass::BucketMissing => "The bucket does not exist",
        FailureClass::RetentionPolicy => "A retention policy refuses a file (retentionPolicyNotMet)",
        FailureClass::Hold => "A hold protects an object",
        FailureClass::BillingDisabled => "Billing is off for the bucket's project",
        FailureClass::ApiDisabled => "The Cloud Storage API is switched off",
        FailureClass::RequesterPays => "The bucket wants the requester to pay",
        FailureClass::EncryptionKey => "The bucket's encryption key cannot be used",
        FailureClass::OrganisationPolicy => "A policy of your organisation keeps us out",
        FailureClass::Throttled => "Google asks us to slow down",
        FailureClass::Unavailable => "Google Cloud Storage does not answer",
        FailureClass::StorageFull => "The disk under the local bucket is full",
        FailureClass::StorageReadOnly => "The folder of the local bucket cannot be written",
        FailureClass::NameTaken => "An object of the same name is there already",
        FailureClass::Ours => "The fault is ours",
    }
    .to_owned()
}

fn cause(class: &FailureClass, names: &Names) -> String {
    let (bucket, account) = (names.bucket(), names.account());
    match class {
        FailureClass::KeyUnusable => {
            format!(
                "What is kept for {bucket} is no service account key in JSON form, or its private key is damaged."
            )
        }
        FailureClass::CredentialsRejected => {
            let whose = names.client_email.as_deref().unwrap_or("the service account");
            format!(
                "Google does not accept the key of {whose}: the key was deleted or has expired, or its service account \
                 was deleted or disabled."
            )
        }
        FailureClass::PermissionMissing { permission } => match permission.as_deref() {
            None | Some(steps::CREATE) => {
                format!(
                    "{account} may not create files in {bucket}: it lacks the permission {}.",
                    steps::CREATE
                )
            }
            Some(permission) => {
                format!("{account} lacks the permission {} on {bucket}.", shown(permission, 60))
            }
        },
        FailureClass::BucketMissing => match &names.bucket_name {
            Some(name) => format!("Google knows no bucket of the name `{name}`."),
            None => "Google knows no bucket of exactly this name.".to_owned(),
        },
        FailureClass::RetentionPolicy => format!(
            "Google refuses a file in {bucket} with `retentionPolicyNotMet`: an object of the same name is there, which \
             a retention policy protects."
        ),
        FailureClass::Hold => {
            format!("A hold protects an object of the same name as a file of ours in {bucket}.")
        }
        FailureClass::BillingDisabled => {
            format!(
                "Google refuses for billing: billing is off for the project of {bucket}, or the project itself is."
            )
        }
        FailureClass::ApiDisabled => {
            let whose = names.client_email.as_deref().unwrap_or("the service account");
            format!("The Cloud Storage API is switched off in the Google Cloud project of {whose}.")
        }
        FailureClass::RequesterPays => format!(
            "Google refuses for billing: {bucket} has Requester Pays, which a service account of yours cannot settle."
        ),
        FailureClass::EncryptionKey => format!(
            "The Cloud KMS key with which {bucket} encrypts its files cannot be used: it is disabled or destroyed, or \
             Cloud Storage may not use it."
        ),
        FailureClass::OrganisationPolicy => {
            format!("A policy of your Google Cloud organisation keeps us out of {bucket}.")
        }
        FailureClass::Throttled => format!("Google asks us to write less often into {bucket}."),
        FailureClass::Unavailable => "Google Cloud Storage cannot be reached just now.".to_owned(),
        FailureClass::StorageFull => format!("The disk on which {bucket} lies is full."),
        FailureClass::StorageReadOnly => format!(
            "The folder of {bucket} cannot be written: its disk is mounted read-only, or its permissions forbid it."
        ),
        FailureClass::NameTaken => {
            format!(
                "An object with the name of a file of ours, which we did not write, is in {bucket} already."
            )
        }
        FailureClass::Ours => "Google refused a request of ours, or a part of ours does not work.".to_owned(),
    }
}

fn resolution(class: &FailureClass) -> String {
    match class {
        FailureClass::KeyUnusable => {
            "Generate a new key in Google Cloud's console (IAM & Admin > Service Accounts > Keys > Add key > Create new \
             key > JSON) and paste the whole file."
        }
        FailureClass::CredentialsRejected => {
            "Generate the key again in Google Cloud's console (IAM & Admin > Service Accounts > Keys > Add key > Create \
             new key > JSON) and paste it whole."
        }
        FailureClass::PermissionMissing { permission } => {
            let role = steps::role_of(permission.as_deref());
            let also = if role == steps::CREATOR {
                " (and Storage Object Viewer, so that files can be verified)"
            } else {
                ""
            };
            return format!(
                "Grant it the role {}{also} on the bucket, under Permissions > Grant access in Google Cloud's console. A \
                 new grant can take some minutes to count.",
                role.title,
            );
        }
        FailureClass::BucketMissing => {
            "The bucket name must match exactly, letter by letter: compare it with Cloud Storage > Buckets in Google \
             Cloud's console. If the bucket was deleted, create it again under this name, or use another bucket."
        }
        FailureClass::RetentionPolicy => {
            "Delete the retention policy if it is not locked. Out of a locked one there is one way only: move the export \
             to another bucket."
        }
        FailureClass::Hold => {
            "Release the hold in Google Cloud's console, or move the export to another bucket."
        }
        FailureClass::BillingDisabled => {
            "Turn billing on for the project, under Billing in Google Cloud's console."
        }
        FailureClass::ApiDisabled => {
            "Enable the Cloud Storage API for that project, under APIs & Services in Google Cloud's console. It can take \
             some minutes to count."
        }
        FailureClass::RequesterPays => {
            "Turn Requester Pays off for the bucket, under its Configuration in Google Cloud's console."
        }
        FailureClass::EncryptionKey => {
            "Enable the key again and let the Cloud Storage service agent use it, or give the bucket another default key."
        }
        FailureClass::OrganisationPolicy => {
            "Ask its administrator to exempt the bucket or the service account, and to let our network in where access \
             is limited by network."
        }
        FailureClass::Throttled | FailureClass::Unavailable => {
            "You need not do anything: the export goes on by itself."
        }
        FailureClass::StorageFull => {
            "Free some space on it; the files that are complete stay, and the export goes on behind them."
        }
        FailureClass::StorageReadOnly => "Make it writable; the export then goes on.",
        FailureClass::NameTaken => "Move it away, then have the run tried again by our support.",
        FailureClass::Ours => "You need not do anything: our operators have to act, and have been told.",
    }
    .to_owned()
}

/// What becomes of the exports meanwhile: by who has to act.
#[must_use]
pub fn meanwhile(side: Side) -> &'static str {
    match side {
        Side::Customer => {
            "Nothing is lost: what is owed goes out in order once that is mended. We look every hour; after three days \
             without success the exports into the bucket are stopped."
        }
        Side::Passing => "We try again by ourselves, more and more seldom, until it works.",
        Side::Ours => "The files that are missing follow under the same run once it is mended.",
    }
}

/// Where the page about a class is, with the nickname of the bucket whose names fill it in.
#[must_use]
pub fn help_path(class: &FailureClass, nickname: Option<&str>) -> String {
    let bucket = nickname.map(|nickname| {
        format!(
            "?bucket={}",
            percent_encoding::utf8_percent_encode(nickname, percent_encoding::NON_ALPHANUMERIC)
        )
    });
    format!("/help/failures/{}{}", class.slug(), bucket.unwrap_or_default())
}

impl BucketFailure {
    /// The path of the page about it.
    #[must_use]
    pub fn help_path(&self, nickname: &str) -> String {
        help_path(&self.class, Some(nickname))
    }
}

/// A title in the middle of a sentence.
#[must_use]
pub fn in_sentence(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
