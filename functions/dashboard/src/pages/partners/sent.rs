//! The form of a bucket, as it was sent: its key may be pasted or a file. Our copies of the key are wiped when they are
//! dropped, and cannot be printed; the buffers of the connection, from which they are read, are the server's.

use axum::extract::{FromRequest, Multipart, Request};
use spillway::{domain::BucketId, ports::ServiceAccountKey, steps::BucketProposal};

use crate::problem::{Problem, ProblemKind};

/// What was sent.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) nickname: String,
    pub(super) bucket_name: String,
    key: Option<ServiceAccountKey>,
    key_file: Option<ServiceAccountKey>,
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
            let name = field.name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(|error| unreadable(&error))?;
            // A file that is no text is no key; the rules say so.
            let text = || String::from_utf8_lossy(&bytes).into_owned();
            match name.as_str() {
                "nickname" => sent.nickname = text(),
                "bucket_name" => sent.bucket_name = text(),
                "key" => sent.key = Some(ServiceAccountKey::new(text())),
                "key_file" => sent.key_file = Some(ServiceAccountKey::new(text())),
                _ => {}
            }
        }
        Ok(sent)
    }
}

impl Sent {
    /// What is proposed; a file counts where nothing was pasted. `replaces` is the bucket whose key it is.
    pub(super) fn into_proposal(self, replaces: Option<&str>) -> BucketProposal {
        let pasted = self.key.filter(|key| !key.expose().trim().is_empty());
        let key = pasted.or(self.key_file).unwrap_or_else(|| ServiceAccountKey::new(String::new()));
        BucketProposal {
            nickname: BucketId(replaces.map_or(self.nickname, ToOwned::to_owned)),
            bucket_name: if replaces.is_some() { String::new() } else { self.bucket_name },
            key,
            replaces: replaces.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(pasted: Option<&str>, file: Option<&str>) -> BucketProposal {
        let key = |text: Option<&str>| text.map(|text| ServiceAccountKey::new(text.to_owned()));
        Sent { key: key(pasted), key_file: key(file), ..Sent::default() }.into_proposal(None)
    }

    #[test]
    fn a_file_counts_where_nothing_was_pasted() {
        for (pasted, file, counts) in [
            (Some("pasted"), Some("file"), "pasted"),
            (Some(" \n"), Some("file"), "file"),
            (None, Some("file"), "file"),
            (Some("pasted"), None, "pasted"),
            (Some(""), None, ""),
            (None, None, ""),
        ] {
            assert_eq!(key(pasted, file).key.expose(), counts, "{pasted:?} {file:?}");
        }
    }

    #[test]
    fn what_was_sent_cannot_be_printed_with_its_key() {
        let shown = format!("{:?}", key(Some("a secret"), None));
        assert!(shown.contains("ServiceAccountKey(…)") && !shown.contains("a secret"), "{shown}");
    }
}
