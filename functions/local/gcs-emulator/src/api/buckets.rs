//! Buckets: get, create, list, delete, and the retention policy.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Allowed, Failure, blocking, incoming::Incoming, resource};
use crate::{
    Role,
    error::ApiError,
    iam::{Policy, permission::*},
    state::buckets::{BucketOptions, BucketRecord, Retention},
};

/// What of a bucket resource a client may set here.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BucketBody {
    name: Option<String>,
    location: Option<String>,
    /// `Some(None)` is an explicit null: take the policy away.
    #[serde(with = "present")]
    retention_policy: Option<Option<RetentionBody>>,
    billing: Option<BillingBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetentionBody {
    /// Seconds; the API writes 64-bit numbers as text, and takes both.
    retention_period: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BillingBody {
    requester_pays: bool,
}

/// Tells a missing member from a null one.
mod present {
    use serde::{Deserialize, Deserializer};

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

impl RetentionBody {
    fn secs(&self) -> Result<u64, ApiError> {
        let number = self.retention_period.as_u64();
        let text = || self.retention_period.as_str().and_then(|text| text.parse().ok());
        number.or_else(text).ok_or_else(|| ApiError::invalid("Invalid value for: Invalid retention period."))
    }
}

/// The account that acts on a project, which only its own accounts may: they hold `permission` there.
fn in_project(allowed: &Allowed, permission: &str) -> Result<(String, String), ApiError> {
    let project = allowed.call.params.get("project").unwrap_or_default();
    if project.is_empty() {
        return Err(ApiError::required("Required parameter: project"));
    }
    match &allowed.account {
        Some(account) if account.project == project => Ok((account.email.clone(), project.to_owned())),
        account => {
            let email = account.as_ref().map(|account| &*account.email);
            Err(ApiError::no_permission(email, permission))
        }
    }
}

pub(super) async fn list(allowed: Allowed) -> Result<Response, Failure> {
    let (_, project) = in_project(&allowed, BUCKETS_LIST)?;
    let store = allowed.store();
    let all = blocking(move || store.buckets()).await?;
    let items: Vec<Value> = all
        .iter()
        .filter(|bucket| bucket.project == project)
        .map(|bucket| resource::bucket(bucket, &allowed.app.base_url))
        .collect();
    Ok(Json(json!({"kind": "storage#buckets", "items": items})).into_response())
}

/// Whoever creates a bucket administers it, as a project's owner would.
pub(super) async fn create(allowed: Allowed, body: &mut Incoming) -> Result<Response, Failure> {
    let (email, project) = in_project(&allowed, BUCKETS_CREATE)?;
    let wanted: BucketBody = body.json().await?;
    let name = wanted.name.ok_or_else(|| ApiError::required("Required parameter: name"))?;
    let retention = wanted.retention_policy.flatten().map(|policy| policy.secs()).transpose()?;
    let defaults = BucketOptions::default();
    let options = BucketOptions {
        project,
        location: wanted.location.map_or(defaults.location, |location| location.to_ascii_uppercase()),
        retention_secs: retention,
        retention_locked: false,
        requester_pays: wanted.billing.unwrap_or_default().requester_pays,
    };
    let mut policy = Policy::default();
    policy.grant(&email, Role::Admin);
    let store = allowed.store();
    let made = blocking(move || store.create_bucket(&name, options, policy)).await?;
    Ok(Json(resource::bucket(&made, &allowed.app.base_url)).into_response())
}

pub(super) fn get(allowed: &Allowed) -> Result<Response, ApiError> {
    Ok(Json(resource::bucket(allowed.bucket()?, &allowed.app.base_url)).into_response())
}

pub(super) async fn update(allowed: Allowed, body: &mut Incoming) -> Result<Response, Failure> {
    let wanted: BucketBody = body.json().await?;
    let period = match wanted.retention_policy {
        None => None,
        Some(policy) => Some(policy.map(|policy| policy.secs()).transpose()?),
    };
    let store = allowed.store();
    let name = allowed.call.bucket.clone();
    let changed = blocking(move || {
        let now = store.now();
        store.update_bucket(&name, |record| {
            if let Some(billing) = wanted.billing {
                record.requester_pays = billing.requester_pays;
            }
            match period {
                None => Ok(()),
                Some(period) => set_retention(record, period, now),
            }
        })
    })
    .await?;
    Ok(Json(resource::bucket(&changed, &allowed.app.base_url)).into_response())
}

/// A locked policy can only be prolonged.
fn set_retention(
    record: &mut BucketRecord,
    period_secs: Option<u64>,
    now: jiff::Timestamp,
) -> Result<(), ApiError> {
    let locked = record.retention.as_ref().filter(|retention| retention.locked);
    if let Some(locked) = locked
        && period_secs.is_none_or(|period_secs| period_secs < locked.period_secs)
    {
        return Err(ApiError::forbidden(format!(
            "Cannot reduce retention duration of a locked Retention Policy for bucket '{}'.",
            record.name
        )));
    }
    let locked = locked.is_some();
    record.retention = period_secs.map(|period_secs| Retention { period_secs, effective: now, locked });
    Ok(())
}

pub(super) async fn lock_retention(allowed: Allowed) -> Result<Response, Failure> {
    let wanted: i64 = allowed
        .call
        .params
        .number("ifMetagenerationMatch")?
        .ok_or_else(|| ApiError::required("Required parameter: ifMetagenerationMatch"))?;
    let store = allowed.store();
    let name = allowed.call.bucket.clone();
    let locked = blocking(move || {
        store.update_bucket(&name, |record| {
            if record.metageneration != wanted {
                return Err(ApiError::condition_not_met("If-Match"));
            }
            match &mut record.retention {
                Some(retention) => retention.locked = true,
                None => return Err(ApiError::invalid("The bucket has no retention policy to lock.")),
            }
            Ok(())
        })
    })
    .await?;
    Ok(Json(resource::bucket(&locked, &allowed.app.base_url)).into_response())
}

pub(super) async fn delete(allowed: Allowed) -> Result<Response, Failure> {
    let store = allowed.store();
    let name = allowed.call.bucket.clone();
    if blocking(move || store.delete_bucket(&name)).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        let message = "The bucket you tried to delete is not empty.";
        Err(ApiError::new(StatusCode::CONFLICT, "conflict", message).into())
    }
}
