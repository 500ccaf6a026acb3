//! Uploads in one request: `uploadType=media`, and `multipart` with an optional third part of checksums.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::header;
use serde::Deserialize;

use super::{
    Allowed, Failure, blocking,
    checksums::Claims,
    incoming::{self, Incoming},
    multipart::{Piece, Splitter, boundary},
    preconditions::Preconditions,
    resource,
};
use crate::{
    error::ApiError,
    state::{
        names,
        objects::{Fields, NewObject},
        staged::StagedWriter,
    },
};

/// The metadata that comes with an upload.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ObjectBody {
    pub(super) name: Option<String>,
    #[serde(flatten)]
    pub(super) fields: Fields,
    #[serde(flatten)]
    pub(super) claims: Claims,
}

impl Allowed {
    /// The object's name, from the query or the metadata.
    pub(super) fn object_name(&self, body: &ObjectBody) -> Result<String, ApiError> {
        let name = Some(&self.call.object).filter(|name| !name.is_empty()).or(body.name.as_ref());
        let name = name.ok_or_else(|| ApiError::required("Required parameter: name"))?;
        if names::is_object_name(name) {
            Ok(name.clone())
        } else {
            Err(ApiError::invalid(format!("Disallowed unicode characters or length in object name '{name}'")))
        }
    }

    /// A header of the request as text.
    pub(super) fn header(&self, name: impl header::AsHeaderName) -> Option<String> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }
}

pub(super) async fn insert(allowed: Allowed, body: &mut Incoming) -> Result<Response, Failure> {
    let preconditions = Preconditions::of(&allowed.call.params)?;
    let mut writer = StagedWriter::fresh(&allowed.store()).await?;
    let mut object = if allowed.call.params.get("uploadType") == Some("media") {
        while let Some(bytes) = body.next().await? {
            writer.write(&bytes).await?;
        }
        let content_type = allowed.header(header::CONTENT_TYPE);
        ObjectBody { fields: Fields { content_type, ..Fields::default() }, ..ObjectBody::default() }
    } else {
        multipart(&allowed, body, &mut writer).await?
    };
    let claims = object.claims.clone().and(Claims::of(&allowed.headers));
    if let Some(encoding) = allowed.call.params.get("contentEncoding") {
        object.fields.content_encoding = Some(encoding.to_owned());
    }
    let new = NewObject {
        bucket: allowed.call.bucket.clone(),
        name: allowed.object_name(&object)?,
        fields: object.fields,
        preconditions,
        upload_id: None,
        caller: allowed.caller.clone(),
        may_replace: allowed.may_replace(),
    };
    let mut staged = writer.finish().await?;
    let store = allowed.store();
    let record = blocking(move || {
        claims.check(&staged)?;
        store.commit(new, &mut staged)
    })
    .await?;
    Ok(Json(resource::object(&record, allowed.bucket()?, &allowed.app.base_url)).into_response())
}

/// Metadata, media, and perhaps checksums that were not known when the metadata was sent.
async fn multipart(
    allowed: &Allowed,
    body: &mut Incoming,
    writer: &mut StagedWriter,
) -> Result<ObjectBody, Failure> {
    let content_type = allowed.header(header::CONTENT_TYPE).unwrap_or_default();
    let boundary = boundary(&content_type)
        .ok_or_else(|| ApiError::invalid("Content-Type of a multipart upload has no boundary."))?;
    let mut splitter = Splitter::new(boundary);
    let (mut part, mut metadata, mut trailer, mut media_type) = (0, Vec::new(), Vec::new(), None);
    while let Some(bytes) = body.next().await? {
        splitter.push(&bytes);
        while let Some(piece) = splitter.next()? {
            match (piece, part) {
                (Piece::Head(head), _) => {
                    part += 1;
                    if part == 2 {
                        media_type = content_type_of(&head);
                    }
                }
                (Piece::Data(data), 1) => incoming::append(&mut metadata, &data)?,
                (Piece::Data(data), 2) => writer.write(&data).await?,
                (Piece::Data(data), _) => incoming::append(&mut trailer, &data)?,
            }
        }
    }
    if !splitter.is_done() || !(2..=3).contains(&part) {
        return Err(ApiError::invalid("Malformed multipart body.").into());
    }
    let mut object: ObjectBody = incoming::parse(&metadata)?;
    object.fields.content_type = object.fields.content_type.or(media_type);
    object.claims = object.claims.and(incoming::parse(&trailer)?);
    Ok(object)
}

fn content_type_of(head: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
    })
}
