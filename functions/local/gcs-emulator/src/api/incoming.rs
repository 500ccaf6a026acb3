//! A request's body as it comes: paced and broken off where a fault says so.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::StreamExt;
use serde::de::DeserializeOwned;

use super::Failure;
use crate::{
    error::ApiError,
    faults::{Fault, Strike},
};

/// The longest JSON document that a request may carry.
const MAX_JSON_BYTES: usize = 1 << 20;
/// How much of a refused body is still read, so that the refusal arrives.
const MAX_DRAIN_BYTES: usize = 64 << 20;

/// How a fault disturbs bytes on their way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disturbance {
    /// Bytes until the connection breaks.
    left: Option<u64>,
    bytes_per_sec: Option<u64>,
}

impl Disturbance {
    pub(super) fn of(strike: Strike) -> Self {
        let left = match strike.fault {
            Some(Fault::Break { after_bytes }) => Some(after_bytes),
            _ => None,
        };
        Self { left, bytes_per_sec: strike.bytes_per_sec }
    }

    /// What of `bytes` still passes, after its time; empty means that the connection breaks here.
    pub(super) async fn pass(&mut self, mut bytes: Bytes) -> Bytes {
        if let Some(left) = &mut self.left {
            bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= bytes.len() as u64;
        }
        if let Some(rate) = self.bytes_per_sec {
            tokio::time::sleep(Duration::from_secs_f64(bytes.len() as f64 / rate as f64)).await;
        }
        bytes
    }

    /// Whether the end of the bytes is to be a break as well.
    pub(super) fn breaks(&self) -> bool {
        self.left.is_some()
    }
}

/// The body of one request.
pub(super) struct Incoming {
    stream: BodyDataStream,
    disturbance: Disturbance,
}

impl Incoming {
    pub(super) fn new(body: Body, strike: Strike) -> Self {
        Self { stream: body.into_data_stream(), disturbance: Disturbance::of(strike) }
    }

    /// The next bytes, never empty; `Broken` where the client or a fault breaks off.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            match self.stream.next().await {
                None if self.disturbance.breaks() => return Err(Failure::Broken),
                None => return Ok(None),
                Some(Err(error)) => {
                    tracing::debug!(%error, "a client broke off");
                    return Err(Failure::Broken);
                }
                Some(Ok(bytes)) if bytes.is_empty() => {}
                Some(Ok(bytes)) => {
                    let bytes = self.disturbance.pass(bytes).await;
                    return if bytes.is_empty() { Err(Failure::Broken) } else { Ok(Some(bytes)) };
                }
            }
        }
    }

    /// The whole body as JSON; an empty one is the default.
    pub(super) async fn json<T: DeserializeOwned + Default>(&mut self) -> Result<T, Failure> {
        let mut text = Vec::new();
        while let Some(bytes) = self.next().await? {
            append(&mut text, &bytes)?;
        }
        Ok(parse(&text)?)
    }

    /// Reads and forgets what is left, within reason.
    pub(super) async fn drain(&mut self) {
        let mut drained = 0;
        while drained < MAX_DRAIN_BYTES
            && let Some(Ok(bytes)) = self.stream.next().await
        {
            drained += bytes.len();
        }
    }
}

/// Appends to a JSON text, within reason.
pub(super) fn append(text: &mut Vec<u8>, bytes: &[u8]) -> Result<(), ApiError> {
    if text.len() + bytes.len() > MAX_JSON_BYTES {
        return Err(ApiError::invalid("Metadata part is too large."));
    }
    text.extend_from_slice(bytes);
    Ok(())
}

/// Parses a JSON text; an empty one is the default.
pub(super) fn parse<T: DeserializeOwned + Default>(text: &[u8]) -> Result<T, ApiError> {
    if text.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(text).map_err(|error| {
        ApiError::new(http::StatusCode::BAD_REQUEST, "parseError", format!("Parse Error: {error}"))
    })
}
