//! The form of a bucket, as it was sent: its key may be pasted or a file. The key is wiped when it is dropped.

use axum::extract::{FromRequest, Multipart, Request};
use spillway::{domain::BucketId, ports::ServiceAccountKey, steps::BucketProposal};

use crate::problem::{Problem, ProblemKind};

/// What was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) nickname: String,
    pub(super) bucket_name: String,
    key: String,
    key_file: String,
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let unreadable = |error: &dyn std::fmt::Display| {
            Problem::new(
                ProblemKind::MalformedRequest,
                format!("The form cannot be read: {error}. Send it again."),
            )
        };
        let mut form = Multipart::from_request(request, state).await.map_err(|error| unreadable(&error))?;
        let mut sent = Self::default();
        while let Some(field) = form.next_field().await.map_err(|error| unreadable(&error))? {
            let place = match field.name() {
                Some("nickname") => &mut sent.nickname,
                Some("bucket_name") => &mut sent.bucket_name,
                Some("key") => &mut sent.key,
                Some("key_file") => &mut sent.key_file,
                _ => continue,
            };
            // A file that is no text is no key; the rules say so.
            let bytes = field.bytes().await.map_err(|error| unreadable(&error))?;
            *place = String::from_utf8_lossy(&bytes).into_owned();
        }
        Ok(sent)
    }
}

impl Sent {
    /// What is proposed; a file counts where nothing was pasted. `replaces` is the bucket whose key it is.
    pub(super) fn into_proposal(self, replaces: Option<&str>) -> BucketProposal {
        let key = if self.key.trim().is_empty() { self.key_file } else { self.key };
        BucketProposal {
            nickname: BucketId(replaces.map_or(self.nickname, ToOwned::to_owned)),
            bucket_name: if replaces.is_some() { String::new() } else { self.bucket_name },
            key: ServiceAccountKey::new(key),
            replaces: replaces.is_some(),
        }
    }
}
