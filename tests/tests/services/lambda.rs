//! The same routers on AWS Lambda, whose runtime API a stand-in speaks.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use spillway_tests::{
    harness::TestApp,
    tokens::{Issuer, Signer},
    web::serve,
};
use tokio::sync::{Mutex, mpsc};

use crate::process::Process;

/// What the function is asked, and what it answers.
struct Runtime {
    invocations: Mutex<mpsc::Receiver<Value>>,
    answers: mpsc::Sender<(String, Value)>,
}

/// `GET …/invocation/next`: waits for the next invocation, as Lambda does.
async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    let Some(event) = runtime.invocations.lock().await.recv().await else {
        return std::future::pending().await;
    };
    let headers = [
        ("lambda-runtime-aws-request-id", event["requestContext"]["requestId"].as_str().unwrap().to_owned()),
        ("lambda-runtime-deadline-ms", "9999999999999".to_owned()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:1:function:f".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700".to_owned()),
    ];
    (axum::response::AppendHeaders(headers), Json(event)).into_response()
}

async fn answer(
    State(runtime): State<Arc<Runtime>>,
    Path((id, how)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let body = serde_json::from_slice(&body).unwrap();
    runtime.answers.send((format!("{id} {how}"), body)).await.unwrap();
    StatusCode::ACCEPTED
}

/// A call of a function's URL.
fn event(id: &str, method: &str, path: &str, body: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": { "host": "x.lambda-url.eu-west-1.on.aws", "content-type": "application/json" },
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "x", "domainPrefix": "x", "requestId": id,
            "routeKey": "$default", "stage": "$default", "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1_773_342_238_000_i64,
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": "test",
            },
        },
        "body": body, "isBase64Encoded": false,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_routes_answer_on_lambda() {
    let app = TestApp::new().await;
    let issuer = Issuer::publishing(&[&Signer::p256("1")]).await;
    let (asks, invocations) = mpsc::channel(8);
    let (answers, mut answered) = mpsc::channel(8);
    let runtime = Arc::new(Runtime { invocations: Mutex::new(invocations), answers });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{how}", post(answer))
        .with_state(runtime);
    let url = serve(router).await;
    let api = url.authority().to_owned();
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", api.as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ];
    let mut process = Process::start(app.folder(), "http://127.0.0.1:9", &issuer.url, &variables);
    process.until_told("ready on Lambda");
    let mut ask = async |event: Value| {
        asks.send(event).await.unwrap();
        answered.recv().await.unwrap()
    };
    let (id, health) = ask(event("one", "GET", "/healthz", "")).await;
    assert_eq!(
        (id.as_str(), &health["statusCode"], &health["body"]),
        ("one response", &json!(200), &json!("ok\n"))
    );
    let (id, refused) = ask(event("two", "POST", "/push", "{}")).await;
    assert_eq!((id.as_str(), &refused["statusCode"]), ("two response", &json!(401)), "the guard is the same");
    assert_eq!(refused["headers"]["content-type"], "application/problem+json");
    let (_, nowhere) = ask(event("three", "GET", "/nowhere", "")).await;
    assert_eq!(nowhere["statusCode"], 401, "whoever may not call learns no route");
}
