//! One object's metadata: get, change, delete.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Map, Value};

use super::{Allowed, Failure, blocking, incoming::Incoming, preconditions::Preconditions, resource};
use crate::{
    call::Call,
    error::ApiError,
    state::objects::{Fields, ObjectRecord},
};

/// 404 if the request names a generation that is not the object's: there are no old versions here.
pub(super) fn check_generation(call: &Call, record: &ObjectRecord) -> Result<(), ApiError> {
    match call.params.number::<i64>("generation")? {
        Some(wanted) if wanted != record.generation => {
            Err(ApiError::no_object(&call.bucket, &format!("{}#{wanted}", call.object)))
        }
        _ => Ok(()),
    }
}

pub(super) async fn metadata(allowed: Allowed) -> Result<Response, Failure> {
    let conditions = Preconditions::of(&allowed.call.params)?;
    let (store, call) = (allowed.store(), allowed.call.clone());
    let (record, _) = blocking(move || store.object(&call.bucket, &call.object)).await?;
    check_generation(&allowed.call, &record)?;
    conditions.check_read(&record)?;
    Ok(Json(resource::object(&record, allowed.bucket()?, &allowed.app.base_url)).into_response())
}

/// `PATCH`: a JSON merge patch over the fields that can be set.
pub(super) async fn update(allowed: Allowed, body: &mut Incoming) -> Result<Response, Failure> {
    let conditions = Preconditions::of(&allowed.call.params)?;
    let patch: Map<String, Value> = body.json().await?;
    let (store, call) = (allowed.store(), allowed.call.clone());
    let record = blocking(move || {
        store.update_object(&call.bucket, &call.object, &conditions, |fields| patched(fields, patch))
    })
    .await?;
    Ok(Json(resource::object(&record, allowed.bucket()?, &allowed.app.base_url)).into_response())
}

fn patched(fields: Fields, patch: Map<String, Value>) -> Result<Fields, ApiError> {
    let invalid = |error: serde_json::Error| ApiError::invalid(error.to_string());
    let mut value = serde_json::to_value(fields).map_err(invalid)?;
    merge(&mut value, Value::Object(patch));
    serde_json::from_value(value).map_err(invalid)
}

/// RFC 7396.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().map(|members| members.remove(&key));
        } else {
            merge(&mut target[key], value);
        }
    }
}

pub(super) async fn delete(allowed: Allowed) -> Result<Response, Failure> {
    let conditions = Preconditions::of(&allowed.call.params)?;
    let store = allowed.store();
    blocking(move || {
        let call = &allowed.call;
        if call.params.get("generation").is_some() {
            check_generation(call, &store.object(&call.bucket, &call.object)?.0)?;
        }
        store.delete_object(&call.bucket, &call.object, &conditions)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names() {
        let metadata = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
        let before = Fields {
            content_type: Some("text/csv".into()),
            cache_control: Some("no-store".into()),
            metadata: metadata.into(),
            ..Fields::default()
        };
        let patch = json!({"cacheControl": null, "metadata": {"a": null, "c": "3"}, "temporaryHold": true});
        let Value::Object(patch) = patch else { unreachable!() };
        let after = patched(before, patch).unwrap();
        assert_eq!(after.content_type.as_deref(), Some("text/csv"));
        assert_eq!(after.cache_control, None);
        assert_eq!(after.metadata.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert!(after.temporary_hold);
    }
}
