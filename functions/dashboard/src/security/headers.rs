//! The headers that keep browsers strict.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderValue, header};

use crate::config::Config;

/// A response that needs another content policy than [`ContentPolicy::STRICT`] carries it among its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentPolicy(pub &'static str);

impl ContentPolicy {
    /// Our own scripts and styles from our own address, and nothing inline.
    pub const STRICT: Self = Self(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'",
    );
    /// For the API's viewer, which styles itself.
    pub const VIEWER: Self = Self(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'",
    );
    /// For a page of ours that frames another one of ours.
    pub const FRAMING: Self = Self(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'",
    );
    /// For what somebody else may have had a hand in, in a frame of ours: it styles itself, and runs and loads nothing.
    /// Its links open elsewhere.
    pub const FRAMED: Self = Self(
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
         sandbox allow-popups allow-popups-to-escape-sandbox",
    );
}

pub(super) async fn protect(State(config): State<Arc<Config>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = response.extensions().get::<ContentPolicy>().copied().unwrap_or(ContentPolicy::STRICT);
    let is_ours = policy == ContentPolicy::FRAMED;
    let is_framed = !config.frame_ancestors.is_empty() && !is_ours;
    let mut text = format!("{}; frame-ancestors", policy.0);
    match (is_ours, is_framed) {
        (true, _) => text.push_str(" 'self'"),
        (false, false) => text.push_str(" 'none'"),
        (false, true) => {}
    }
    for ancestor in config.frame_ancestors.iter().filter(|_| is_framed) {
        text.push(' ');
        text.push_str(&ancestor.origin().ascii_serialization());
    }
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(text) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let mut put = |name, value| headers.insert(name, HeaderValue::from_static(value));
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "same-origin");
    put(header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    put(header::HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    if !is_framed {
        put(header::X_FRAME_OPTIONS, if is_ours { "SAMEORIGIN" } else { "DENY" });
    }
    if config.is_https() {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    // What is shown is an account's own; what may be kept says so itself.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
