//! A bucket's IAM over HTTP: get, set, test.

use std::collections::BTreeSet;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Allowed, Failure, blocking, incoming::Incoming, resource::etag};
use crate::{Role, error::ApiError, iam::Policy, state::buckets::BucketRecord};

#[derive(Default, Deserialize)]
#[serde(default)]
struct PolicyBody {
    bindings: Vec<Binding>,
}

#[derive(Deserialize)]
struct Binding {
    role: Role,
    members: BTreeSet<String>,
}

fn body(bucket: &BucketRecord) -> Value {
    let bindings: Vec<Value> = bucket
        .policy
        .bindings
        .iter()
        .map(|(role, members)| json!({"role": role, "members": members}))
        .collect();
    json!({
        "kind": "storage#policy",
        "resourceId": format!("projects/_/buckets/{}", bucket.name),
        "version": 1,
        "etag": etag(0, bucket.metageneration),
        "bindings": bindings,
    })
}

pub(super) fn get(allowed: &Allowed) -> Result<Response, ApiError> {
    Ok(Json(body(allowed.bucket()?)).into_response())
}

/// Replaces the policy. Roles that the emulator does not know are refused, as they would grant nothing.
pub(super) async fn set(allowed: Allowed, incoming: &mut Incoming) -> Result<Response, Failure> {
    let wanted: PolicyBody = incoming.json().await?;
    let mut policy = Policy::default();
    for Binding { role, members } in wanted.bindings {
        policy.bindings.entry(role).or_default().extend(members);
    }
    let store = allowed.store();
    let name = allowed.call.bucket.clone();
    let changed = blocking(move || {
        store.update_bucket(&name, |record| {
            record.policy = policy;
            Ok::<_, ApiError>(())
        })
    })
    .await?;
    Ok(Json(body(&changed)).into_response())
}

/// Which of the permissions asked for the caller holds; asking takes none.
pub(super) fn test(allowed: &Allowed) -> Result<Response, ApiError> {
    let policy = &allowed.bucket()?.policy;
    let held: Vec<&str> = allowed
        .call
        .params
        .all("permissions")
        .filter(|permission| policy.allows(allowed.caller.as_deref(), permission))
        .collect();
    let mut answer = json!({"kind": "storage#testIamPermissionsResponse"});
    // Google leaves the member out when there is nothing in it.
    if !held.is_empty() {
        answer["permissions"] = json!(held);
    }
    Ok(Json(answer).into_response())
}
