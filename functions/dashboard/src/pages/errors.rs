//! What goes wrong, as a page for whoever looks with a browser.

use askama::Template;
use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header};

use super::{frame::Frame, visit::html};
use crate::problem::{Problem, ProblemKind};

/// The page.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    title: &'static str,
    detail: String,
    retry: Option<String>,
}

/// Shows a problem as a page to whoever asks for one. The API's problems stay as they are.
pub(crate) async fn as_pages(request: Request, next: Next) -> Response {
    let is_page = !request.uri().path().starts_with("/api/") && wants_html(request.headers());
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let is_get = request.method() == Method::GET;
    let response = next.run(request).await;
    let problem = response.extensions().get::<Problem>().filter(|_| is_page).cloned();
    let Some(problem) = problem else { return response };
    let passes = matches!(
        problem.kind,
        ProblemKind::Unavailable
            | ProblemKind::Timeout
            | ProblemKind::TooManyRequests
            | ProblemKind::Internal
    );
    let detail = if problem.is_no_address {
        "There is no page at this address. It may have been mistyped, or the link is old.".to_owned()
    } else {
        problem.detail
    };
    let page = ProblemPage {
        frame: Frame::bare(),
        title: problem.kind.title(),
        detail,
        retry: (is_get && passes).then_some(path),
    };
    // The status and what it carries (Retry-After, cookies) stay; the body and its type are the page's.
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    let (page_parts, body) = html(&page).into_parts();
    if let Some(kind) = page_parts.headers.get(header::CONTENT_TYPE) {
        parts.headers.insert(header::CONTENT_TYPE, kind.clone());
    }
    Response::from_parts(parts, body).into_response()
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.as_bytes().windows(9).any(|part| part == b"text/html"))
}
