//! The object exists already: is it ours?

use super::trouble::Trouble;
use crate::{
    domain::{BucketFailure, Chunk, FailureClass, Intent, Side, Written},
    ports::BucketHandle,
    steps::Parts,
};

/// The object was said to exist. Finds the intent that made it: an attempt of ours that was killed after its
/// upload, or a version of us that encodes other bytes, left one.
pub(super) async fn settle(
    parts: &Parts,
    chunk: &Chunk,
    bucket: &dyn BucketHandle,
) -> Result<Written, Trouble> {
    let name = chunk.object_name();
    match settle_existing(parts, chunk, bucket, agreed).await? {
        Some(written) => Ok(written),
        // Gone between the two questions: it was not ours to look at, and the name is free again.
        None => Err(Trouble::Passing(format!("{name} was there and is gone"))),
    }
}

/// What the object of this name is, by our intents; none where there is no object. Without permission to look,
/// `unseen` decides.
pub(super) async fn settle_existing(
    parts: &Parts,
    chunk: &Chunk,
    bucket: &dyn BucketHandle,
    unseen: fn(&[Intent]) -> Option<&Intent>,
) -> Result<Option<Written>, Trouble> {
    // The chunk as it is now: this very attempt may have stored an intent.
    let now = parts.store.chunk(chunk.key()).await?;
    let intents = now.as_ref().map(Chunk::intents).unwrap_or_default();
    let name = chunk.object_name();
    let matching = match bucket.facts(&name).await {
        Ok(Some(facts)) => {
            intents.iter().find(|intent| (intent.crc32c, intent.bytes) == (facts.crc32c, facts.bytes))
        }
        Ok(None) => return Ok(None),
        Err(failure) if matches!(failure.class, FailureClass::PermissionMissing { .. }) => unseen(intents),
        Err(failure) if failure.class.side() == Side::Passing => {
            return Err(Trouble::Passing(failure.to_string()));
        }
        Err(failure) => return Err(Trouble::Bucket(failure)),
    };
    match matching {
        Some(intent) => {
            let deleted_profiles = intent.deleted_profiles;
            Ok(Some(Written { object: Some(intent.clone()), deleted_profiles }))
        }
        None => {
            let message = format!("object {name}");
            Err(Trouble::Bucket(BucketFailure { class: FailureClass::NameTaken, http_status: None, message }))
        }
    }
}

/// The intent, where there is one and no other: enough where Google says that the object exists.
fn agreed(intents: &[Intent]) -> Option<&Intent> {
    match intents {
        [only] => Some(only),
        _ => None,
    }
}
