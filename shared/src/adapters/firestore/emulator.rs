//! Who we are to the emulator: its owner. To nobody in particular it refuses to write many documents at once.

use firestore::gcloud_sdk::google_cloud_auth::{
    credentials::{CacheableResource, Credentials, CredentialsProvider, EntityTag},
    errors::CredentialsError,
};
use http::{Extensions, HeaderMap, HeaderValue, header::AUTHORIZATION};

/// The words that Google's emulators take for a token.
const OWNER: HeaderValue = HeaderValue::from_static("Bearer owner");

#[derive(Debug)]
struct Owner {
    /// Of the one answer there is, so that it is asked for once.
    tag: EntityTag,
}

impl CredentialsProvider for Owner {
    async fn headers(
        &self,
        extensions: Extensions,
    ) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        if extensions.get::<EntityTag>() == Some(&self.tag) {
            return Ok(CacheableResource::NotModified);
        }
        let data = HeaderMap::from_iter([(AUTHORIZATION, OWNER)]);
        Ok(CacheableResource::New { entity_tag: self.tag.clone(), data })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}

/// The emulator's owner.
pub(super) fn owner() -> Credentials {
    Credentials::from(Owner { tag: EntityTag::new() })
}
