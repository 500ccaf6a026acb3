//! What the page about webhooks shows: headers, events, an example, and lines that check a signature.

use serde_json::json;
use spillway::domain::webhook::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};

/// The headers, and what they say.
pub(super) const HEADERS: [(&str, &str); 3] = [
    (ID_HEADER, "The delivery's id. A repeated delivery has the same: take each id once."),
    (
        TIMESTAMP_HEADER,
        "The second, since 1970, at which it was sent. Refuse what is older than five minutes.",
    ),
    (
        SIGNATURE_HEADER,
        "“v1,” and the signature. Several, with blanks between them, while an old secret counts too.",
    ),
];

/// The events: name, the product's status, what has happened.
pub(super) const EVENTS: [(&str, &str, &str); 9] = [
    ("run.started", "Initiated", "A run has begun to write files."),
    ("run.finished", "Completed", "Everything was delivered, or nothing was in the window."),
    ("run.incomplete", "Failed", "Files are missing, for a fault of ours; they follow."),
    ("run.stopped", "Stopped", "A run was stopped; complete files stay."),
    (
        "incident.opened",
        "Blocked",
        "A bucket takes no files any more. One series a bucket, with all its exports.",
    ),
    ("incident.reminder", "Blocked", "A day later it still takes none."),
    ("incident.stopped", "Stopped", "After three days the exports into it were stopped."),
    ("incident.resolved", "Resumed", "It takes files again; what is owed goes out in order."),
    ("test", "Test", "Somebody clicked “Send a test”."),
];

/// A delivery.
pub(super) fn example() -> String {
    let delivery = json!({
        "Export Request Id": 1_690_283_492,
        "Partner": "Google Cloud Storage",
        "Type": "Events",
        "Status": "Completed",
        "Frequency": "One Time",
        "Date and Time": "25/07/2023 4:50:52 PM",
        "text": "Export 1690283492: a run is complete, with 912 rows in 12 files in main.",
        "version": 1,
        "event": "run.finished",
        "account": 100_000_000,
        "occurred_at": "2023-07-25T11:20:52Z",
        "run": {
            "request_id": 1_690_283_492,
            "run": 1_690_283_492,
            "status": "DONE",
            "window": { "from": "2023-07-01T00:00:00Z", "to": "2023-07-03T00:00:00Z", "kind": "eventDate" },
            "bucket": "main",
            "bucket_name": "acme-exports",
            "rows": 912,
            "files": 12,
            "bytes": 34_567,
            "failed_files": 0,
            "manifest": "1690283492-1690283492.manifest",
        },
    });
    serde_json::to_string_pretty(&delivery).unwrap_or_default()
}

/// Checks a signature, in Python.
pub(super) const PYTHON: &str = r#"import base64, hashlib, hmac, time

def is_ours(secret: str, headers, body: bytes) -> bool:
    sent_at = headers["webhook-timestamp"]
    if abs(time.time() - int(sent_at)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([headers["webhook-id"].encode(), sent_at.encode(), body])
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split())
"#;

/// The same for Node.
pub(super) const NODE: &str = r#"const { createHmac, timingSafeEqual } = require("node:crypto");

function isOurs(secret, headers, body) {
  const sentAt = headers["webhook-timestamp"];
  if (Math.abs(Date.now() / 1000 - Number(sentAt)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mac = createHmac("sha256", key).update(`${headers["webhook-id"]}.${sentAt}.`).update(body);
  const expected = Buffer.from("v1," + mac.digest("base64"));
  return headers["webhook-signature"].split(" ").map((one) => Buffer.from(one))
    .some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}
"#;
