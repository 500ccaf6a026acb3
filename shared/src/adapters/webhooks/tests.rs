//! Where no connection is made. Deliveries that arrive are tested over TLS, in the crate of the tests.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::domain::WebhookUrl;

/// Leads a name where the test likes.
struct Leads {
    to: Vec<IpAddr>,
    asked: AtomicUsize,
}

#[async_trait]
impl Names for Leads {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        assert_eq!(name, "hooks.example.com");
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.to.clone())
    }
}

async fn call(to: &[&str], url: &str) -> (Result<u16, WebhookError>, usize) {
    let to = to.iter().map(|address| address.parse().unwrap()).collect();
    let names = Arc::new(Leads { to, asked: AtomicUsize::new(0) });
    let options = WebhookOptions {
        timeout: Duration::from_millis(300),
        names: Arc::clone(&names) as Arc<dyn Names>,
        ..WebhookOptions::default()
    };
    let call = WebhookCall {
        url: WebhookUrl::new(url).unwrap(),
        id: "1".to_owned(),
        timestamp: 1,
        signatures: "v1,x".to_owned(),
        body: bytes::Bytes::from_static(b"{}"),
    };
    let result = HttpsWebhooks::new(options).unwrap().call(&call).await;
    (result, names.asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_name_that_leads_inward_is_not_called() {
    for inside in [
        &["127.0.0.1"][..],
        &["169.254.169.254"],
        &["10.0.0.7"],
        &["::1"],
        &["::ffff:169.254.169.254"],
        &["fd20:ce::254"],
        &["64:ff9b::a9fe:a9fe"],
        // One public address does not help.
        &["1.1.1.1", "127.0.0.1"],
        &["127.0.0.1", "1.1.1.1"],
    ] {
        let (result, asked) = call(inside, "https://hooks.example.com/x").await;
        assert_eq!((result, asked), (Err(WebhookError::Inside), 1), "{inside:?}");
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_told() {
    assert_eq!(call(&[], "https://hooks.example.com/x").await.0, Err(WebhookError::NoAddress));
}

#[tokio::test]
async fn an_address_that_was_saved_before_it_was_refused_is_not_called() {
    // A URL that passed when it was saved, and a rule that is stricter now.
    let options = WebhookOptions { may_call: |_| false, ..WebhookOptions::default() };
    let client = HttpsWebhooks::new(options).unwrap();
    for url in ["https://1.1.1.1/", "https://[2606:4700::1111]/"] {
        let url = Url::parse(url).unwrap();
        assert!(client.is_inside(&url), "{url}");
    }
}

#[test]
fn the_sentences_say_what_to_do() {
    for (error, says) in [
        (WebhookError::NoSecret, "in the settings"),
        (WebhookError::Inside, "private address"),
        (WebhookError::NoAddress, "Check the URL"),
        (WebhookError::TimedOut { secs: 10 }, "within 10 seconds"),
        (WebhookError::Unreachable, "certificate"),
        (WebhookError::Redirected { status: 301 }, "301, a redirect"),
        (WebhookError::Refused { status: 500 }, "answered 500"),
    ] {
        let text = error.to_string();
        assert!(text.contains(says) && text.ends_with('.'), "{text}");
    }
}
