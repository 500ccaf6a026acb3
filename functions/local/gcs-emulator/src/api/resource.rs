//! Buckets and objects as the JSON API writes them.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::checksums::encode_crc32c;
use crate::state::{
    buckets::{BucketRecord, Retention},
    objects::ObjectRecord,
};

/// RFC 3339 with milliseconds, as Google writes it.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Changes with each write of data or metadata.
pub(super) fn etag(generation: i64, metageneration: i64) -> String {
    BASE64_STANDARD.encode(format!("{generation}/{metageneration}"))
}

/// A bucket resource. <https://cloud.google.com/storage/docs/json_api/v1/buckets>
pub(super) fn bucket(record: &BucketRecord, base_url: &str) -> Value {
    let mut value = json!({
        "kind": "storage#bucket",
        "id": record.name,
        "name": record.name,
        "selfLink": format!("{base_url}/storage/v1/b/{}", record.name),
        "projectNumber": "100000000000",
        "location": record.location,
        "locationType": "region",
        "storageClass": "STANDARD",
        "etag": etag(0, record.metageneration),
        "metageneration": record.metageneration.to_string(),
        "timeCreated": time(record.created),
        "updated": time(record.updated),
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": true},
            "publicAccessPrevention": "inherited",
        },
    });
    if let Some(retention) = &record.retention {
        value["retentionPolicy"] = json!({
            "retentionPeriod": retention.period_secs.to_string(),
            "effectiveTime": time(retention.effective),
            "isLocked": retention.locked,
        });
    }
    if record.requester_pays {
        value["billing"] = json!({"requesterPays": true});
    }
    value
}

/// An object resource. <https://cloud.google.com/storage/docs/json_api/v1/objects>
pub(super) fn object(record: &ObjectRecord, bucket: &BucketRecord, base_url: &str) -> Value {
    let (name, generation, fields) = (&record.name, record.generation, &record.fields);
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let path = format!("b/{}/o/{encoded}", bucket.name);
    let mut value = json!({
        "kind": "storage#object",
        "id": format!("{}/{name}/{generation}", bucket.name),
        "selfLink": format!("{base_url}/storage/v1/{path}"),
        "mediaLink": format!("{base_url}/download/storage/v1/{path}?generation={generation}&alt=media"),
        "name": name,
        "bucket": bucket.name,
        "generation": generation.to_string(),
        "metageneration": record.metageneration.to_string(),
        "contentType": fields.content_type.as_deref().unwrap_or("application/octet-stream"),
        "storageClass": fields.storage_class.as_deref().unwrap_or("STANDARD"),
        "size": record.size_bytes.to_string(),
        "crc32c": encode_crc32c(record.crc32c),
        "etag": etag(generation, record.metageneration),
        "timeCreated": time(record.created),
        "updated": time(record.updated),
        "timeStorageClassUpdated": time(record.created),
        "timeFinalized": time(record.created),
    });
    for (key, text) in [
        ("contentEncoding", &fields.content_encoding),
        ("contentDisposition", &fields.content_disposition),
        ("contentLanguage", &fields.content_language),
        ("cacheControl", &fields.cache_control),
        ("customTime", &fields.custom_time),
    ] {
        if let Some(text) = text {
            value[key] = json!(text);
        }
    }
    for (key, held) in [("temporaryHold", fields.temporary_hold), ("eventBasedHold", fields.event_based_hold)]
    {
        if held {
            value[key] = json!(true);
        }
    }
    if !fields.metadata.is_empty() {
        value["metadata"] = json!(fields.metadata);
    }
    if let Some(until) = bucket.retention.as_ref().map(|kept: &Retention| kept.until(record.created)) {
        value["retentionExpirationTime"] = json!(time(until));
    }
    value
}
