//! What can go wrong: `Error` for people who call the crate, `ApiError` for HTTP clients, in Google's own words.

use std::{
    io,
    path::{Path, PathBuf},
};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

/// Why the emulator could not be opened, managed or served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder could not be read or written: look at its permissions and free space.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or folder that was touched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file under `.gcs` is not what the emulator wrote: mend or delete it.
    #[error("{} is damaged ({source}); mend it, or delete it if the bucket can be made anew", path.display())]
    Damaged {
        /// The file that does not parse.
        path: PathBuf,
        /// Where it stopped making sense.
        source: serde_json::Error,
    },
    /// The name breaks the rules for buckets: choose another.
    #[error(
        "'{0}' cannot be a bucket name: use 3 to 63 of a-z, 0-9, '-', '_' and '.', with a letter or digit at both ends"
    )]
    BucketName(String),
    /// The bucket is already there.
    #[error("bucket '{0}' already exists")]
    BucketExists(String),
    /// The bucket is not there: create it first.
    #[error("bucket '{0}' does not exist; create it first")]
    NoBucket(String),
    /// The object is not there.
    #[error("object '{1}' does not exist in bucket '{0}'")]
    NoObject(String, String),
    /// The text cannot be registered as a service account key.
    #[error("not a usable service account key: {0}")]
    Key(&'static str),
    /// No key with this id was ever registered.
    #[error("no key with id '{0}' is registered")]
    NoKey(String),
    /// The folder is on a file system that takes two object names for one.
    #[error("this file system cannot tell object '{0}' from '{1}'; use a case-sensitive folder")]
    NameClash(String, String),
}

impl Error {
    /// Puts the path that was touched to an I/O error; for `map_err`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// The result of managing the emulator.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal as the JSON API publishes it: status, reason and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// The header that the refusal is about, where Google names one.
    header: Option<&'static str>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into(), header: None }
    }

    fn about(self, header: &'static str) -> Self {
        Self { header: Some(header), ..self }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    pub(crate) fn required(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "required", message)
    }

    pub(crate) fn invalid_credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authError", "Invalid Credentials").about("Authorization")
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// `caller` lacks `permission`. An anonymous caller gets 401: with a key it might go on.
    pub(crate) fn no_permission(caller: Option<&str>, permission: &str) -> Self {
        let kind = if permission.contains(".buckets.") { "bucket" } else { "object" };
        let (status, reason, who) = match caller {
            Some(email) => (StatusCode::FORBIDDEN, "forbidden", email),
            None => (StatusCode::UNAUTHORIZED, "required", "Anonymous caller"),
        };
        let refused = Self::new(
            status,
            reason,
            format!(
                "{who} does not have {permission} access to the Google Cloud Storage {kind}. \
                 Permission '{permission}' denied on resource (or it may not exist)."
            ),
        );
        if caller.is_none() { refused.about("Authorization") } else { refused }
    }

    pub(crate) fn no_bucket() -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", "The specified bucket does not exist.")
    }

    pub(crate) fn no_object(bucket: &str, object: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", format!("No such object: {bucket}/{object}"))
    }

    pub(crate) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", message)
    }

    pub(crate) fn condition_not_met(header: &'static str) -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "conditionNotMet",
            "At least one of the pre-conditions you specified did not hold.",
        )
        .about(header)
    }

    pub(crate) fn retained(bucket: &str, object: &str, until: Timestamp) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "retentionPolicyNotMet",
            format!(
                "Object '{bucket}/{object}' is subject to bucket's retention policy or object retention \
                 and cannot be deleted or overwritten until {until}"
            ),
        )
    }

    /// `hold` is "Temporary" or "Event-Based".
    pub(crate) fn held(bucket: &str, object: &str, hold: &str) -> Self {
        Self::forbidden(format!(
            "Object '{bucket}/{object}' is under active {hold} hold and cannot be deleted, overwritten \
             or archived until hold is removed."
        ))
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "backendError",
            "We encountered an internal error. Please try again.",
        )
    }

    pub(crate) fn too_many_requests() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rateLimitExceeded",
            "The rate of requests exceeds the limit. Please reduce your request rate.",
        )
    }

    pub(crate) fn billing_disabled() -> Self {
        let message = "The billing account for the owning project is disabled in state absent";
        Self::new(StatusCode::FORBIDDEN, "accountDisabled", message).about("Authorization")
    }

    pub(crate) fn api_disabled() -> Self {
        let message = "Cloud Storage API has not been used in project 80844 before or it is disabled. Enable it, then \
                       retry.";
        Self::new(StatusCode::FORBIDDEN, "accessNotConfigured", message)
    }

    pub(crate) fn requester_pays() -> Self {
        let message = "Bucket is a requester pays bucket but no user project provided.";
        Self::new(StatusCode::BAD_REQUEST, "UserProjectMissing", message)
    }

    pub(crate) fn kms_denied() -> Self {
        Self::forbidden(
            "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been \
             authorized to use this key.",
        )
    }

    pub(crate) fn org_policy() -> Self {
        Self::forbidden(
            "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: emulated",
        )
    }

    pub(crate) fn org_constraint() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "conditionNotMet",
            "Request violates constraint 'constraints/storage.retentionPolicySeconds'",
        )
    }

    /// Google's disks do not fill up; this one can.
    pub(crate) fn disk_full() -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "insufficientStorage",
            "The disk under the emulator's folder is full. Free some space, then try again.",
        )
    }

    /// The folder cannot be written; `what` names the file and says why.
    pub(crate) fn read_only(what: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "readOnlyStorage",
            format!("The emulator's folder cannot be written. Make it writable, then try again: {what}"),
        )
    }

    /// Whether nothing can be stored until somebody mends the disk under the folder.
    pub(crate) fn is_out_of_storage(&self) -> bool {
        self.status == StatusCode::INSUFFICIENT_STORAGE
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Io { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
                ) =>
            {
                Self::disk_full()
            }
            Error::Io { ref source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
                ) =>
            {
                Self::read_only(error)
            }
            Error::NoBucket(_) => Self::no_bucket(),
            Error::NoObject(bucket, object) => Self::no_object(&bucket, &object),
            Error::BucketName(name) => Self::invalid(format!("Invalid bucket name: '{name}'")),
            Error::BucketExists(_) => Self::new(
                StatusCode::CONFLICT,
                "conflict",
                "Your previous request to create the named bucket succeeded and you already own it.",
            ),
            Error::Io { .. }
            | Error::Damaged { .. }
            | Error::Key(_)
            | Error::NoKey(_)
            | Error::NameClash(..) => {
                tracing::error!(%error, "the emulator's folder cannot be used");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internalError", error.to_string())
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut item = json!({"message": self.message, "domain": "global", "reason": self.reason});
        if let Some(header) = self.header {
            item["locationType"] = json!("header");
            item["location"] = json!(header);
        }
        let body =
            json!({"error": {"code": self.status.as_u16(), "message": self.message, "errors": [item]}});
        (self.status, Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_says_is_passed_on() {
        let reason = |kind: io::ErrorKind| {
            let refusal = ApiError::from(Error::io(Path::new("/buckets/files"))(kind.into()));
            (refusal.status.as_u16(), refusal.reason, refusal.message.contains("/buckets/files"))
        };
        assert_eq!(reason(io::ErrorKind::StorageFull), (507, "insufficientStorage", false));
        assert_eq!(reason(io::ErrorKind::QuotaExceeded), (507, "insufficientStorage", false));
        assert_eq!(reason(io::ErrorKind::ReadOnlyFilesystem), (507, "readOnlyStorage", true));
        assert_eq!(reason(io::ErrorKind::PermissionDenied), (507, "readOnlyStorage", true));
        assert_eq!(reason(io::ErrorKind::Other), (500, "internalError", true));
    }
}
