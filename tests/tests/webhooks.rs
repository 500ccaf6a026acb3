//! Webhooks over TLS: what arrives is signed, and whatever the customer's server does, nobody else waits and nothing is
//! led inward.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "webhooks/notices.rs"]
mod notices;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Redirect},
    routing::post,
};
use bytes::Bytes;
use http::StatusCode;
use spillway::{
    adapters::webhooks::{HttpsWebhooks, Names, WebhookOptions},
    domain::{
        Account, WebhookUrl,
        webhook::{ID_HEADER, SIGNATURE_HEADER, SigningSecret, TIMESTAMP_HEADER, verify},
    },
    ports::{WebhookCall, WebhookError, Webhooks},
    steps::{self, TriedWebhook},
};
use spillway_tests::{
    fakes::{HOOK_HOST, HookServer},
    harness::{ACCOUNT, TestApp},
};

const GOOD: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const EVIL: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Leads to one address after the other, the last one for ever.
struct Leads {
    to: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Leads {
    fn to(to: &[&[IpAddr]]) -> Arc<Self> {
        Arc::new(Self { to: to.iter().map(|to| to.to_vec()).collect(), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Names for Leads {
    async fn look_up(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.to[asked.min(self.to.len() - 1)].clone())
    }
}

/// A client for which 127.0.0.1 is the internet, and everything else is inside.
fn client(server: &HookServer, names: &Arc<Leads>, timeout: Duration) -> HttpsWebhooks {
    HttpsWebhooks::new(WebhookOptions {
        timeout,
        may_call: |address| address == GOOD,
        names: Arc::clone(names) as Arc<dyn Names>,
        authorities: Some(vec![server.authority.clone()]),
    })
    .unwrap()
}

fn url(server: &HookServer, path: &str) -> WebhookUrl {
    WebhookUrl::new(&format!("https://{HOOK_HOST}:{}{path}", server.address.port())).unwrap()
}

fn call(server: &HookServer, path: &str) -> WebhookCall {
    WebhookCall {
        url: url(server, path),
        id: "run-1".to_owned(),
        timestamp: 1_690_283_492,
        signatures: "v1,x".to_owned(),
        body: Bytes::from_static(b"{\"text\":\"hello\"}"),
    }
}

fn soon() -> Duration {
    Duration::from_millis(500)
}

#[tokio::test]
async fn a_delivery_arrives_signed_and_as_it_was_made() {
    let server = HookServer::start().await;
    let names = Leads::to(&[&[GOOD]]);
    let mut app = TestApp::new().await;
    app.other_webhooks = Some(Arc::new(client(&server, &names, soon())));
    let parts = app.parts();
    let mut settings = Account::clone(&app.store.account(ACCOUNT).await.unwrap().unwrap());
    settings.webhook = Some(url(&server, "/hooks?token=t"));
    app.store.put_account(&settings).await.unwrap();
    let without_secret = steps::test_webhook(&parts, ACCOUNT).await.unwrap().unwrap();
    assert!(without_secret.outcome.unwrap_err().contains("no secret yet"), "nothing goes out unsigned");
    assert!(server.deliveries().is_empty());

    let (secret, _) = steps::renew_webhook_secret(&parts, ACCOUNT).await.unwrap();
    let TriedWebhook { outcome, .. } = steps::test_webhook(&parts, ACCOUNT).await.unwrap().unwrap();
    assert_eq!(outcome, Ok(204));
    let (renewed, _) = steps::renew_webhook_secret(&parts, ACCOUNT).await.unwrap();
    assert_eq!(steps::test_webhook(&parts, ACCOUNT).await.unwrap().unwrap().outcome, Ok(204));
    let deliveries = server.deliveries();
    assert_eq!(deliveries.len(), 2);
    for (at, (headers, body)) in deliveries.iter().enumerate() {
        let header = |name: &str| headers[name].to_str().unwrap();
        let is_signed_by = |secret: &str| {
            let secret = SigningSecret::read(secret).unwrap();
            let (id, sent_at) = (header(ID_HEADER), header(TIMESTAMP_HEADER));
            verify(&secret, id, sent_at, header(SIGNATURE_HEADER), body, app.now())
        };
        assert_eq!(header("content-type"), "application/json");
        assert!(header("user-agent").starts_with("Spillway-Webhook/"));
        // The secret before goes on signing for a day.
        assert!(is_signed_by(&secret));
        assert_eq!(is_signed_by(&renewed), at == 1);
        let told: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!((&told["event"], &told["account"]), (&"test".into(), &ACCOUNT.0.into()));
    }
    app.advance_secs(86_400);
    steps::test_webhook(&parts, ACCOUNT).await.unwrap().unwrap().outcome.unwrap();
    let (headers, _) = server.deliveries().pop().unwrap();
    assert_eq!(headers[SIGNATURE_HEADER].to_str().unwrap().split(' ').count(), 1, "and no longer");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&elsewhere);
    let routes = Router::new()
        .route("/moved", post(|| async { Redirect::temporary("/elsewhere") }))
        .route("/elsewhere", post(move || count(Arc::clone(&counted))));
    let server = HookServer::serving(SocketAddr::new(GOOD, 0), routes).await;
    let client = client(&server, &Leads::to(&[&[GOOD]]), soon());
    assert_eq!(client.call(&call(&server, "/moved")).await, Err(WebhookError::Redirected { status: 307 }));
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0);
    assert_eq!(client.call(&call(&server, "/elsewhere")).await, Ok(200));
}

async fn count(calls: Arc<AtomicUsize>) -> StatusCode {
    calls.fetch_add(1, Ordering::SeqCst);
    StatusCode::OK
}

#[tokio::test]
async fn what_a_server_refuses_is_told_with_its_status() {
    let routes = Router::new().route("/broken", post(|| async { StatusCode::INTERNAL_SERVER_ERROR }));
    let server = HookServer::serving(SocketAddr::new(GOOD, 0), routes).await;
    let client = client(&server, &Leads::to(&[&[GOOD]]), soon());
    assert_eq!(client.call(&call(&server, "/broken")).await, Err(WebhookError::Refused { status: 500 }));
    assert_eq!(client.call(&call(&server, "/nowhere")).await, Err(WebhookError::Refused { status: 404 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_holds_up_nobody() {
    let routes = Router::new()
        .route("/hangs", post(std::future::pending::<StatusCode>))
        .route("/works", post(|| async { StatusCode::OK }));
    let server = HookServer::serving(SocketAddr::new(GOOD, 0), routes).await;
    let client = client(&server, &Leads::to(&[&[GOOD]]), Duration::from_secs(2));
    let began = Instant::now();
    let hanging = call(&server, "/hangs");
    let working = call(&server, "/works");
    let (hung, worked) = tokio::join!(client.call(&hanging), async {
        let worked = client.call(&working).await;
        (worked, began.elapsed())
    });
    assert_eq!(hung, Err(WebhookError::TimedOut { secs: 2 }));
    assert_eq!(worked.0, Ok(200));
    assert!(worked.1 < Duration::from_secs(2), "it did not wait: {:?}", worked.1);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let routes = Router::new().route("/endless", post(endless));
    let server = HookServer::serving(SocketAddr::new(GOOD, 0), routes).await;
    let client = client(&server, &Leads::to(&[&[GOOD]]), Duration::from_secs(20));
    assert_eq!(client.call(&call(&server, "/endless")).await, Ok(200));
}

async fn endless() -> impl IntoResponse {
    let piece = Bytes::from(vec![b'x'; 65_536]);
    Body::from_stream(futures::stream::repeat_with(move || Ok::<_, io::Error>(piece.clone())))
}

#[tokio::test]
async fn a_name_that_turns_inward_is_caught_where_the_connection_is_made() {
    let server = HookServer::start().await;
    let reached = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reached);
    // The same port inside; whoever connects there is counted, also without a handshake.
    let inside = tokio::net::TcpListener::bind(SocketAddr::new(EVIL, server.address.port())).await.unwrap();
    tokio::spawn(async move {
        while inside.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let names = Leads::to(&[&[GOOD], &[EVIL], &[GOOD, EVIL], &[EVIL, GOOD]]);
    let client = client(&server, &names, soon());
    assert_eq!(client.call(&call(&server, "/")).await, Ok(204));
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "asked once, and the answer is what is connected to");
    for _ in 0..3 {
        assert_eq!(client.call(&call(&server, "/")).await, Err(WebhookError::Inside));
    }
    assert_eq!((names.asked.load(Ordering::SeqCst), reached.load(Ordering::SeqCst)), (4, 0));
    assert_eq!(server.deliveries().len(), 1, "no connection was kept for later either");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (server, other) = (HookServer::start().await, HookServer::start().await);
    let client = client(&other, &Leads::to(&[&[GOOD]]), soon());
    assert_eq!(client.call(&call(&server, "/")).await, Err(WebhookError::Unreachable));
    assert!(server.deliveries().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let server = HookServer::start().await;
    let client = client(&server, &Leads::to(&[&[GOOD]]), soon());
    let free = tokio::net::TcpListener::bind((GOOD, 0)).await.unwrap().local_addr().unwrap().port();
    let url = WebhookUrl::new(&format!("https://{HOOK_HOST}:{free}/")).unwrap();
    let nobody = WebhookCall { url, ..call(&server, "/") };
    assert_eq!(client.call(&nobody).await, Err(WebhookError::Unreachable));
    // One that takes the connection and never says a word.
    let silent = tokio::net::TcpListener::bind((GOOD, 0)).await.unwrap();
    let url = format!("https://{HOOK_HOST}:{}/", silent.local_addr().unwrap().port());
    let mute = WebhookCall { url: WebhookUrl::new(&url).unwrap(), ..call(&server, "/") };
    assert_eq!(client.call(&mute).await, Err(WebhookError::TimedOut { secs: 0 }));
}
