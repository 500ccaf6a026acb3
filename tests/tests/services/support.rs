//! The functions over the parts of a test, with somebody who may call them.

use std::sync::Arc;

use axum::Router;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::Method;
use serde_json::{Value, json};
use spillway::{
    ports::{Clock, Work},
    service::{InvokerSettings, Invokers, Running},
    steps::{Notifier, Parts},
};
use spillway_tests::{
    harness::{TestApp, Worker},
    tokens::{Issuer, Signer},
    web::{Answer, Person},
};

pub(crate) const ISSUER: &str = "https://accounts.example.com";
pub(crate) const AUDIENCE: &str = "https://function.example.com";
pub(crate) const EMAIL: &str = "invoker@project.iam.gserviceaccount.com";

/// An app, and who may call its functions.
pub(crate) struct Cloud {
    pub(crate) app: TestApp,
    pub(crate) worker: Worker,
    pub(crate) running: Running,
    pub(crate) signer: Signer,
    pub(crate) issuer: Issuer,
    pub(crate) invokers: Arc<Invokers>,
}

impl Cloud {
    pub(crate) async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    pub(crate) async fn of(app: TestApp) -> Self {
        let signer = Signer::rsa("1");
        let issuer = Issuer::publishing(&[&signer]).await;
        let clock: Arc<dyn Clock> = Arc::new(app.clock.clone());
        let settings = InvokerSettings {
            audience: AUDIENCE.to_owned(),
            emails: ["scheduler@project.iam.gserviceaccount.com".to_owned(), EMAIL.to_owned()].into(),
            issuer: ISSUER.to_owned(),
            jwks_url: issuer.url.clone(),
        };
        let invokers = Invokers::new(&settings, &clock).unwrap();
        let running = Running::new(clock);
        let worker = app.worker();
        Self { app, worker, running, signer, issuer, invokers }
    }

    /// What functions work with; their life is this cloud's.
    pub(crate) fn parts(&self) -> Parts {
        Parts { shutdown: self.running.shutdown.clone(), ..self.worker.parts.clone() }
    }

    pub(crate) fn encoder(&self) -> Router {
        chunk_encoder::router(self.parts(), &self.running, &self.invokers, 2)
    }

    /// As in the cloud, where it may not open keys.
    pub(crate) fn scheduler(&self) -> Router {
        let mut parts = self.parts();
        parts.options.opens_keys = false;
        export_scheduler::router(parts, &self.running, &self.invokers)
    }

    pub(crate) fn checker(&self) -> Router {
        failure_checker::router(self.parts(), Notifier::default(), &self.invokers)
    }

    /// The claims of a good token.
    pub(crate) fn claims(&self) -> Value {
        let now = self.app.now().as_second();
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "1", "exp": now + 3_600, "iat": now,
            "email": EMAIL, "email_verified": true,
        })
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.signer.sign(&self.claims()))
    }

    /// Posts with a good token.
    pub(crate) async fn post(&self, router: Router, path: &str, body: impl Into<axum::body::Body>) -> Answer {
        let headers = [("authorization", self.bearer())];
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
        Person::new(router).ask(Method::POST, path, &headers, body.into()).await
    }

    /// Pushes a message, as Pub/Sub does.
    pub(crate) async fn push(&self, router: Router, work: &Work) -> Answer {
        self.post(router, "/push", envelope(work)).await
    }

    /// Delivers what is on the queue to whom it is for, until nothing is. Gives the last run's answers' statuses.
    pub(crate) async fn drain(&self) -> Vec<u16> {
        let mut statuses = Vec::new();
        while let Some(work) = self.app.queue.pop() {
            let router = match work {
                Work::Run { .. } => self.scheduler(),
                Work::Chunks { .. } => self.encoder(),
            };
            let answer = self.push(router, &work).await;
            statuses.push(answer.status.as_u16());
            assert_eq!(answer.status, 204, "{work:?}: {}", answer.text());
        }
        statuses
    }
}

/// A message in its envelope.
pub(crate) fn envelope(work: &Work) -> String {
    let data = BASE64_STANDARD.encode(serde_json::to_string(work).unwrap());
    let message = json!({
        "data": data, "messageId": "7", "message_id": "7", "publishTime": "2026-03-10T12:00:00Z",
        "publish_time": "2026-03-10T12:00:00Z", "attributes": {},
    });
    json!({ "subscription": "projects/p/subscriptions/chunks", "message": message }).to_string()
}

/// The last part of a problem's type.
pub(crate) fn kind(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text());
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status.as_u16());
    problem["type"].as_str().and_then(|kind| kind.strip_prefix("/problems/")).unwrap().to_owned()
}
