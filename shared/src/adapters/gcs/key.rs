//! What a customer's text must be before it is used as a key.

use serde_json::Value;

use super::unusable;
use crate::{
    domain::{BucketFailure, KeyFault, key_text},
    ports::ServiceAccountKey,
};

/// Checks that the text is a service account key and nothing else: other kinds of Google credentials can make
/// the reader fetch addresses or run programs. The text itself is never part of an error.
///
/// The client takes what is returned and keeps it for as long as the bucket is open; it does not wipe it.
pub(super) fn parse(key: &ServiceAccountKey) -> Result<Value, BucketFailure> {
    key_text::read(key.expose()).map_err(refused)?;
    serde_json::from_str(key_text::trimmed(key.expose())).map_err(|_| unusable("the text is not JSON"))
}

fn refused(fault: KeyFault) -> BucketFailure {
    unusable(&fault.wrong())
}
