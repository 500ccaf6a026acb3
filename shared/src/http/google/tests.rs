//! Google's answers as it publishes them, whole, and their classes.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use FailureClass::{
    ApiDisabled, BillingDisabled, BucketMissing, CredentialsRejected, EncryptionKey, Hold,
    OrganisationPolicy, Ours, PermissionMissing, RequesterPays, RetentionPolicy, StorageFull,
    StorageReadOnly, Throttled, Unavailable,
};

/// A body as the JSON API writes it.
fn body(code: u16, reason: &str, message: &str) -> Vec<u8> {
    let item = serde_json::json!({"message": message, "domain": "global", "reason": reason});
    let error = serde_json::json!({"code": code, "message": message, "errors": [item]});
    serde_json::json!({ "error": error }).to_string().into_bytes()
}

fn missing(permission: &str) -> FailureClass {
    PermissionMissing { permission: Some(permission.to_owned()) }
}

#[test]
fn the_classes_of_published_bodies() {
    let create = "x@p.iam.gserviceaccount.com does not have storage.objects.create access to the Google Cloud \
                  Storage object. Permission 'storage.objects.create' denied on resource (or it may not exist).";
    let retained = "Object 'b/o' is subject to bucket's retention policy or object retention and cannot be deleted \
                    or overwritten until 2027-01-01T00:00:00Z";
    let held = "Object 'b/o' is under active Temporary hold and cannot be deleted, overwritten or archived until hold \
                is removed.";
    let kms = "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been \
               authorized to use this key.";
    let api = "Cloud Storage API has not been used in project 80844 before or it is disabled. Enable it by visiting \
               https://console.developers.google.com/apis/api/storage.googleapis.com/overview?project=80844 then retry.";
    let filtered = "There is an IP filtering condition that is preventing access to the resource.";
    let cases = [
        (401, "authError", "Invalid Credentials", CredentialsRejected),
        (
            401,
            "required",
            "Anonymous caller does not have storage.objects.create access.",
            CredentialsRejected,
        ),
        (403, "forbidden", "Credentials are incorrect, GCP account is forbidden.", CredentialsRejected),
        (403, "forbidden", create, missing("storage.objects.create")),
        (403, "insufficientPermissions", "Insufficient Permission", PermissionMissing { permission: None }),
        (403, "forbidden", "Access denied.", PermissionMissing { permission: None }),
        (
            403,
            "forbidden",
            "household-export@p.iam.gserviceaccount.com does not have storage.objects.get access",
            missing("storage.objects.get"),
        ),
        (404, "notFound", "The specified bucket does not exist.", BucketMissing),
        (403, "retentionPolicyNotMet", retained, RetentionPolicy),
        (403, "forbidden", held, Hold),
        (403, "forbidden", "Object 'b/o' is under active Event-Based hold and cannot be deleted", Hold),
        (403, "objectUnderActiveHold", "The object is held.", Hold),
        (
            403,
            "accountDisabled",
            "The project to be billed is associated with an absent billing account.",
            BillingDisabled,
        ),
        (
            403,
            "forbidden",
            "The project to be billed is associated with a closed billing account.",
            BillingDisabled,
        ),
        (
            403,
            "accountDisabled",
            "The billing account for the owning project is disabled in state delinquent",
            BillingDisabled,
        ),
        (403, "forbidden", "Project acme (#80844) has billing disabled. Please enable it.", BillingDisabled),
        (403, "UserProjectAccountProblem", "There is a problem with the project.", BillingDisabled),
        (403, "UsageLimits.accessNotConfigured", "Access Not Configured.", ApiDisabled),
        (403, "accessNotConfigured", api, ApiDisabled),
        (403, "forbidden", api, ApiDisabled),
        (400, "required", "Bucket is a requester pays bucket but no user project provided.", RequesterPays),
        (400, "UserProjectMissing", "User project required.", RequesterPays),
        (412, "orgPolicyConstraintFailed", "Refused.", OrganisationPolicy),
        (
            412,
            "conditionNotMet",
            "Request violates constraint 'constraints/storage.retentionPolicySeconds'",
            OrganisationPolicy,
        ),
        (403, "forbidden", "Request violates constraint constraints/gcp.restrict", OrganisationPolicy),
        (
            403,
            "forbidden",
            "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: a-b",
            OrganisationPolicy,
        ),
        (403, "forbidden", filtered, OrganisationPolicy),
        (403, "forbidden", kms, EncryptionKey),
        (400, "cloudKmsDisabledKey", "The Cloud KMS key is disabled.", EncryptionKey),
        (429, "rateLimitExceeded", "The rate of change requests is too high", Throttled),
        (403, "userRateLimitExceeded", "User Rate Limit Exceeded", Throttled),
        (408, "uploadBrokenConnection", "Request timeout", Throttled),
        (503, "backendError", "Try again", Unavailable),
        (500, "internalError", "We encountered an internal error. Please try again.", Unavailable),
        (409, "conflict", "The resource changed at the same time.", Unavailable),
        (410, "gone", "The upload session is over.", Unavailable),
        (507, "insufficientStorage", "The disk is full", StorageFull),
        (507, "readOnlyStorage", "The folder cannot be written", StorageReadOnly),
        (400, "invalid", "Invalid argument", Ours),
        (412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.", Ours),
    ];
    for (status, reason, message, class) in cases {
        let failure = failure_of(status, &body(status, reason, message));
        assert_eq!(failure.class, class, "{status} {reason} {message}");
        assert_eq!((failure.http_status, failure.message.as_str()), (Some(status), message));
    }
}

#[test]
fn bodies_that_are_not_googles_are_kept_short() {
    let page = format!("<html>{}</html>", "é".repeat(400));
    let failure = failure_of(502, page.as_bytes());
    assert_eq!(failure.class, Unavailable);
    assert!(failure.message.starts_with("<html>é") && failure.message.len() <= 303, "{}", failure.message);
    assert_eq!(failure_of(403, b"").class, PermissionMissing { permission: None });
    assert_eq!(failure_of(404, b"Not Found").class, BucketMissing);
}

#[test]
fn only_what_can_be_a_permission_is_taken_for_one() {
    for (message, permission) in [
        ("lacks storage.buckets.get.", Some("storage.buckets.get")),
        ("storage.<script>.x@p does not have storage.objects.list access", Some("storage.objects.list")),
        ("storage.googleapis.com says no", None),
        ("storage.objects", None),
        ("no permission", None),
    ] {
        assert_eq!(named_permission(message).as_deref(), permission, "{message}");
    }
    let long = format!("storage.{}.x denied", "a".repeat(100));
    assert_eq!(named_permission(&long), None);
}
