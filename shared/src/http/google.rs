//! What Google's JSON API answers, and which failure class that is.

use serde::Deserialize;

use crate::domain::{BucketFailure, FailureClass};

/// An error body as Google publishes it.
#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: ErrorInfo,
}

#[derive(Debug, Deserialize)]
struct ErrorInfo {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<ErrorDetail>,
}

#[derive(Debug, Deserialize)]
struct ErrorDetail {
    #[serde(default)]
    reason: String,
}

/// Whether an answer means that a precondition did not hold: for a create, that the object exists.
#[must_use]
pub fn is_precondition_failed(http_status: Option<u16>) -> bool {
    http_status == Some(412)
}

/// Whether an answer stays the same until somebody makes room, though it is said to be the server's fault.
#[must_use]
pub fn is_out_of_storage(http_status: u16) -> bool {
    http_status == 507
}

/// Whether an answer is about a missing object in a bucket that is there.
#[must_use]
pub fn is_missing_object(failure: &BucketFailure) -> bool {
    failure.http_status == Some(404) && failure.message.starts_with("No such object")
}

/// Whether an answer means that an upload was cancelled: Google says "client closed request".
#[must_use]
pub fn is_cancelled(http_status: u16) -> bool {
    http_status == 499 || http_status == 204
}

/// The failure that an answer's status and body tell.
#[must_use]
pub fn failure_of(http_status: u16, body: &[u8]) -> BucketFailure {
    let (reason, message) = match serde_json::from_slice::<ErrorBody>(body) {
        Ok(ErrorBody { error }) => {
            (error.errors.into_iter().next().map(|detail| detail.reason).unwrap_or_default(), error.message)
        }
        // Proxies answer in HTML, uploads in plain text.
        Err(_) => (String::new(), String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned()),
    };
    failure_with(http_status, &reason, message)
}

/// The failure that an answer's parts tell.
#[must_use]
pub fn failure_with(http_status: u16, reason: &str, message: String) -> BucketFailure {
    BucketFailure { class: class_of(http_status, reason, &message), http_status: Some(http_status), message }
}

/// The class of an answer of Google's JSON API: its status, the error's `reason` and message
/// (the bodies are in the tests below).
#[must_use]
pub fn class_of(http_status: u16, reason: &str, message: &str) -> FailureClass {
    let says = |part: &str| message.contains(part);
    // Reasons are written with a capital letter here and there, and a few with their group before them.
    let reason = reason.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match (http_status, reason.as_str()) {
        (_, "retentionpolicynotmet") => FailureClass::RetentionPolicy,
        (_, "objectunderactivehold") => FailureClass::Hold,
        (_, "userprojectmissing" | "authenticationrequiredrequesterpays") => FailureClass::RequesterPays,
        (_, "accountdisabled" | "userprojectaccountproblem" | "billingnotenabled") => {
            FailureClass::BillingDisabled
        }
        (_, "accessnotconfigured" | "servicedisabled" | "service_disabled") => FailureClass::ApiDisabled,
        (_, "orgpolicyviolation" | "orgpolicyconstraintfailed") => FailureClass::OrganisationPolicy,
        (_, "ratelimitexceeded" | "userratelimitexceeded" | "quotaexceeded" | "dailylimitexceeded") => {
            FailureClass::Throttled
        }
        // Of the built-in emulator, whose objects are files.
        (507, "readonlystorage") => FailureClass::StorageReadOnly,
        (507, _) => FailureClass::StorageFull,
        (_, reason) if reason.starts_with("cloudkms") => FailureClass::EncryptionKey,
        (401, _) => FailureClass::CredentialsRejected,
        (400 | 403, _) if says("Cloud KMS") => FailureClass::EncryptionKey,
        (400 | 403, _) if says("requester pays") => FailureClass::RequesterPays,
        (403, _) if says("is under active") && says("hold") => FailureClass::Hold,
        (403, _) if is_about_billing(message) => FailureClass::BillingDisabled,
        (403, _) if says("API has not been used in project") => FailureClass::ApiDisabled,
        (403 | 412, _) if is_about_a_policy(message) => FailureClass::OrganisationPolicy,
        (403, _) if says("GCP account is forbidden") => FailureClass::CredentialsRejected,
        (403, _) => FailureClass::PermissionMissing { permission: named_permission(message) },
        // An upload session that Google has forgotten is begun anew.
        (404, _) if says("upload") => FailureClass::Unavailable,
        (404, _) => FailureClass::BucketMissing,
        // Two changes at once, or a session that is over: it passes.
        (409 | 410, _) => FailureClass::Unavailable,
        (408 | 429, _) => FailureClass::Throttled,
        (500..=599, _) => FailureClass::Unavailable,
        _ => FailureClass::Ours,
    }
}

/// Whether Google refuses for billing, or because the whole project is off.
fn is_about_billing(message: &str) -> bool {
    [
        "billing account",
        "Billing has not been enabled",
        "billing disabled",
        "requires billing",
        "accountDisabled",
    ]
    .iter()
    .any(|part| message.contains(part))
}

/// Whether somebody's policy refuses: a constraint, a service perimeter, a filter of addresses.
fn is_about_a_policy(message: &str) -> bool {
    [
        "constraints/",
        "organization's policy",
        "Organization Policy",
        "vpcServiceControls",
        "IP filtering condition",
    ]
    .iter()
    .any(|part| message.contains(part))
}

/// The permission that Google's sentence names: `… does not have storage.objects.create access …`. Only what can be
/// one: the message may hold names of the customer's.
fn named_permission(message: &str) -> Option<String> {
    let words = message.split([' ', '\'', '"']).map(|word| word.trim_end_matches(['.', ',']));
    let mut permissions = words.filter(|word| {
        let is_plain = word.chars().all(|letter| letter.is_ascii_alphabetic() || letter == '.');
        let is_host = word.starts_with("storage.googleapis.");
        word.starts_with("storage.")
            && !is_host
            && word.len() <= 60
            && word.split('.').count() == 3
            && is_plain
    });
    permissions.next().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests;
