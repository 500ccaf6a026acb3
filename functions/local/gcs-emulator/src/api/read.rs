//! An object's bytes: whole or a range, streamed from its file.

use axum::{body::Body, response::Response};
use bytes::{Bytes, BytesMut};
use futures::stream;
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::{
    fs::File,
    io::{self, AsyncReadExt, AsyncSeekExt},
};

use super::{
    Allowed, Failure, blocking,
    checksums::encode_crc32c,
    incoming::Disturbance,
    objects::check_generation,
    preconditions::Preconditions,
    range::{Slice, slice},
    resource::etag,
};
use crate::{
    error::{ApiError, Error},
    state::objects::ObjectRecord,
};

/// Bytes read from the disk at a time.
const BLOCK_BYTES: usize = 64 << 10;

pub(super) async fn read(allowed: Allowed) -> Result<Response, Failure> {
    let conditions = Preconditions::of(&allowed.call.params)?;
    let (store, call) = (allowed.store(), allowed.call.clone());
    let (record, file) = blocking(move || store.object(&call.bucket, &call.object)).await?;
    check_generation(&allowed.call, &record)?;
    conditions.check_read(&record)?;
    let size = record.size_bytes;
    let mut response = Response::new(Body::empty());
    let (first, len) = match slice(allowed.headers.get(header::RANGE), size) {
        Slice::Whole => (0, size),
        Slice::Part { first, len } => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(&mut response, header::CONTENT_RANGE, &format!("bytes {first}-{}/{size}", first + len - 1));
            (first, len)
        }
        Slice::Outside => {
            let refusal = ApiError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "requestedRangeNotSatisfiable",
                "Request range not satisfiable",
            );
            let mut response = axum::response::IntoResponse::into_response(refusal);
            set(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(response);
        }
    };
    set_headers(&mut response, &record, len);
    let mut file = File::from_std(file);
    let path = allowed.app.emulator.object_path(&allowed.call.bucket, &allowed.call.object);
    file.seek(io::SeekFrom::Start(first)).await.map_err(Error::io(&path))?;
    *response.body_mut() = stream(file, len, Disturbance::of(allowed.strike));
    Ok(response)
}

fn stream(file: File, len: u64, disturbance: Disturbance) -> Body {
    let blocks =
        stream::try_unfold((file, len, disturbance), |(mut file, left, mut disturbance)| async move {
            if left == 0 {
                return Ok::<_, io::Error>(None);
            }
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK_BYTES);
            let mut block = BytesMut::zeroed(want);
            let got = file.read(&mut block).await?;
            block.truncate(got);
            let bytes: Bytes = disturbance.pass(block.freeze()).await;
            if bytes.is_empty() {
                // A fault, or a file that somebody cut while we read it: the client must not take it for whole.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let left = left - bytes.len() as u64;
            Ok(Some((bytes, (file, left, disturbance))))
        });
    Body::from_stream(blocks)
}

fn set_headers(response: &mut Response, record: &ObjectRecord, len: u64) {
    let fields = &record.fields;
    let content_type = fields.content_type.as_deref().unwrap_or("application/octet-stream");
    let stored_encoding = fields.content_encoding.as_deref().unwrap_or("identity");
    let storage_class = fields.storage_class.as_deref().unwrap_or("STANDARD");
    for (name, value) in [
        ("content-type", content_type),
        ("content-length", &*len.to_string()),
        ("accept-ranges", "bytes"),
        ("etag", &*etag(record.generation, record.metageneration)),
        ("x-goog-generation", &*record.generation.to_string()),
        ("x-goog-metageneration", &*record.metageneration.to_string()),
        ("x-goog-stored-content-length", &*record.size_bytes.to_string()),
        ("x-goog-stored-content-encoding", stored_encoding),
        ("x-goog-hash", &*format!("crc32c={}", encode_crc32c(record.crc32c))),
        ("x-goog-storage-class", storage_class),
    ] {
        set(response, HeaderName::from_static(name), value);
    }
    for (name, value) in [
        (header::CONTENT_ENCODING, &fields.content_encoding),
        (header::CONTENT_DISPOSITION, &fields.content_disposition),
        (header::CONTENT_LANGUAGE, &fields.content_language),
        (header::CACHE_CONTROL, &fields.cache_control),
    ] {
        if let Some(value) = value {
            set(response, name, value);
        }
    }
    for (key, value) in &fields.metadata {
        if let Ok(name) = HeaderName::try_from(format!("x-goog-meta-{key}")) {
            set(response, name, value);
        }
    }
}

/// Sets a header; a value that a header cannot carry (metadata may hold anything) is left out.
fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
