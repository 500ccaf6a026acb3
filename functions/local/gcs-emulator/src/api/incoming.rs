//! A request's body as it comes: paced and broken off where a fault says so.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until};

use super::Failure;
use crate::{
    error::ApiError,
    faults::{Fault, Strike},
};

/// The longest JSON document that a request may carry.
const MAX_JSON_BYTES: usize = 1 << 20;
/// How much of a refused body is still read, so that the refusal arrives.
const MAX_DRAIN_BYTES: usize = 64 << 20;

/// How late a piece may be for the next ones to make up for it. Silence that lasts longer gives no right to a burst.
const MADE_UP: Duration = Duration::from_millis(20);

/// Lets bytes pass at a rate, over many pieces: timers go by whole milliseconds, in which a fast line carries more than a
/// piece.
#[derive(Clone, Copy, Debug)]
struct Pace {
    bytes_per_sec: u64,
    /// When the line is free again.
    free_at: Option<Instant>,
}

impl Pace {
    /// When `bytes` that came at `now` have passed.
    fn passed_at(&mut self, now: Instant, bytes: usize) -> Instant {
        let earliest = now.checked_sub(MADE_UP).unwrap_or(now);
        let begun = self.free_at.map_or(now, |free_at| free_at.max(earliest));
        let passed = begun + Duration::from_secs_f64(bytes as f64 / self.bytes_per_sec as f64);
        self.free_at = Some(passed);
        passed
    }
}

/// How a fault disturbs bytes on their way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disturbance {
    /// Bytes until the connection breaks.
    left: Option<u64>,
    pace: Option<Pace>,
}

impl Disturbance {
    pub(super) fn of(strike: Strike) -> Self {
        let left = match strike.fault {
            Some(Fault::Break { after_bytes }) => Some(after_bytes),
            _ => None,
        };
        let pace = strike.bytes_per_sec.map(|bytes_per_sec| Pace { bytes_per_sec, free_at: None });
        Self { left, pace }
    }

    /// What of `bytes` still passes, after its time; empty means that the connection breaks here.
    pub(super) async fn pass(&mut self, mut bytes: Bytes) -> Bytes {
        if let Some(left) = &mut self.left {
            bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= bytes.len() as u64;
        }
        if let Some(pace) = &mut self.pace {
            sleep_until(pace.passed_at(Instant::now(), bytes.len())).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { bytes_per_sec: 100_000_000, free_at: None };

    #[test]
    fn a_fast_line_is_as_fast_as_it_says_though_timers_are_coarse() {
        let (mut pace, begun) = (PACE, Instant::now());
        let mut now = begun;
        for _ in 0..1_000 {
            let passed = pace.passed_at(now, 50_000);
            // A timer that ends with the next whole millisecond.
            let micros = passed.duration_since(begun).as_micros().next_multiple_of(1_000);
            now = begun + Duration::from_micros(u64::try_from(micros).unwrap());
        }
        assert_eq!(now.duration_since(begun), Duration::from_millis(500));
    }

    #[test]
    fn silence_gives_no_burst() {
        let (mut pace, begun) = (PACE, Instant::now());
        assert_eq!(pace.passed_at(begun, 1_000_000), begun + Duration::from_millis(10));
        let later = begun + Duration::from_secs(5);
        let passed = pace.passed_at(later, 10_000_000);
        assert_eq!(passed, later + Duration::from_millis(100) - MADE_UP);
    }
}
