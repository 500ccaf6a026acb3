//! What came back.

use axum::{body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// The most bytes that a test reads.
const LIMIT_BYTES: usize = 64 << 20;

/// A response, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    pub(super) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body::to_bytes(body, LIMIT_BYTES).await.expect("a whole body");
        Self { status: parts.status, headers: parts.headers, body }
    }

    /// A header's text, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body, where the status is as expected.
    ///
    /// # Panics
    /// Where it is another.
    #[must_use]
    pub fn expect(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The last part of the problem's type and its detail.
    ///
    /// # Panics
    /// Where it is no problem, or one that is not as RFC 9457 wants it.
    #[must_use]
    pub fn problem(&self) -> (String, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        let kind = problem["type"].as_str().and_then(|kind| kind.strip_prefix("/api/problems/"));
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        assert!(!text("title").is_empty(), "{problem}");
        (kind.expect("a documented type").to_owned(), text("detail"))
    }
}
