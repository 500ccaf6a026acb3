//! The credential validator over HTTP: who may call, what it answers, and callers that go away.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use credential_validator::{BearerSecret, router};
use futures::StreamExt;
use gcs_emulator::{BucketOptions, Fault, FaultRule, Operation};
use serde_json::{Value, json};
use spillway::{
    domain::{BucketId, CandidateId},
    ports::ServiceAccountKey,
    steps::{self, BucketProposal},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, Google, Strike, TestApp, Worker};
use tokio::{net::TcpListener, task::JoinHandle};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

struct Validator {
    app: TestApp,
    google: Google,
    worker: Worker,
    url: String,
    server: JoinHandle<()>,
}

impl Validator {
    async fn start() -> Self {
        let mut app = TestApp::new().await;
        let google = Google::start(&mut app, BucketOptions::default()).await;
        let worker = app.worker();
        let secret = BearerSecret::new(SECRET.to_owned()).unwrap();
        let router = router(worker.parts.clone(), |routes| secret.guard(routes));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/check", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { app, google, worker, url, server }
    }

    async fn propose(&self, nickname: &str, key: &str) -> CandidateId {
        let proposal = BucketProposal {
            nickname: BucketId(nickname.to_owned()),
            bucket_name: BUCKET.to_owned(),
            key: ServiceAccountKey::new(key.to_owned()),
            replaces: false,
        };
        steps::propose_bucket(&self.app.parts(), ACCOUNT, proposal).await.unwrap()
    }

    async fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::Response {
        let request = reqwest::Client::new().post(&self.url).bearer_auth(SECRET);
        request.header("content-type", "application/json").body(body).send().await.unwrap()
    }

    async fn check(&self, candidate: &CandidateId) -> reqwest::Response {
        self.post(json!({ "account": ACCOUNT, "candidate": candidate }).to_string()).await
    }

    async fn is_saved(&self, nickname: &str) -> bool {
        self.app.store.bucket(ACCOUNT, &BucketId(nickname.to_owned())).await.unwrap().is_some()
    }
}

impl Drop for Validator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lines(body: &str) -> Vec<Value> {
    body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn problem(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string() && problem["detail"].is_string());
    (status, problem["type"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_steps_come_as_lines_and_the_verdict_last() {
    let validator = Validator::start().await;
    let good = validator.google.key.to_string();
    let response = validator.check(&validator.propose("second", &good).await).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = response.text().await.unwrap();
    let wanted = "{\"step\":\"key\",\"outcome\":\"passed\"}\n{\"step\":\"google\",\"outcome\":\"passed\"}\n\
                  {\"step\":\"bucket\",\"outcome\":\"passed\"}\n{\"step\":\"create\",\"outcome\":\"passed\"}\n\
                  {\"step\":\"notes\",\"outcome\":\"noted\",\"note\":\"The bucket's settings could not be looked at \
                  (retention policy, Requester Pays). Exports do not need that.\"}\n{\"saved\":true}\n";
    assert_eq!(body, wanted);
    assert!(validator.is_saved("second").await);

    let body = validator.check(&validator.propose("third", "{}").await).await.text().await.unwrap();
    let lines = lines(&body);
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["step"], &lines[0]["outcome"]), (&json!("key"), &json!("failed")));
    assert_eq!(lines[1], json!({ "saved": false }));
    assert!(!validator.is_saved("third").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_check_is_seen_step_by_step() {
    let validator = Validator::start().await;
    let slow = Fault::Slow { bytes_per_sec: 1 };
    validator.google.emulator().faults().add(FaultRule::always(slow).on(Operation::Start));
    let candidate = validator.propose("second", &validator.google.key.to_string()).await;
    let mut body = validator.check(&candidate).await.bytes_stream();
    let mut seen = String::new();
    while !seen.contains("\"bucket\"") {
        seen.push_str(str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
    }
    // The upload is still waiting for its answer.
    assert!(!seen.contains("\"create\"") && !validator.is_saved("second").await, "{seen}");
    while let Some(piece) = body.next().await {
        seen.push_str(str::from_utf8(&piece.unwrap()).unwrap());
    }
    assert_eq!(lines(&seen).last(), Some(&json!({ "saved": true })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_does_not_end_the_check() {
    let validator = Validator::start().await;
    let slow = Fault::Slow { bytes_per_sec: 4 };
    validator.google.emulator().faults().add(FaultRule::always(slow).on(Operation::Start));
    let candidate = validator.propose("second", &validator.google.key.to_string()).await;
    let mut body = validator.check(&candidate).await.bytes_stream();
    body.next().await.unwrap().unwrap();
    drop(body);
    let saved = async {
        while !validator.is_saved("second").await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), saved).await.expect("the check goes on to its end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_knows_the_secret_may_ask() {
    let validator = Validator::start().await;
    let candidate = validator.propose("second", &validator.google.key.to_string()).await;
    let body = json!({ "account": ACCOUNT, "candidate": candidate }).to_string();
    let client = reqwest::Client::new();
    let longer = format!("Bearer {SECRET}0");
    let basic = format!("Basic {SECRET}");
    for header in
        [None, Some(""), Some("Bearer "), Some(&longer[..38]), Some(&*longer), Some(&*basic), Some(SECRET)]
    {
        let mut request =
            client.post(&validator.url).header("content-type", "application/json").body(body.clone());
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        assert_eq!(problem(response).await, (401, "/problems/unauthorized".to_owned()), "{header:?}");
    }
    assert!(!validator.is_saved("second").await);
    assert!(validator.check(&candidate).await.text().await.unwrap().ends_with("{\"saved\":true}\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_or_is_not_there_is_a_problem() {
    let validator = Validator::start().await;
    let none = CandidateId::from_random(7);
    assert_eq!(problem(validator.check(&none).await).await, (404, "/problems/no-candidate".to_owned()));
    let candidate = validator.propose("second", &validator.google.key.to_string()).await;
    let other = json!({ "account": 1, "candidate": candidate }).to_string();
    assert_eq!(problem(validator.post(other).await).await.0, 404, "another account's");
    let bad = "/problems/bad-request".to_owned();
    for (body, status) in [
        ("".to_owned(), 400),
        ("{".to_owned(), 400),
        ("{}".to_owned(), 422),
        (json!({ "account": ACCOUNT, "candidate": "../x" }).to_string(), 422),
        (json!({ "account": ACCOUNT, "candidate": candidate, "key": "x" }).to_string(), 422),
        (json!({ "account": ACCOUNT, "candidate": "0".repeat(2_000) }).to_string(), 413),
    ] {
        assert_eq!(problem(validator.post(body.clone()).await).await, (status, bad.clone()), "{body:.80}");
    }
    let client = reqwest::Client::new();
    let get = client.get(&validator.url).bearer_auth(SECRET).send().await.unwrap();
    assert_eq!(problem(get).await, (405, "/problems/method".to_owned()));
    let elsewhere = validator.url.replace("/check", "/");
    let get = client.get(elsewhere).bearer_auth(SECRET).send().await.unwrap();
    assert_eq!(problem(get).await, (404, "/problems/not-found".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn troubles_of_ours_are_told_without_their_causes() {
    let validator = Validator::start().await;
    let candidate = validator.propose("second", &validator.google.key.to_string()).await;
    // The first look at the store fails, before any step.
    validator.worker.gate.arm(0, Strike::Fail);
    let response = validator.check(&candidate).await;
    assert_eq!(problem(response).await, (503, "/problems/unavailable".to_owned()));
    // The promotion fails, after all steps.
    validator.worker.gate.arm(2, Strike::Fail);
    let body = validator.check(&candidate).await.text().await.unwrap();
    let wanted = json!({
        "saved": false,
        "problem": "Something on our side does not work just now. Try again in a minute.",
    });
    assert_eq!(lines(&body).last(), Some(&wanted));
    assert!(!body.contains("struck"), "{body}");
    assert!(validator.check(&candidate).await.text().await.unwrap().ends_with("{\"saved\":true}\n"));
}
