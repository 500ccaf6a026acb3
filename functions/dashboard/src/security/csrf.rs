//! Forms of the pages carry a token that equals a cookie, which another site can neither read nor set.
//!
//! Every page form has a hidden field [`FIELD`] with the value of [`CsrfToken`]; scripts may send it as the header
//! [`HEADER`]. It works without JavaScript. That requests come from our own pages at all is `super::origin`'s business.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Multipart, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header, request};
use url::form_urlencoded;

use crate::{
    config::Config,
    problem::{Problem, ProblemKind},
};

/// The forms' hidden field.
pub const FIELD: &str = "csrf";
/// The header in its place.
pub const HEADER: &str = "x-csrf-token";
/// Bytes of chance in a token.
const TOKEN_BYTES: usize = 32;

/// The token that forms have to carry; handlers of pages take it as an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsrfToken(pub String);

impl<S: Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        let token = parts.extensions.get::<Self>().cloned();
        token.ok_or_else(|| Problem::internal(&"a page is not behind `csrf::protect`"))
    }
}

/// Refuses changes without the token, and gives out tokens.
pub(crate) async fn protect(State(config): State<Arc<Config>>, request: Request, next: Next) -> Response {
    let known = cookie(request.headers(), &config);
    let mut request = if request.method().is_safe() {
        request
    } else {
        match verified(request, known.as_ref(), config.limits.body_bytes).await {
            Ok(request) => request,
            Err(problem) => return problem.into_response(),
        }
    };
    let is_known = known.is_some();
    let token = known
        .unwrap_or_else(|| CsrfToken(BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; TOKEN_BYTES]>())));
    request.extensions_mut().insert(token.clone());
    let mut response = next.run(request).await;
    if !is_known && let Ok(cookie) = HeaderValue::try_from(set_cookie(&token, &config)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The request again, where its token is the cookie's. The body is read for that, which the limit keeps small.
async fn verified(
    request: Request,
    known: Option<&CsrfToken>,
    limit_bytes: usize,
) -> Result<Request, Problem> {
    let forged = || {
        let detail =
            "The form was too long open, or is not ours. Load the page again, and send it from there.";
        Problem::new(ProblemKind::CrossSite, detail)
    };
    let CsrfToken(expected) = known.ok_or_else(forged)?;
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, limit_bytes).await.map_err(|_| {
        let detail = format!("The form is larger than {limit_bytes} bytes. Send less.");
        Problem::new(ProblemKind::TooLarge, detail)
    })?;
    let sent = match parts.headers.get(HEADER) {
        Some(sent) => sent.to_str().ok().map(ToOwned::to_owned),
        None => field(&parts.headers, &bytes).await,
    };
    // An attacker knows neither side of the comparison, so that its time tells nothing.
    if sent.as_ref() != Some(expected) {
        return Err(forged());
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn field(headers: &HeaderMap, bytes: &Bytes) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?;
    if content_type.as_bytes().starts_with(b"application/x-www-form-urlencoded") {
        let mut fields = form_urlencoded::parse(bytes);
        return fields.find(|(name, _)| name == FIELD).map(|(_, value)| value.into_owned());
    }
    let copy = Request::builder().header(header::CONTENT_TYPE, content_type).body(Body::from(bytes.clone()));
    let mut form = Multipart::from_request(copy.ok()?, &()).await.ok()?;
    while let Some(part) = form.next_field().await.ok()? {
        if part.name() == Some(FIELD) {
            return part.text().await.ok();
        }
    }
    None
}

/// With `https` the prefix keeps other hosts of the same site from setting it.
fn cookie_name(config: &Config) -> &'static str {
    if config.is_https() { "__Host-spillway-csrf" } else { "spillway-csrf" }
}

fn cookie(headers: &HeaderMap, config: &Config) -> Option<CsrfToken> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, token) = pairs.find(|(name, _)| *name == cookie_name(config))?;
    // A cookie that is not one of ours is replaced.
    let is_token = BASE64_URL_SAFE_NO_PAD.decode(token).is_ok_and(|bytes| bytes.len() == TOKEN_BYTES);
    is_token.then(|| CsrfToken(token.to_owned()))
}

fn set_cookie(token: &CsrfToken, config: &Config) -> String {
    // In a frame of the platform's page only a cookie without a site's borders arrives.
    let reach = match (config.is_https(), config.frame_ancestors.is_empty()) {
        // Whoever comes by a link from elsewhere brings it along: a new one would end the forms in other tabs. Forms of
        // other sites do not, and are refused by their origin too.
        (true, true) => "; SameSite=Lax; Secure",
        (true, false) => "; SameSite=None; Secure; Partitioned",
        (false, _) => "; SameSite=Lax",
    };
    format!("{}={}; Path=/; HttpOnly{reach}", cookie_name(config), token.0)
}

#[cfg(test)]
mod tests;
