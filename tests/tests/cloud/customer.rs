//! A customer at the dashboard's API, logged in by OIDC.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use spillway::{
    domain::{AccountId, RequestId},
    ports::Clock,
};
use spillway_tests::fakes::Issuer;
use url::Url;

use crate::{clock::WorldClock, functions::LOGIN};

/// How often what could not be said to have happened is asked for again.
const ATTEMPTS: usize = 400;
/// How long between two.
const AGAIN: Duration = Duration::from_millis(100);

/// Somebody of an account.
#[derive(Clone)]
pub(crate) struct Customer {
    pub(crate) account: AccountId,
    dashboard: Url,
    login: Issuer,
    clock: WorldClock,
    client: reqwest::Client,
}

impl Customer {
    pub(crate) fn new(account: AccountId, dashboard: &Url, login: &Issuer, clock: &WorldClock) -> Self {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { account, dashboard: dashboard.clone(), login: login.clone(), clock: clock.clone(), client }
    }

    fn token(&self) -> String {
        let now = self.clock.now().as_second();
        self.login.sign(&json!({
            "iss": LOGIN, "aud": "spillway", "iat": now, "exp": now + 300,
            "account": self.account.0, "role": "editor", "email": "mara@example.com",
        }))
    }

    /// Asks once. None where nobody answers.
    async fn try_once(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let url = self.dashboard.join(&format!("/api/v1/{path}")).unwrap();
        let mut request = self.client.request(method, url).bearer_auth(self.token());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.ok()?;
        Some((answer.status(), answer.json().await.unwrap_or_default()))
    }

    /// Asks until there is an answer that is no failure of ours, as scripts do. What is asked has to be repeatable.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match self.try_once(method.clone(), path, headers, body).await {
                Some((status, body)) if !status.is_server_error() => return (status, body),
                failed => last = failed,
            }
            tokio::time::sleep(AGAIN).await;
        }
        panic!("{method} {path}: {last:?}");
    }

    /// Connects a bucket.
    pub(crate) async fn connect(&self, nickname: &str, bucket: &str, key: &Value) {
        let wish = json!({ "nickname": nickname, "bucket_name": bucket, "key": key.to_string() });
        let (status, answer) = self.ask(Method::POST, "buckets", &[], &wish).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }

    /// Creates an export, once, however often that has to be asked for.
    pub(crate) async fn create(&self, wish: &Value) -> RequestId {
        let key = format!("{:032x}", rand::random::<u128>());
        let (status, export) = self.ask(Method::POST, "exports", &[("idempotency-key", &key)], wish).await;
        assert_eq!(status, StatusCode::CREATED, "{export}");
        RequestId(export["request_id"].as_i64().unwrap())
    }

    /// Changes an export, whatever version it has.
    pub(crate) async fn edit(&self, request: RequestId, change: &Value) {
        let path = format!("exports/{request}");
        let (status, answer) = self.ask(Method::PATCH, &path, &[("if-match", "*")], change).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// Stops an export.
    pub(crate) async fn stop(&self, request: RequestId) {
        let path = format!("exports/{request}/stop");
        let (status, answer) = self.ask(Method::POST, &path, &[], &Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// An export as it stands.
    pub(crate) async fn export(&self, request: RequestId) -> Value {
        let (status, export) = self.ask(Method::GET, &format!("exports/{request}"), &[], &Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{export}");
        export
    }
}

/// All events of these days, in a format.
pub(crate) fn once(format: &str, days: [jiff::civil::Date; 2]) -> Value {
    json!({
        "bucket": "main", "data": { "kind": "all-events" }, "format": format,
        "frequency": { "kind": "one-time", "days": { "first": days[0], "last": days[1] } },
    })
}

/// All events from today on, again and again.
pub(crate) fn again(format: &str, frequency: Value) -> Value {
    json!({ "bucket": "main", "data": { "kind": "all-events" }, "format": format, "frequency": frequency })
}
