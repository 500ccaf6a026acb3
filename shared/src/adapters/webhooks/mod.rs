//! Webhooks over HTTPS, to public addresses only.
//!
//! A customer names the server, so that the name may lead anywhere, and elsewhere a moment later. So the addresses are
//! looked at where the connection is made: the client has no resolver but ours, which gives it addresses that were
//! checked, and connects to those. There is no proxy, no redirect, no connection that is kept for later, and nothing of
//! the answer is read but its status.

mod resolve;

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{Certificate, Client, Url, header, redirect::Policy};
use url::Host;

pub use self::resolve::{Names, SystemNames};
use self::resolve::{NoAddress, PrivateAddress, PublicOnly};
use crate::{
    adapters::causes::has_cause,
    domain::{
        public_address::{is_public_v4, is_public_v6},
        webhook::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER},
    },
    ports::{WebhookCall, WebhookError, Webhooks},
};

/// What may be called, and for how long.
#[derive(Clone)]
pub struct WebhookOptions {
    /// How long a call may take, all in all.
    pub timeout: Duration,
    /// Whether an address may be called.
    pub may_call: fn(IpAddr) -> bool,
    /// What names lead to.
    pub names: Arc<dyn Names>,
    /// The authorities whose certificates count; none: those of the system.
    pub authorities: Option<Vec<Certificate>>,
}

impl Default for WebhookOptions {
    /// Public addresses, ten seconds.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            may_call: is_public,
            names: Arc::new(SystemNames),
            authorities: None,
        }
    }
}

/// Whether an address is anybody's.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address.octets()),
        IpAddr::V6(address) => is_public_v6(address.segments()),
    }
}

/// Calls webhooks.
pub struct HttpsWebhooks {
    client: Client,
    options: WebhookOptions,
}

impl HttpsWebhooks {
    /// Nothing is called yet.
    ///
    /// # Errors
    /// When this machine's TLS set-up does not work.
    pub fn new(options: WebhookOptions) -> Result<Self, reqwest::Error> {
        let resolver = PublicOnly { names: Arc::clone(&options.names), may_call: options.may_call };
        let builder = Client::builder()
            .user_agent(concat!("Spillway-Webhook/", env!("CARGO_PKG_VERSION")))
            .https_only(true)
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Arc::new(resolver))
            .pool_max_idle_per_host(0)
            .connect_timeout(options.timeout)
            .timeout(options.timeout);
        let client = match &options.authorities {
            Some(authorities) => builder.tls_certs_only(authorities.iter().cloned()),
            None => builder,
        };
        Ok(Self { client: client.build()?, options })
    }

    /// An address in place of a name is asked of no resolver.
    fn is_inside(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Domain(_)) => false,
            Some(Host::Ipv4(address)) => !(self.options.may_call)(address.into()),
            Some(Host::Ipv6(address)) => !(self.options.may_call)(address.into()),
            None => true,
        }
    }

    fn failure(&self, error: &reqwest::Error) -> WebhookError {
        if has_cause::<PrivateAddress>(error) {
            WebhookError::Inside
        } else if has_cause::<NoAddress>(error) {
            WebhookError::NoAddress
        } else if error.is_timeout() {
            WebhookError::TimedOut { secs: self.options.timeout.as_secs() }
        } else {
            WebhookError::Unreachable
        }
    }
}

#[async_trait]
impl Webhooks for HttpsWebhooks {
    async fn call(&self, call: &WebhookCall) -> Result<u16, WebhookError> {
        let Ok(url) = Url::parse(call.url.as_str()) else { return Err(WebhookError::NoAddress) };
        if self.is_inside(&url) {
            return Err(WebhookError::Inside);
        }
        let sent = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(ID_HEADER, &call.id)
            .header(TIMESTAMP_HEADER, call.timestamp)
            .header(SIGNATURE_HEADER, &call.signatures)
            .body(call.body.clone())
            .send()
            .await;
        match sent {
            // What it says besides is not read: nobody needs it, and it may be endless.
            Ok(answer) => {
                let (status, code) = (answer.status(), answer.status().as_u16());
                if status.is_success() {
                    Ok(code)
                } else if status.is_redirection() {
                    Err(WebhookError::Redirected { status: code })
                } else {
                    Err(WebhookError::Refused { status: code })
                }
            }
            Err(error) => {
                // Without the address: webhooks of chats are secrets.
                let failure = self.failure(&error);
                let error = error.without_url();
                tracing::debug!(%error, "a webhook was not reached");
                Err(failure)
            }
        }
    }
}

#[cfg(test)]
mod tests;
