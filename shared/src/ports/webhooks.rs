//! Calling an account's webhook.

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::WebhookUrl;

/// A delivery as it goes out.
#[derive(Debug, Clone)]
pub struct WebhookCall {
    /// Where to.
    pub url: WebhookUrl,
    /// The delivery's id; a retry has the same.
    pub id: String,
    /// The second at which it is sent, since 1970.
    pub timestamp: i64,
    /// The signatures of id, timestamp and body.
    pub signatures: String,
    /// JSON.
    pub body: Bytes,
}

/// Why a delivery did not arrive: a sentence for the customer, whose server it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Nothing could be signed.
    #[error("The webhook has no secret yet, so that nothing can be signed. Make one in the settings.")]
    NoSecret,
    /// The server's name leads to an address that is nobody's but ours.
    #[error(
        "The webhook leads to a private address, which is not called. Enter the URL of a server that the internet reaches."
    )]
    Inside,
    /// The name leads nowhere.
    #[error("The webhook's server is not found: its name leads to no address. Check the URL.")]
    NoAddress,
    /// No answer in time.
    #[error(
        "The webhook's server did not answer within {secs} seconds. It has to answer at once, and work later."
    )]
    TimedOut {
        /// How long was waited.
        secs: u64,
    },
    /// No connection.
    #[error(
        "The webhook's server cannot be reached, or its certificate is not valid. Check the URL and the server."
    )]
    Unreachable,
    /// It points elsewhere.
    #[error(
        "The webhook's server answered {status}, a redirect, which is not followed. Enter the URL that it leads to."
    )]
    Redirected {
        /// The status.
        status: u16,
    },
    /// It does not want it.
    #[error("The webhook's server answered {status}. It has to answer with a status from 200 to 299.")]
    Refused {
        /// The status.
        status: u16,
    },
}

/// Calls webhooks. No call is made to an address that is not public, whatever the name led to before.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Makes a delivery, once, and gives the status with which it was taken. Ends within seconds, whatever the server
    /// does.
    ///
    /// # Errors
    /// [`WebhookError`].
    async fn call(&self, call: &WebhookCall) -> Result<u16, WebhookError>;
}
