//! What a request asks for, read off its method, path and headers: pure, before anything is looked up.

use axum::extract::Query;
use http::{HeaderMap, Method, Uri, header};
use percent_encoding::percent_decode_str;

use crate::{
    api::range::{Span, content_range},
    error::ApiError,
};

/// One thing that the JSON API can do. Faults name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `GET b`
    ListBuckets,
    /// `POST b`
    CreateBucket,
    /// `GET b/B`
    GetBucket,
    /// `PATCH b/B`
    UpdateBucket,
    /// `DELETE b/B`
    DeleteBucket,
    /// `POST b/B/lockRetentionPolicy`
    LockRetention,
    /// `GET b/B/iam`
    GetIam,
    /// `PUT b/B/iam`
    SetIam,
    /// `GET b/B/iam/testPermissions`
    TestPermissions,
    /// `GET b/B/o`
    List,
    /// `GET b/B/o/O`
    Metadata,
    /// `GET b/B/o/O?alt=media`
    Read,
    /// `PATCH b/B/o/O`
    Update,
    /// `DELETE b/B/o/O`
    Delete,
    /// An upload in one request, `uploadType=media` or `multipart`.
    Insert,
    /// The start of a resumable upload.
    Start,
    /// Some bytes of a resumable upload, not the last.
    UploadPart,
    /// The question how far a resumable upload came.
    UploadStatus,
    /// The last bytes of a resumable upload.
    Finish,
    /// The end of a resumable upload by its client.
    Cancel,
}

/// The query of a request, in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a repeated parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A number, if the parameter is there.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| ApiError::invalid(format!("Invalid value for {name}: '{text}'")))
        };
        self.get(name).map(parse).transpose()
    }
}

/// A request, understood.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    /// Empty where the operation has none.
    pub(crate) bucket: String,
    /// Empty where the operation has none, and where an upload names its object in its body.
    pub(crate) object: String,
    pub(crate) params: Params,
}

impl Call {
    /// Reads the request's head.
    ///
    /// # Errors
    /// 404 for a path that the emulator does not serve, 400 for one that cannot be read.
    pub(crate) fn parse(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Self, ApiError> {
        let params = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map(|Query(pairs)| Params(pairs))
            .map_err(|_| ApiError::invalid("The query cannot be read."))?;
        let path = uri.path();
        for prefix in ["/upload/storage/v1/b/", "/resumable/upload/storage/v1/b/"] {
            if let Some(bucket) = path.strip_prefix(prefix).and_then(|rest| rest.strip_suffix("/o")) {
                return Ok(Self {
                    operation: upload_operation(method, &params, headers)?,
                    bucket: decode(bucket)?,
                    object: params.get("name").unwrap_or_default().to_owned(),
                    params,
                });
            }
        }
        let download = path.strip_prefix("/download/storage/v1/b");
        let rest = download
            .or_else(|| path.strip_prefix("/storage/v1/b"))
            .ok_or_else(|| ApiError::not_found("Not Found"))?;
        let media = download.is_some() || params.get("alt") == Some("media");
        let (operation, bucket, object) = plain_operation(method, rest, media)?;
        Ok(Self { operation, bucket: decode(bucket)?, object: decode(object)?, params })
    }
}

/// What follows `/storage/v1/b`: the operation, the bucket and the object, still encoded.
fn plain_operation<'a>(
    method: &Method,
    rest: &'a str,
    media: bool,
) -> Result<(Operation, &'a str, &'a str), ApiError> {
    use Operation::*;
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let (bucket, below) = rest.split_once('/').unwrap_or((rest, ""));
    let (kind, object) = below.split_once('/').unwrap_or((below, ""));
    let operation = match (method.as_str(), bucket, kind, object) {
        ("GET" | "HEAD", "", "", "") => ListBuckets,
        ("POST", "", "", "") => CreateBucket,
        ("GET" | "HEAD", _, "", "") => GetBucket,
        ("PATCH" | "PUT", _, "", "") => UpdateBucket,
        ("DELETE", _, "", "") => DeleteBucket,
        ("POST", _, "lockRetentionPolicy", "") => LockRetention,
        ("GET", _, "iam", "") => GetIam,
        ("PUT", _, "iam", "") => SetIam,
        ("GET", _, "iam", "testPermissions") => return Ok((TestPermissions, bucket, "")),
        ("GET" | "HEAD", _, "o", "") => List,
        ("GET" | "HEAD", _, "o", _) if media => Read,
        ("GET" | "HEAD", _, "o", _) => Metadata,
        ("PATCH", _, "o", object) if !object.is_empty() => Update,
        ("DELETE", _, "o", object) if !object.is_empty() => Delete,
        _ => return Err(ApiError::not_found("Not Found")),
    };
    Ok((operation, bucket, object))
}

fn upload_operation(method: &Method, params: &Params, headers: &HeaderMap) -> Result<Operation, ApiError> {
    let resuming = params.get("upload_id").is_some();
    match (method.as_str(), params.get("uploadType")) {
        ("POST", Some("media" | "multipart")) => Ok(Operation::Insert),
        ("POST", Some("resumable")) if !resuming => Ok(Operation::Start),
        ("DELETE", _) if resuming => Ok(Operation::Cancel),
        ("PUT" | "POST", _) if resuming => match headers.get(header::CONTENT_RANGE) {
            // The whole object in one request.
            None => Ok(Operation::Finish),
            Some(value) => {
                let range = content_range(value)?;
                Ok(match range.span {
                    _ if range.is_last() => Operation::Finish,
                    Span::Nothing => Operation::UploadStatus,
                    Span::Bytes { .. } | Span::Rest { .. } => Operation::UploadPart,
                })
            }
        },
        _ => Err(ApiError::invalid("Invalid upload request: unknown uploadType or missing upload_id.")),
    }
}

fn decode(text: &str) -> Result<String, ApiError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| ApiError::invalid("The path is not valid UTF-8."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn call(method: &str, uri: &str, range: Option<&str>) -> Result<Call, ApiError> {
        let mut headers = HeaderMap::new();
        if let Some(range) = range {
            headers.insert(header::CONTENT_RANGE, range.parse().unwrap());
        }
        Call::parse(&method.parse().unwrap(), &uri.parse().unwrap(), &headers)
    }

    #[test]
    fn paths_are_understood() {
        use Operation::*;
        for (method, uri, range, operation, bucket, object) in [
            ("GET", "/storage/v1/b?project=p", None, ListBuckets, "", ""),
            ("POST", "/storage/v1/b", None, CreateBucket, "", ""),
            ("GET", "/storage/v1/b/x", None, GetBucket, "x", ""),
            ("GET", "/storage/v1/b/x/iam/testPermissions?permissions=a", None, TestPermissions, "x", ""),
            ("GET", "/storage/v1/b/x/o?prefix=a", None, List, "x", ""),
            ("GET", "/storage/v1/b/x/o/a%2Fb%20c", None, Metadata, "x", "a/b c"),
            ("HEAD", "/storage/v1/b/x/o/a", None, Metadata, "x", "a"),
            ("GET", "/storage/v1/b/x/o/a/b?alt=media", None, Read, "x", "a/b"),
            ("GET", "/download/storage/v1/b/x/o/a", None, Read, "x", "a"),
            ("DELETE", "/storage/v1/b/x/o/..%2F..", None, Delete, "x", "../.."),
            ("POST", "/upload/storage/v1/b/x/o?uploadType=media&name=a%2Fb", None, Insert, "x", "a/b"),
            ("POST", "/resumable/upload/storage/v1/b/x/o?uploadType=resumable&name=n", None, Start, "x", "n"),
        ] {
            let call = call(method, uri, range).unwrap();
            assert_eq!((call.operation, &*call.bucket, &*call.object), (operation, bucket, object), "{uri}");
        }
        for (range, operation) in [
            ("bytes */*", UploadStatus),
            ("bytes 0-9/*", UploadPart),
            ("bytes 0-9/20", UploadPart),
            ("bytes 10-19/20", Finish),
            ("bytes */20", Finish),
            ("bytes 0-*/*", Finish),
        ] {
            let uri = "/upload/storage/v1/b/x/o?uploadType=resumable&upload_id=u";
            assert_eq!(call("PUT", uri, Some(range)).unwrap().operation, operation, "{range}");
        }
        for (method, uri) in [
            ("GET", "/"),
            ("GET", "/storage/v2/b"),
            ("DELETE", "/storage/v1/b/x/o/"),
            ("GET", "/storage/v1/b/x/y"),
        ] {
            assert!(call(method, uri, None).is_err(), "{uri}");
        }
        assert!(call("GET", "/storage/v1/b/x/o/%ff", None).is_err());
    }
}
