//! Somebody with a browser or a script: sends requests and keeps cookies.

use std::sync::{Mutex, PoisonError};

use axum::{Router, body::Body, http::Request};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use tower::ServiceExt;
use url::form_urlencoded;

use super::Answer;

/// The hidden field of forms.
const CSRF_FIELD: &str = dashboard::security::csrf::FIELD;

/// Somebody who asks.
pub struct Person {
    router: Router,
    cookies: Mutex<Vec<(String, String)>>,
    headers: HeaderMap,
}

impl Person {
    /// Somebody who has never been here.
    #[must_use]
    pub fn new(router: Router) -> Self {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost:8080"))]);
        Self { router, cookies: Mutex::default(), headers }
    }

    /// The same, with a header that every request carries.
    ///
    /// # Panics
    /// Where it is no header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().expect("a header's value"));
        self
    }

    /// Sends any request, with cookies.
    ///
    /// # Panics
    /// Where the response breaks off.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        for (name, value) in &self.headers {
            request.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let line =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        if !line.is_empty() {
            request.headers_mut().entry(header::COOKIE).or_insert(line.parse().expect("a cookie"));
        }
        let response = self.router.clone().oneshot(request).await.expect("a router always answers");
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let text = cookie.to_str().expect("text");
            let pair = text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            cookies.retain(|(name, _)| name != pair.0);
            cookies.push((pair.0.to_owned(), pair.1.to_owned()));
        }
        Answer::read(response).await
    }

    /// Sends a request with headers and a body.
    ///
    /// # Panics
    /// Where that is no request.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).body(body.into()).expect("a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            request.headers_mut().append(name, value.parse().expect("a header's value"));
        }
        self.send(request).await
    }

    /// Gets.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], Body::empty()).await
    }

    /// Sends JSON by a method, with more headers.
    pub async fn json(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        self.ask(method, path, &headers, body.to_string()).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, &[], body).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, &[], Body::empty()).await
    }

    /// Sends a page's form as a browser does: from a page that was open before, with its token.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.csrf_token().map(|token| (CSRF_FIELD, token));
        let token = token.as_ref().map(|(name, token)| (*name, token.as_str()));
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields.iter().copied().chain(token))
            .finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", "http://localhost:8080"),
            ("sec-fetch-site", "same-origin"),
        ];
        self.ask(Method::POST, path, &headers, body).await
    }

    /// The token that forms carry, once a page was open.
    #[must_use]
    pub fn csrf_token(&self) -> Option<String> {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.iter().find(|(name, _)| name.ends_with("spillway-csrf")).map(|(_, value)| value.clone())
    }
}
