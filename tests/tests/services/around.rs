//! What stands around every service's routes.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    routing::{get, post},
};
use http::Method;
use spillway::{
    adapters::system_clock::SystemClock,
    service::{Limits, Running, around},
};
use spillway_tests::web::Person;
use tokio::sync::Notify;

use crate::support::kind;

const LIMITS: Limits = Limits { body_bytes: 8, request_timeout: Duration::from_millis(200), concurrency: 1 };

fn running() -> Running {
    Running::new(Arc::new(SystemClock))
}

#[tokio::test]
async fn health_is_told_without_a_token_until_the_process_ends() {
    let running = running();
    let person = Person::new(around(Router::new(), LIMITS, &running));
    let answer = person.get("/healthz").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "ok\n"));
    let answer = person.get("/nothing").await;
    assert_eq!((answer.status.as_u16(), kind(&answer)), (404, "not-found".to_owned()));
    let answer = person.ask(Method::DELETE, "/healthz", &[], "").await;
    assert_eq!((answer.status.as_u16(), kind(&answer)), (405, "method-not-allowed".to_owned()));
    assert_eq!(answer.header("allow"), "GET,HEAD");
    running.shutdown.cancel();
    assert_eq!(person.get("/healthz").await.status, 503);
}

#[tokio::test]
async fn what_the_router_refuses_is_a_problem_too() {
    let number = async |axum::extract::Path(number): axum::extract::Path<u64>| number.to_string();
    let person = Person::new(around(Router::new().route("/{number}", get(number)), LIMITS, &running()));
    assert_eq!(person.get("/7").await.text(), "7");
    for wrong in ["/-1", "/18446744073709551616", "/%ff"] {
        let answer = person.get(wrong).await;
        assert_eq!((answer.status.as_u16(), kind(&answer)), (400, "refused".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn a_panic_is_a_problem() {
    async fn panics() -> &'static str {
        let nothing: Option<&str> = std::hint::black_box(None);
        nothing.expect("something")
    }
    let router = Router::new().route("/", get(panics)).route("/well", get(async || "well"));
    let person = Person::new(around(router, LIMITS, &running()));
    for _ in 0..3 {
        let answer = person.get("/").await;
        assert_eq!((answer.status.as_u16(), kind(&answer)), (500, "internal".to_owned()));
        assert!(!answer.text().contains("something"));
    }
    assert_eq!(person.get("/well").await.text(), "well");
}

#[tokio::test]
async fn nobody_asks_too_much() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, wait) = (Arc::clone(&entered), Arc::clone(&release));
    let slow = async move || {
        told.notify_one();
        wait.notified().await;
        "slow"
    };
    let router = Router::new()
        .route("/slow", get(slow))
        .route("/for-ever", get(std::future::pending::<&str>))
        .route("/body", post(async |body: Bytes| body));
    let router = around(router, Limits { request_timeout: Duration::from_secs(60), ..LIMITS }, &running());
    let first = tokio::spawn({
        let router = router.clone();
        async move { Person::new(router).get("/slow").await }
    });
    entered.notified().await;
    let person = Person::new(router);
    let answer = person.get("/slow").await;
    assert_eq!((answer.status.as_u16(), kind(&answer)), (503, "busy".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(person.get("/healthz").await.status, 200, "who is busy is well");
    release.notify_one();
    assert_eq!(first.await.unwrap().text(), "slow");
    assert_eq!(person.ask(Method::POST, "/body", &[], "12345678").await.text(), "12345678");
    assert_eq!(person.ask(Method::POST, "/body", &[], "123456789").await.status, 413);
}

#[tokio::test]
async fn nothing_takes_for_ever() {
    let router = Router::new().route("/", get(std::future::pending::<&str>));
    let person = Person::new(around(router, LIMITS, &running()));
    for _ in 0..2 {
        let answer = person.get("/").await;
        assert_eq!((answer.status.as_u16(), kind(&answer)), (504, "timeout".to_owned()));
    }
}
