//! What handlers take, refused as problems that name the field.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{BytesRejection, FailedToBufferBody},
    },
};
use http::{HeaderMap, header, request};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::Segment;

use crate::{
    App,
    problem::{FieldError, Problem, ProblemKind},
};

/// A JSON body, and the bytes that it was read from.
pub(super) struct JsonBody<T> {
    pub(super) value: T,
    pub(super) bytes: Bytes,
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "The body has to be JSON. Send it with the header Content-Type: application/json.";
            return Err(Problem::new(ProblemKind::UnsupportedMediaType, detail));
        }
        let limit_bytes = app.config.limits.body_bytes;
        let bytes = Bytes::from_request(request, app).await.map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                let detail = format!("The body has more than {limit_bytes} bytes. Send less.");
                Problem::new(ProblemKind::TooLarge, detail)
            }
            _ => Problem::new(ProblemKind::MalformedRequest, "The body breaks off. Send it again."),
        })?;
        // Whether it is JSON at all is a question of its own.
        let _: IgnoredAny = serde_json::from_slice(&bytes).map_err(|error| not_json(&error))?;
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            let detail = "The body is not as the API's document says: it has to be an object.";
            let error = FieldError { detail: detail.to_owned(), pointer: Some(String::new()) };
            return Err(Problem { errors: vec![error], ..Problem::new(ProblemKind::InvalidBody, detail) });
        }
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| unreadable(&error))?;
        Ok(Self { value, bytes })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(sent) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(ProblemKind::MalformedRequest, format!("The body is no JSON: {error}."))
}

fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let pointer: String = error.path().iter().filter_map(pointer_part).collect();
    let (wrong, place) = (error.inner(), if pointer.is_empty() { "The body" } else { pointer.as_str() });
    let detail = format!("{place} is not as the API's document says: {wrong}.");
    let error = FieldError { detail: detail.clone(), pointer: Some(pointer) };
    Problem { errors: vec![error], ..Problem::new(ProblemKind::InvalidBody, detail) }
}

fn pointer_part(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// The query; unknown parameters are refused, so that a misspelt filter does not list everything.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Query(value) = Query::from_request_parts(parts, app).await.map_err(|rejection| {
            let wrong = std::error::Error::source(&rejection).map(ToString::to_string);
            let wrong = wrong.unwrap_or_else(|| rejection.body_text());
            Problem::new(ProblemKind::MalformedRequest, format!("The query cannot be read: {wrong}."))
        })?;
        Ok(Self(value))
    }
}

/// Parts of the path. What is of another form than a name or number of ours names nothing.
pub(super) struct PathOf<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for PathOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let path = parts.uri.path().to_owned();
        let found = Path::from_request_parts(parts, app).await;
        let Path(value) = found.map_err(|_| Problem::no_route(&path))?;
        Ok(Self(value))
    }
}

/// The revision that a change is meant for: the entity tag of `If-Match`, without its quotes; none for `*`.
pub(super) struct IfMatch(pub(super) Option<String>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        let mut sent = parts.headers.get_all(header::IF_MATCH).into_iter();
        let (Some(tag), None) = (sent.next(), sent.next()) else {
            let detail = "The request does not say which version it changes. Get the thing, and send its ETag as \
                          If-Match.";
            return Err(Problem::new(ProblemKind::IfMatchMissing, detail));
        };
        if tag == "*" {
            return Ok(Self(None));
        }
        let tag = tag.to_str().ok().and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
        let tag = tag.ok_or_else(|| {
            let detail = "If-Match is no entity tag. Send the ETag as it came, with its quotes.";
            Problem::new(ProblemKind::MalformedRequest, detail)
        })?;
        Ok(Self(Some(tag.to_owned())))
    }
}

/// An entity tag as it is sent.
pub(super) fn etag(revision: &str) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{revision}\""))]
}

/// What the client would rather have, of types that a route gives; the first is what everybody takes.
pub(super) fn preferred(headers: &HeaderMap, types: &[&'static str]) -> Result<&'static str, Problem> {
    let sent: Vec<_> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let first = types.first().copied().unwrap_or("application/json");
    if sent.is_empty() {
        return Ok(first);
    }
    let weights = types.iter().map(|kind| (weight(&sent.join(","), kind), *kind));
    // Of equal weights the earlier type is taken.
    let best = weights.filter(|(weight, _)| *weight > 0.0).reduce(|a, b| if b.0 > a.0 { b } else { a });
    best.map(|(_, kind)| kind).ok_or_else(|| {
        let detail = format!("The address gives {} only. Accept one of them.", types.join(" and "));
        Problem::new(ProblemKind::NotAcceptable, detail)
    })
}

/// The weight of a type in a list of ranges: that of the most specific range (RFC 9110, 12.5.1).
fn weight(ranges: &str, kind: &str) -> f32 {
    let main = kind.split('/').next().unwrap_or_default();
    let mut best = (0, 0.0);
    for range in ranges.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
        let depth = match name.as_str() {
            "*/*" => 1,
            name if name.strip_suffix("/*") == Some(main) => 2,
            name if name == kind => 3,
            _ => 0,
        };
        if depth > best.0 {
            best = (depth, weight);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const TYPES: [&str; 2] = ["application/json", "text/event-stream"];

    fn chosen(accept: &str) -> Option<&'static str> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        preferred(&headers, &TYPES).ok()
    }

    #[test]
    fn the_type_follows_what_the_client_accepts() {
        assert_eq!(preferred(&HeaderMap::new(), &TYPES).unwrap(), "application/json");
        for (accept, expected) in [
            ("*/*", Some("application/json")),
            ("text/event-stream", Some("text/event-stream")),
            ("text/html, */*;q=0.1", Some("application/json")),
            ("application/json;q=0.5, text/event-stream", Some("text/event-stream")),
            ("text/*, application/json;q=0.2", Some("text/event-stream")),
            ("TEXT/EVENT-STREAM", Some("text/event-stream")),
            ("application/json;q=0, */*", Some("text/event-stream")),
            ("text/html", None),
            ("application/json;q=0", None),
        ] {
            assert_eq!(chosen(accept), expected, "{accept}");
        }
    }
}
