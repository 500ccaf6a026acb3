//! The object exists already: is it ours?

use super::trouble::Trouble;
use crate::{
    domain::{BucketFailure, Chunk, FailureClass, Intent, Side, Written},
    ports::BucketHandle,
    steps::Parts,
};

/// Finds the intent that made the object. An attempt of ours that was killed after its upload, or a version of us
/// that encodes other bytes, left one. Without permission to look, all intents must agree.
pub(super) async fn settle(
    parts: &Parts,
    chunk: &Chunk,
    bucket: &dyn BucketHandle,
) -> Result<Written, Trouble> {
    // The chunk as it is now: this very attempt may have stored an intent.
    let now = parts.store.chunk(chunk.key()).await?;
    let intents = now.as_ref().map(Chunk::intents).unwrap_or_default();
    let name = chunk.object_name();
    let matching = match bucket.facts(&name).await {
        Ok(Some(facts)) => {
            intents.iter().find(|intent| (intent.crc32c, intent.bytes) == (facts.crc32c, facts.bytes))
        }
        // Gone between the two questions: it was not ours to look at, and the name is free again.
        Ok(None) => return Err(Trouble::Passing(format!("{name} was there and is gone"))),
        Err(failure) if matches!(failure.class, FailureClass::PermissionMissing { .. }) => agreed(intents),
        Err(failure) if failure.class.side() == Side::Passing => {
            return Err(Trouble::Passing(failure.to_string()));
        }
        Err(failure) => return Err(Trouble::Bucket(failure)),
    };
    match matching {
        Some(intent) => {
            Ok(Written { object: Some(intent.clone()), deleted_profiles: intent.deleted_profiles })
        }
        None => {
            let message = format!("object {name}");
            Err(Trouble::Bucket(BucketFailure { class: FailureClass::NameTaken, http_status: None, message }))
        }
    }
}

/// The intent, where there is one and no other.
fn agreed(intents: &[Intent]) -> Option<&Intent> {
    match intents {
        [only] => Some(only),
        _ => None,
    }
}
