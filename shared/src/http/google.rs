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
    let billing = says("billing account") || says("Billing has not been enabled") || says("accountDisabled");
    match (http_status, reason) {
        (_, "retentionPolicyNotMet") => FailureClass::RetentionPolicy,
        (_, "accountDisabled" | "userProjectMissing" | "UserProjectAccountProblem") => {
            FailureClass::BillingDisabled
        }
        (_, "orgPolicyViolation") => FailureClass::OrganisationPolicy,
        (_, "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded" | "dailyLimitExceeded") => {
            FailureClass::Throttled
        }
        // Of the built-in emulator, whose objects are files.
        (507, "readOnlyStorage") => FailureClass::StorageReadOnly,
        (507, _) => FailureClass::StorageFull,
        (401, _) => FailureClass::CredentialsRejected,
        (403, _) if says("hold") && says("is under active") => FailureClass::Hold,
        (403, _) if billing => FailureClass::BillingDisabled,
        (412, _) if says("constraints/") => FailureClass::OrganisationPolicy,
        (403, _) if says("constraints/") || says("organization's policy") || says("Organization Policy") => {
            FailureClass::OrganisationPolicy
        }
        (403, _) if says("GCP account is forbidden") => FailureClass::CredentialsRejected,
        (403, _) => FailureClass::PermissionMissing { permission: named_permission(message) },
        (400, _) if says("requester pays") => FailureClass::BillingDisabled,
        // An upload session that Google has forgotten is begun anew.
        (404, _) if says("upload") => FailureClass::Unavailable,
        (404, _) => FailureClass::BucketMissing,
        (410, _) => FailureClass::Unavailable,
        (408 | 429, _) => FailureClass::Throttled,
        (500..=599, _) => FailureClass::Unavailable,
        _ => FailureClass::Ours,
    }
}

/// The permission that Google's sentence names: `… does not have storage.objects.create access …`.
fn named_permission(message: &str) -> Option<String> {
    let word = message.split([' ', '\'', '"']).find(|word| word.starts_with("storage."))?;
    Some(word.trim_end_matches(['.', ',']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_of_published_bodies() {
        let create = "x@p.iam.gserviceaccount.com does not have storage.objects.create access to the Google \
                      Cloud Storage object. Permission 'storage.objects.create' denied on resource (or it may \
                      not exist).";
        let missing = FailureClass::PermissionMissing { permission: Some("storage.objects.create".into()) };
        let cases = [
            (401, "authError", "Invalid Credentials", FailureClass::CredentialsRejected),
            (
                403,
                "forbidden",
                "Credentials are incorrect, GCP account is forbidden.",
                FailureClass::CredentialsRejected,
            ),
            (403, "forbidden", create, missing),
            (404, "notFound", "The specified bucket does not exist.", FailureClass::BucketMissing),
            (
                403,
                "retentionPolicyNotMet",
                "Object 'b/o' is subject to bucket's retention policy or object retention and cannot be \
                 deleted or overwritten until 2027-01-01T00:00:00Z",
                FailureClass::RetentionPolicy,
            ),
            (
                403,
                "forbidden",
                "Object 'b/o' is under active Temporary hold and cannot be deleted",
                FailureClass::Hold,
            ),
            (
                403,
                "accountDisabled",
                "The project to be billed is associated with an absent billing account.",
                FailureClass::BillingDisabled,
            ),
            (
                403,
                "forbidden",
                "The project to be billed is associated with a closed billing account.",
                FailureClass::BillingDisabled,
            ),
            (
                400,
                "required",
                "Bucket is a requester pays bucket but no user project provided.",
                FailureClass::BillingDisabled,
            ),
            (
                412,
                "conditionNotMet",
                "Request violates constraint 'constraints/storage.x'",
                FailureClass::OrganisationPolicy,
            ),
            (
                403,
                "forbidden",
                "Request violates constraint constraints/gcp.restrict",
                FailureClass::OrganisationPolicy,
            ),
            (
                403,
                "forbidden",
                "household-export@p.iam.gserviceaccount.com does not have storage.objects.get access",
                FailureClass::PermissionMissing { permission: Some("storage.objects.get".into()) },
            ),
            (429, "rateLimitExceeded", "The rate of change requests is too high", FailureClass::Throttled),
            (503, "backendError", "Try again", FailureClass::Unavailable),
            (507, "insufficientStorage", "The disk is full", FailureClass::StorageFull),
            (507, "readOnlyStorage", "The folder cannot be written", FailureClass::StorageReadOnly),
            (400, "invalid", "Invalid argument", FailureClass::Ours),
        ];
        for (status, reason, message, class) in cases {
            assert_eq!(class_of(status, reason, message), class, "{status} {reason} {message}");
        }
    }
}
