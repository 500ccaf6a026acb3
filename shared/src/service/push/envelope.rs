//! What Pub/Sub pushes: a message in an envelope, whose data is ours. Nothing in it is trusted.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;

use crate::ports::Work;

/// A message as it comes. The emulator sends its names twice, in both spellings, so that both are fields.
#[derive(Deserialize)]
struct Envelope {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    data: Option<String>,
    #[serde(rename = "messageId")]
    camel_id: Option<String>,
    #[serde(rename = "message_id")]
    snake_id: Option<String>,
}

/// A message that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    /// Pub/Sub's name for it, for the log.
    pub(super) id: String,
    /// What is to be done.
    pub(super) work: Work,
}

/// Why no delivery will ever make sense of it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Malformed {
    #[error("it is no envelope of Pub/Sub's: {0}")]
    Envelope(String),
    #[error("its data is not base64")]
    Base64,
    #[error("its data is no work of ours: {0}")]
    Work(String),
    #[error("it names {0} chunks; {1} are the most")]
    TooMany(usize, usize),
    #[error("it names a plan or a chunk that cannot be")]
    Name,
}

/// Reads a push's body. `most_chunks` is what a message of ours has at most.
pub(super) fn open(body: &[u8], most_chunks: usize) -> Result<Delivered, Malformed> {
    let envelope: Envelope =
        serde_json::from_slice(body).map_err(|error| Malformed::Envelope(error.to_string()))?;
    let Message { data, camel_id, snake_id } = envelope.message;
    let data = BASE64_STANDARD.decode(data.unwrap_or_default()).map_err(|_| Malformed::Base64)?;
    let work: Work = serde_json::from_slice(&data).map_err(|error| Malformed::Work(error.to_string()))?;
    if let Work::Chunks { plan, chunks, .. } = &work {
        if chunks.len() > most_chunks {
            return Err(Malformed::TooMany(chunks.len(), most_chunks));
        }
        // They become parts of documents' names: nothing but what we make may get there.
        if !is_hex(&plan.0) || !chunks.iter().all(|chunk| is_hex(&chunk.0)) {
            return Err(Malformed::Name);
        }
    }
    Ok(Delivered { id: camel_id.or(snake_id).unwrap_or_default(), work })
}

fn is_hex(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{AccountId, ChunkId, PlanToken, RequestId, RunKey, RunTimestamp};

    fn envelope(work: &Value) -> Value {
        json!({ "message": { "data": BASE64_STANDARD.encode(work.to_string()), "messageId": "7" } })
    }

    fn key() -> RunKey {
        RunKey { account: AccountId(1), request: RequestId(2), run: RunTimestamp(3) }
    }

    #[test]
    fn what_the_queue_sends_is_read() {
        let chunks = vec![ChunkId("0a".to_owned()), ChunkId("ff".to_owned())];
        let works = [
            Work::Run { run: key() },
            Work::Chunks { run: key(), plan: PlanToken("00ff".to_owned()), chunks },
            Work::Chunks { run: key(), plan: PlanToken("00ff".to_owned()), chunks: Vec::new() },
        ];
        for work in works {
            let mut both = envelope(&serde_json::to_value(&work).unwrap());
            both["message"]["message_id"] = json!("7");
            both["message"]["publishTime"] = json!("2026-03-10T12:00:00Z");
            both["message"]["attributes"] = json!({ "a": "b" });
            both["subscription"] = json!("projects/p/subscriptions/s");
            both["deliveryAttempt"] = json!(3);
            let opened = open(both.to_string().as_bytes(), 50).unwrap();
            assert_eq!(opened, Delivered { id: "7".to_owned(), work });
        }
    }

    #[test]
    fn what_was_forged_is_refused() {
        let run = json!({ "account": 1, "request": 2, "run": 3 });
        let chunks = |plan: &str, chunks: Value| {
            envelope(&json!({ "work": "chunks", "run": run, "plan": plan, "chunks": chunks }))
        };
        let many: Vec<_> = (0..51).map(|number| format!("{number:x}")).collect();
        for bad in [
            json!(null),
            json!([]),
            json!({}),
            json!({ "message": null }),
            json!({ "message": {} }),
            json!({ "message": { "data": 1 } }),
            json!({ "message": { "data": "%%" } }),
            json!({ "message": { "data": "" } }),
            envelope(&json!({})),
            envelope(&json!({ "work": "delete", "run": run })),
            envelope(&json!({ "work": "run" })),
            envelope(&json!({ "work": "run", "run": { "account": -1, "request": 2, "run": 3 } })),
            envelope(&json!({ "work": "run", "run": { "account": "1", "request": 2, "run": 3 } })),
            envelope(&json!({ "work": "run", "run": { "account": 1, "request": 2.5, "run": 3 } })),
            chunks("00", json!(many)),
            chunks("", json!(["00"])),
            chunks("..", json!(["00"])),
            chunks("00", json!(["../../accounts/2"])),
            chunks("00", json!(["0/1"])),
            chunks("00", json!([""])),
            chunks("00", json!(["0".repeat(65)])),
            chunks("00", json!([7])),
        ] {
            assert!(open(bad.to_string().as_bytes(), 50).is_err(), "{bad:.200}");
        }
        for bad in [&b""[..], b"{", b"\xff", b"{\"message\":{\"data\":\"e30=\"}} x"] {
            assert!(open(bad, 50).is_err());
        }
        let deep = "[".repeat(100_000);
        assert!(open(deep.as_bytes(), 50).is_err());
    }
}
