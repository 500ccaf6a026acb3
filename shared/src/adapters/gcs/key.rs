//! What a customer's text must be before it is used as a key.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::unusable;
use crate::{
    domain::{BucketFailure, KeyFacts},
    ports::ServiceAccountKey,
};

/// The parts of a key that we look at; the client reads the rest.
#[derive(Deserialize)]
struct KeyText {
    client_email: String,
    private_key_id: String,
    private_key: String,
}

/// Checks that the text is a service account key and nothing else: other kinds of Google credentials can make
/// the reader fetch addresses or run programs. The text itself is never part of an error.
pub(super) fn parse(key: &ServiceAccountKey) -> Result<Value, BucketFailure> {
    read(key)?;
    serde_json::from_str(key.expose()).map_err(|_| unusable("the text is not JSON"))
}

/// What may be shown of a key.
///
/// # Errors
/// A failure of class `KeyUnusable` that says what is wrong with the text.
pub fn key_facts(key: &ServiceAccountKey, added_at: Timestamp) -> Result<KeyFacts, BucketFailure> {
    let KeyText { client_email, private_key_id, .. } = read(key)?;
    Ok(KeyFacts { client_email, key_id: private_key_id, added_at })
}

fn read(key: &ServiceAccountKey) -> Result<KeyText, BucketFailure> {
    let value: Value = serde_json::from_str(key.expose())
        .map_err(|error| unusable(&format!("the text is not JSON: it breaks at line {}", error.line())))?;
    match value.get("type").and_then(Value::as_str) {
        Some("service_account") => {}
        Some(_) => return Err(unusable("the JSON's `type` is not `service_account`")),
        None => return Err(unusable("the JSON has no `type`")),
    }
    let text = KeyText::deserialize(&value)
        .map_err(|_| unusable("`client_email`, `private_key_id` or `private_key` is missing or no text"))?;
    if text.private_key.contains("BEGIN RSA PRIVATE KEY") {
        return Err(unusable(
            "`private_key` is in the old PKCS#1 form; Google's keys are PKCS#8 (BEGIN PRIVATE KEY)",
        ));
    }
    if !text.private_key.contains("BEGIN PRIVATE KEY") {
        return Err(unusable("`private_key` is no PEM text (BEGIN PRIVATE KEY)"));
    }
    Ok(text)
}
