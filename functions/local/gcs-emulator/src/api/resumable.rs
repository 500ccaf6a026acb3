//! Resumable uploads: start, bytes, status, the last bytes, cancel.
//! <https://cloud.google.com/storage/docs/performing-resumable-uploads>

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
    range::{ContentRange, content_range},
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

fn no_upload() -> ApiError {
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

/// The object that the upload made, if it is through: so a reply that was lost is given again.
fn finished(store: &Store, id: &str, session: &SessionRecord) -> Result<Option<ObjectRecord>, Error> {
    match store.object(&session.bucket, &session.name) {
        Ok((record, _)) => Ok(Some(record).filter(|record| record.upload_id.as_deref() == Some(id))),
        Err(Error::NoObject(..)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn upload_id(allowed: &Allowed) -> Result<String, ApiError> {
    allowed.call.params.get("upload_id").map(str::to_owned).ok_or_else(no_upload)
}

/// How far an upload came.
pub(super) async fn status(allowed: Allowed) -> Result<Response, Failure> {
    let (id, store) = (upload_id(&allowed)?, allowed.store());
    let (session, finished) = blocking(move || {
        let (session, _held) = store.enter_session(&id)?.ok_or_else(no_upload)?;
        let finished = finished(&store, &id, &session)?;
        Ok::<_, ApiError>((session, finished))
    })
    .await?;
    match finished {
        Some(record) => made(&allowed, &record),
        None => Ok(incomplete(session.received_bytes)),
    }
}

/// Takes the bytes of one request, and makes the object with the last of them.
pub(super) async fn put(allowed: Allowed, body: &mut Incoming) -> Result<Response, Failure> {
    let range = match allowed.headers.get(header::CONTENT_RANGE) {
        Some(value) => Some(content_range(value)?),
        None => None,
    };
    let (id, store) = (upload_id(&allowed)?, allowed.store());
    let entering = (store.clone(), id.clone());
    let (mut session, held, before) = blocking(move || {
        let (store, id) = entering;
        let (session, held) = store.enter_session(&id)?.ok_or_else(no_upload)?;
        let finished = finished(&store, &id, &session)?;
        Ok::<_, ApiError>((session, held, finished))
    })
    .await?;
    if let Some(record) = before {
        body.drain().await;
        return made(&allowed, &record);
    }
    let mut writer = StagedWriter::resume(store.session_bytes(&id, &session)).await?;
    let received = receive(body, &mut writer, range, session.received_bytes).await;
    let mut staged = writer.finish().await?;
    (session.received_bytes, session.crc32c) = (staged.size_bytes, staged.crc32c);
    let saving = (store.clone(), id.clone(), session.clone());
    blocking(move || saving.0.save_session(&saving.1, &saving.2)).await?;
    received?;
    let total = match range {
        Some(range) => range.total,
        None => Some(session.received_bytes),
    };
    if total.is_some_and(|total| session.received_bytes > total) {
        return Err(ApiError::invalid("More bytes were received than the total size says.").into());
    }
    if total != Some(session.received_bytes) {
        return Ok(incomplete(session.received_bytes));
    }
    let claims = session.claims.and(Claims::of(&allowed.headers));
    let new = NewObject {
        bucket: session.bucket,
        name: session.name,
        fields: session.fields,
        preconditions: session.preconditions,
        upload_id: Some(id),
        caller: allowed.caller.clone(),
        may_replace: allowed.may_replace(),
    };
    let record = blocking(move || {
        // Until here nobody else may work on this upload; the lock goes with this closure.
        let _held = held;
        claims.check(&staged)?;
        store.commit(new, &mut staged)
    })
    .await?;
    made(&allowed, &record)
}

/// Appends the request's bytes after those that are there. What a client sends again is skipped.
async fn receive(
    body: &mut Incoming,
    writer: &mut StagedWriter,
    range: Option<ContentRange>,
    received_bytes: u64,
) -> Result<(), Failure> {
    let bytes = range.and_then(|range| range.bytes);
    // Without a range the body is the whole object; with `*` there is none.
    let first = bytes.map_or(if range.is_some() { received_bytes } else { 0 }, |(first, _)| first);
    let end = match (bytes, range) {
        (Some((_, last)), _) => last + 1,
        (None, Some(_)) => received_bytes,
        (None, None) => u64::MAX,
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
    blocking(move || {
        let (_, _held) = store.enter_session(&id)?.ok_or_else(no_upload)?;
        Ok::<_, ApiError>(store.remove_session(&id)?)
    })
    .await?;
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
