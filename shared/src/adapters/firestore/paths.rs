//! Names of documents.
//!
//! Firestore's ids have no `/`, are not `.`, `..`, empty or `__…__`, and have at most 1,500 bytes. So everything but
//! letters, digits, `-` and `.` between others is escaped as in URLs, and what is long ends in a hash of the whole.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

use crate::domain::{AccountId, RequestId, RunKey};

/// The longest escaped text that stands in an id as it is.
const LONGEST: usize = 400;

/// The path of a document below the database.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct DocPath(pub(super) String);

impl fmt::Display for DocPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DocPath {
    /// A document of a collection at the top.
    pub(super) fn top(collection: &str, id: &str) -> Self {
        Self(format!("{collection}/{id}"))
    }

    /// A document of a collection below this one.
    pub(super) fn child(&self, collection: &str, id: &str) -> Self {
        Self(format!("{}/{collection}/{id}", self.0))
    }
}

/// A number as an id that sorts as numbers do.
pub(super) fn number_id(number: impl fmt::Display) -> String {
    format!("{number:0>20}")
}

/// Any text as an id; different texts give different ids.
pub(super) fn text_id(text: &str) -> String {
    let mut id = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => id.push(byte.into()),
            _ => write!(id, "%{byte:02X}").expect("text takes all"),
        }
    }
    if id.is_empty() {
        // Nothing is escaped so.
        return "%".to_owned();
    }
    if id.len() > LONGEST {
        id.truncate(LONGEST);
        // Cut off in an escape or not, what follows is none.
        id.push_str("%-");
        for byte in Sha256::digest(text) {
            write!(id, "{byte:02x}").expect("text takes all");
        }
    }
    id
}

/// An account.
pub(super) fn account(id: AccountId) -> DocPath {
    DocPath::top("accounts", &number_id(id.0))
}

/// What is written by all who change which exports go into which buckets of an account.
pub(super) fn bucket_guard(id: AccountId) -> DocPath {
    account(id).child("guards", "buckets")
}

/// An export.
pub(super) fn export(id: AccountId, request: RequestId) -> DocPath {
    account(id).child("exports", &number_id(request.0))
}

/// A run.
pub(super) fn run(key: RunKey) -> DocPath {
    export(key.account, key.request).child("runs", &number_id(key.run.0))
}

/// A planning of a run.
pub(super) fn plan(key: RunKey, token: &str) -> DocPath {
    run(key).child("plans", &text_id(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_valid_and_never_meet() {
        let long = "x".repeat(5_000);
        let longer = "x".repeat(5_001);
        let texts = [
            "", ".", "..", "__x__", "a/b", "a%2Fb", "%", "é", "e\u{301}", "\0", " ", "A", "a", &long, &longer,
        ];
        let mut ids: Vec<_> = texts.iter().map(|text| text_id(text)).collect();
        for id in &ids {
            assert!(!id.is_empty() && id.len() < 1_500 && !id.contains(['/', '.', '_']), "{id}");
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), texts.len());
    }

    #[test]
    fn numbers_sort_as_text() {
        let numbers = [0, 7, i64::MAX as u64, 1 << 63, u64::MAX];
        assert!(numbers.map(number_id).is_sorted());
        assert!(numbers.map(number_id).iter().all(|id| id.len() == 20));
    }
}
