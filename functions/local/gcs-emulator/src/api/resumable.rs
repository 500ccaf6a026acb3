//! Resumable uploads: start, bytes, status, the last bytes, cancel.
//! <https://cloud.google.com/storage/docs/performing-resumable-uploads>

use std::fs::File;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderName, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Allowed, Failure, blocking,
    checksums::Claims,
    incoming::Incoming,
    preconditions::Preconditions,
    range::{ContentRange, Span, content_range},
    resource,
    upload::ObjectBody,
};
use crate::{
    error::{ApiError, Error},
    state::{
        Store,
        objects::{NewObject, ObjectRecord},
        sessions::SessionRecord,
        staged::StagedWriter,
    },
};

pub(super) fn no_upload() -> ApiError {
    ApiError::not_found("No such upload: it was never started, was cancelled, or its object was replaced.")
}

/// Begins an upload. Preconditions are checked here and again at the end; retention only at the end.
pub(super) async fn start(allowed: Allowed, body: &mut Incoming) -> Result<Response, Failure> {
    let preconditions = Preconditions::of(&allowed.call.params)?;
    let mut object: ObjectBody = body.json().await?;
    let name = allowed.object_name(&object)?;
    object.fields.content_type =
        object.fields.content_type.or_else(|| allowed.header("x-upload-content-type"));
    let store = allowed.store();
    let session = SessionRecord {
        bucket: allowed.call.bucket.clone(),
        name,
        fields: object.fields,
        claims: object.claims.and(Claims::of(&allowed.headers)),
        preconditions,
        started_by: allowed.caller.clone(),
        started: store.now(),
        received_bytes: 0,
        crc32c: 0,
    };
    let (bucket, encoded) =
        (session.bucket.clone(), utf8_percent_encode(&session.name, NON_ALPHANUMERIC).to_string());
    let id = blocking(move || {
        let current = match store.object(&session.bucket, &session.name) {
            Ok((record, _)) => Some(record),
            Err(Error::NoObject(..)) => None,
            Err(error) => return Err(ApiError::from(error)),
        };
        session.preconditions.check_write(current.as_ref())?;
        Ok(store.create_session(&session)?)
    })
    .await?;
    let base_url = &allowed.app.base_url;
    let location = format!(
        "{base_url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&name={encoded}&upload_id={id}"
    );
    let headers = [(header::LOCATION, location), (HeaderName::from_static("x-guploader-uploadid"), id)];
    Ok((StatusCode::OK, headers).into_response())
}

/// How an upload stands.
enum Upload {
    UnderWay(SessionRecord, File),
    /// It made this object; a reply that was lost is given again.
    Finished(ObjectRecord),
}

/// Waits for the upload of a request's URL. 404 if its object was replaced since, as its bytes went with it.
fn enter(store: &Store, id: &str, bucket: &str, object: &str) -> Result<Upload, ApiError> {
    if let Some((session, held)) = store.enter_session(id)? {
        return Ok(Upload::UnderWay(session, held));
    }
    store.made_by(id, bucket, object)?.map(Upload::Finished).ok_or_else(no_upload)
}

fn upload_id(allowed: &Allowed) -> Result<String, ApiError> {
    allowed.call.params.get("upload_id").map(str::to_owned).ok_or_else(no_upload)
}

async fn upload(allowed: &Allowed) -> Result<Upload, ApiError> {
    let (id, store) = (upload_id(allowed)?, allowed.store());
    let (bucket, object) = (allowed.call.bucket.clone(), allowed.call.object.clone());
    blocking(move || enter(&store, &id, &bucket, &object)).await
}

/// How far an upload came.
pub(super) async fn status(allowed: Allowed) -> Result<Response, Failure> {
    match upload(&allowed).await? {
        Upload::Finished(record) => made(&allowed, &record),
        Upload::UnderWay(session, _held) => Ok(incomplete(session.received_bytes)),
    }
}

/// Takes the bytes of one request, and makes the object with the last of them.
pub(super) async fn put(allowed: Allowed, body: &mut Incoming) -> Result<Response, Failure> {
    let (id, store) = (upload_id(&allowed)?, allowed.store());
    let done = take(allowed, body).await;
    if let Err(Failure::Refused(refusal)) = &done
        && refusal.is_out_of_storage()
    {
        // Its client begins anew once there is room; kept, these bytes would themselves take what is left of that.
        blocking(move || {
            if let Err(error) = store.end_session(&id) {
                tracing::warn!(%error, "the bytes of an upload that had no room stay behind");
            }
            Ok::<_, ApiError>(())
        })
        .await?;
    }
    done
}

async fn take(allowed: Allowed, body: &mut Incoming) -> Result<Response, Failure> {
    let range = match allowed.headers.get(header::CONTENT_RANGE) {
        Some(value) => Some(content_range(value)?),
        None => None,
    };
    let (id, store) = (upload_id(&allowed)?, allowed.store());
    let (mut session, held) = match upload(&allowed).await? {
        Upload::UnderWay(session, held) => (session, held),
        Upload::Finished(record) => {
            body.drain().await;
            return made(&allowed, &record);
        }
    };
    let mut writer = StagedWriter::resume(store.session_bytes(&id, &session)).await?;
    let received = receive(body, &mut writer, range, session.received_bytes).await;
    let mut staged = writer.finish().await?;
    (session.received_bytes, session.crc32c) = (staged.size_bytes, staged.crc32c);
    // Without a total the end of the body is the end of the object, if the request was to be the last.
    let last = range.is_none_or(ContentRange::is_last);
    let known = range.and_then(|range| range.total);
    let total = known.or((last && received.is_ok()).then_some(session.received_bytes));
    if total.is_some_and(|total| session.received_bytes > total) {
        return Err(ApiError::invalid("More bytes were received than the total size says.").into());
    }
    if total != Some(session.received_bytes) {
        // Of the last bytes nothing is noted: they become the object, or are sent again.
        let received_bytes = session.received_bytes;
        blocking(move || store.save_session(&id, &session)).await?;
        return received.map(|()| incomplete(received_bytes));
    }
    if let Err(refused @ Failure::Refused(_)) = received {
        return Err(refused);
    }
    let claims = session.claims.and(Claims::of(&allowed.headers));
    let new = NewObject {
        bucket: session.bucket,
        name: session.name,
        fields: session.fields,
        claims,
        preconditions: session.preconditions,
        upload_id: Some(id.clone()),
        caller: allowed.caller.clone(),
        may_replace: allowed.may_replace(),
    };
    let record = blocking(move || {
        // Until here nobody else may work on this upload; the lock goes with this closure.
        let _held = held;
        let done = store.commit(new, &mut staged);
        // Refused for good it is over as well, and a hundred megabytes are not kept for nothing.
        if done.as_ref().map_or_else(|refusal| refusal.status.is_client_error(), |_| true) {
            store.remove_session(&id)?;
        }
        done
    })
    .await?;
    // A connection that broke after the last byte makes no difference to the object, only to the reply.
    received?;
    made(&allowed, &record)
}

/// Appends the request's bytes after those that are there. What a client sends again is skipped.
async fn receive(
    body: &mut Incoming,
    writer: &mut StagedWriter,
    range: Option<ContentRange>,
    received_bytes: u64,
) -> Result<(), Failure> {
    // Without a range the body is the whole object.
    let (first, end) = match range.map_or(Span::Rest { first: 0 }, |range| range.span) {
        Span::Nothing => (received_bytes, received_bytes),
        Span::Bytes { first, last } => (first, last + 1),
        Span::Rest { first } => (first, u64::MAX),
    };
    if first > received_bytes {
        return Err(ApiError::invalid(format!(
            "Invalid request. According to the Content-Range header, the upload offset is {first} byte(s), \
             which exceeds already uploaded size of {received_bytes} byte(s)."
        ))
        .into());
    }
    let mut at = first;
    while let Some(mut bytes) = body.next().await? {
        let skip = writer.size_bytes().saturating_sub(at).min(bytes.len() as u64);
        at += bytes.len() as u64;
        if at > end {
            return Err(ApiError::invalid("The body is longer than its Content-Range says.").into());
        }
        let fresh = bytes.split_off(usize::try_from(skip).unwrap_or(usize::MAX));
        writer.write(&fresh).await?;
    }
    Ok(())
}

/// Ends an upload at its client's wish; Google answers 499.
pub(super) async fn cancel(allowed: Allowed) -> Result<Response, Failure> {
    let (id, store) = (upload_id(&allowed)?, allowed.store());
    blocking(move || store.end_session(&id)?.then_some(()).ok_or_else(no_upload)).await?;
    let cancelled = StatusCode::from_u16(499).map_err(|error| ApiError::invalid(error.to_string()))?;
    Ok(cancelled.into_response())
}

fn made(allowed: &Allowed, record: &ObjectRecord) -> Result<Response, Failure> {
    Ok(Json(resource::object(record, allowed.bucket()?, &allowed.app.base_url)).into_response())
}

/// 308 with the bytes that are there; none is said by leaving `Range` out.
fn incomplete(received_bytes: u64) -> Response {
    match received_bytes.checked_sub(1) {
        None => StatusCode::PERMANENT_REDIRECT.into_response(),
        Some(last) => {
            (StatusCode::PERMANENT_REDIRECT, [(header::RANGE, format!("bytes=0-{last}"))]).into_response()
        }
    }
}
