//! What a customer's text must be before it is used as a key.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{
    error::Category,
    value::{RawValue, Value},
};

use super::unusable;
use crate::{
    domain::{BucketFailure, KeyFacts},
    ports::ServiceAccountKey,
};

/// The members of a key's JSON, as they stand in its text: looking at them makes no copy of the secret.
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Checks that the text is a service account key and nothing else: other kinds of Google credentials can make
/// the reader fetch addresses or run programs. The text itself is never part of an error.
///
/// The client takes what is returned and keeps it for as long as the bucket is open; it does not wipe it.
pub(super) fn parse(key: &ServiceAccountKey) -> Result<Value, BucketFailure> {
    read(key)?;
    serde_json::from_str(key.expose()).map_err(|_| unusable("the text is not JSON"))
}

/// What may be shown of a key.
///
/// # Errors
/// A failure of class `KeyUnusable` that says what is wrong with the text.
pub fn key_facts(key: &ServiceAccountKey, added_at: Timestamp) -> Result<KeyFacts, BucketFailure> {
    let (client_email, key_id) = read(key)?;
    Ok(KeyFacts { client_email, key_id, added_at })
}

/// The account's e-mail and the key's id.
fn read(key: &ServiceAccountKey) -> Result<(String, String), BucketFailure> {
    let members: Members<'_> =
        serde_json::from_str(key.expose()).map_err(|error| match error.classify() {
            // Some other JSON than an object.
            Category::Data => unusable("the JSON has no `type`"),
            _ => unusable(&format!("the text is not JSON: it breaks at line {}", error.line())),
        })?;
    let text = |name: &str| -> Option<String> { serde_json::from_str(members.get(name)?.get()).ok() };
    match text("type").as_deref() {
        Some("service_account") => {}
        Some(_) => return Err(unusable("the JSON's `type` is not `service_account`")),
        None => return Err(unusable("the JSON has no `type`")),
    }
    let secret = members.get("private_key").map(|raw| raw.get()).filter(|raw| raw.starts_with('"'));
    let (Some(email), Some(id), Some(secret)) = (text("client_email"), text("private_key_id"), secret) else {
        return Err(unusable("`client_email`, `private_key_id` or `private_key` is missing or no text"));
    };
    if secret.contains("BEGIN RSA PRIVATE KEY") {
        return Err(unusable(
            "`private_key` is in the old PKCS#1 form; Google's keys are PKCS#8 (BEGIN PRIVATE KEY)",
        ));
    }
    if !secret.contains("BEGIN PRIVATE KEY") {
        return Err(unusable("`private_key` is no PEM text (BEGIN PRIVATE KEY)"));
    }
    Ok((email, id))
}
