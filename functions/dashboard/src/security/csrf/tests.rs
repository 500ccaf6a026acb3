//! Forms with and without the token.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Multipart, Request},
    middleware,
    response::Response,
    routing::get,
};
use http::{Method, StatusCode, header};
use serde_json::json;
use tower::ServiceExt;

use super::{CsrfToken, protect};
use crate::config::Config;

fn config(public_url: &str, ancestors: &[&str]) -> Arc<Config> {
    let text = json!({
        "listen": "127.0.0.1:8080",
        "public_url": public_url,
        "identity": {"kind": "local", "account": 1},
        "limits": {"body_bytes": 4_000},
        "frame_ancestors": ancestors,
        "validator": {"url": "http://127.0.0.1:9"},
    });
    Arc::new(serde_json::from_value(text).unwrap())
}

fn forms(config: &Arc<Config>) -> Router {
    // The body is whole for the handler, as if nobody had looked into it.
    let echo = async |body: String| body;
    let names = async |mut form: Multipart| {
        let mut names = Vec::new();
        while let Some(field) = form.next_field().await.unwrap() {
            names.push(field.name().unwrap_or_default().to_owned());
        }
        names.join(",")
    };
    Router::new()
        .route("/form", get(async |CsrfToken(token): CsrfToken| token).post(echo))
        .route("/upload", axum::routing::post(names))
        .layer(middleware::from_fn_with_state(Arc::clone(config), protect))
}

async fn send(forms: &Router, request: Request) -> (StatusCode, Option<String>, String) {
    let response: Response = forms.clone().oneshot(request).await.unwrap();
    let cookie = response.headers().get(header::SET_COOKIE).map(|cookie| cookie.to_str().unwrap().to_owned());
    let status = response.status();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, cookie, String::from_utf8(body.to_vec()).unwrap())
}

fn ask(method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

/// A browser that has the page open: its cookie and the form's token.
async fn opened(forms: &Router) -> (String, String) {
    let (_, cookie, token) = send(forms, ask(Method::GET, "/form", &[], "")).await;
    let cookie = cookie.unwrap().split(';').next().unwrap().to_owned();
    assert!(cookie.ends_with(&token) && token.len() > 40);
    (cookie, token)
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn a_form_with_the_cookies_token_passes_whole() {
    let forms = forms(&config("http://localhost:8080", &[]));
    let (cookie, token) = opened(&forms).await;
    let body = format!("name=a+b&csrf={token}");
    let sent = send(&forms, ask(Method::POST, "/form", &[FORM, ("cookie", &cookie)], &body)).await;
    assert_eq!(sent, (StatusCode::OK, None, body));
    let script = [("cookie", cookie.as_str()), ("x-csrf-token", token.as_str())];
    assert_eq!(send(&forms, ask(Method::POST, "/form", &script, "x")).await.0, StatusCode::OK);
    let again =
        send(&forms, ask(Method::GET, "/form", &[("cookie", &format!("other=1; {cookie}"))], "")).await;
    assert_eq!(again, (StatusCode::OK, None, token.clone()));
    let upload = format!(
        "--B\r\ncontent-disposition: form-data; name=\"key\"; filename=\"key.json\"\r\n\r\n{{}}\r\n\
         --B\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--B--\r\n"
    );
    let kind = ("content-type", "multipart/form-data; boundary=B");
    let sent = send(&forms, ask(Method::POST, "/upload", &[kind, ("cookie", &cookie)], &upload)).await;
    assert_eq!((sent.0, sent.2.as_str()), (StatusCode::OK, "key,csrf"));
}

#[tokio::test]
async fn a_form_without_it_is_refused() {
    let forms = forms(&config("http://localhost:8080", &[]));
    let (cookie, token) = opened(&forms).await;
    let (_, other) = opened(&forms).await;
    let with = ("cookie", cookie.as_str());
    for (headers, body) in [
        (&[FORM][..], format!("csrf={token}")),
        (&[FORM, with], "name=a".to_owned()),
        (&[FORM, with], format!("csrf={other}")),
        (&[FORM, with], "csrf=".to_owned()),
        (&[FORM, ("cookie", "spillway-csrf=")], "csrf=".to_owned()),
        (&[FORM, ("cookie", "spillway-csrf=abc")], "csrf=abc".to_owned()),
        (&[("content-type", "text/plain"), with], format!("csrf={token}")),
        (&[with], format!("csrf={token}")),
        (&[with, ("x-csrf-token", "x")], format!("csrf={token}")),
        (&[("content-type", "multipart/form-data; boundary=B"), with], "--B--".to_owned()),
    ] {
        let sent = send(&forms, ask(Method::POST, "/form", headers, &body)).await;
        assert_eq!(sent.0, StatusCode::FORBIDDEN, "{headers:?} {body}");
    }
    let long = "x".repeat(5_000);
    let sent = send(&forms, ask(Method::POST, "/form", &[FORM, with], &long)).await;
    assert_eq!(sent.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_cookie_is_as_strict_as_the_address_allows() {
    for (url, ancestors, begin, end) in [
        ("http://localhost:8080", &[][..], "spillway-csrf=", "; Path=/; HttpOnly; SameSite=Lax"),
        ("https://e.example", &[], "__Host-spillway-csrf=", "; Path=/; HttpOnly; SameSite=Lax; Secure"),
        (
            "https://e.example",
            &["https://app.example"],
            "__Host-spillway-csrf=",
            "; Path=/; HttpOnly; SameSite=None; Secure; Partitioned",
        ),
    ] {
        let forms = forms(&config(url, ancestors));
        let (_, cookie, _) = send(&forms, ask(Method::GET, "/form", &[], "")).await;
        let cookie = cookie.unwrap();
        assert!(cookie.starts_with(begin) && cookie.ends_with(end), "{cookie}");
    }
}
