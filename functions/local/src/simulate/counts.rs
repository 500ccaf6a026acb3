//! What was asked of a store: calls by method, and writes by document.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use spillway::domain::ChunkId;

/// A document that a call writes, by DESIGN's names. A simulation has one account with one export of one run and plan,
/// so that a name is one document; chunks are many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Document {
    /// The only one of its name.
    One(&'static str),
    /// A chunk that is there.
    Chunk(ChunkId),
}

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Calls by method.
    pub(super) calls: BTreeMap<&'static str, u64>,
    /// Calls that only read.
    pub(super) reads: u64,
    /// Documents written, new chunks included.
    pub(super) writes: u64,
    documents: BTreeMap<&'static str, Written>,
    /// By a hash of the chunk's id, without its creation.
    chunks: HashMap<u64, u8>,
}

#[derive(Debug, Clone, Copy)]
struct Written {
    times: u64,
    first: Timestamp,
    last: Timestamp,
}

/// The document that is written most often a second.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hottest {
    pub(super) document: &'static str,
    pub(super) writes: u64,
    pub(super) writes_per_sec: f64,
}

impl Counts {
    /// A call that only read.
    pub(super) fn read(&mut self, method: &'static str) {
        *self.calls.entry(method).or_default() += 1;
        self.reads += 1;
    }

    /// A call that wrote these documents.
    pub(super) fn wrote(&mut self, method: &'static str, documents: Vec<Document>, now: Timestamp) {
        *self.calls.entry(method).or_default() += 1;
        for document in documents {
            self.writes += 1;
            match document {
                Document::One(name) => {
                    let new = Written { times: 0, first: now, last: now };
                    let written = self.documents.entry(name).or_insert(new);
                    (written.times, written.last) = (written.times + 1, now);
                }
                Document::Chunk(id) => {
                    let times = self.chunks.entry(xxh3_64(id.0.as_bytes())).or_default();
                    *times = times.saturating_add(1);
                }
            }
        }
    }

    /// A call that wrote so many chunks which were not there.
    pub(super) fn added(&mut self, method: &'static str, chunks: u64) {
        *self.calls.entry(method).or_default() += 1;
        self.writes += chunks;
    }

    /// How often the same chunk was written at most, its creation included.
    pub(super) fn most_of_a_chunk(&self) -> u64 {
        self.chunks.values().max().map_or(0, |times| u64::from(*times) + 1)
    }

    /// The document of the highest rate. Below a second it counts as one, as Firestore's limit is a sustained one.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(super) fn hottest(&self) -> Option<Hottest> {
        let of_one = self.documents.iter().map(|(name, written)| {
            let secs = written.last.duration_since(written.first).as_secs_f64().max(1.0);
            Hottest { document: name, writes: written.times, writes_per_sec: written.times as f64 / secs }
        });
        let most = self.most_of_a_chunk();
        let of_chunks = Hottest { document: "chunk", writes: most, writes_per_sec: most as f64 };
        let all = of_one.chain((most > 0).then_some(of_chunks));
        all.max_by(|a, b| a.writes_per_sec.total_cmp(&b.writes_per_sec))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn the_hottest_document_is_the_one_of_the_highest_rate() {
        let mut counts = Counts::default();
        assert_eq!(counts.hottest(), None);
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for second in 0..=10 {
            let now = start + SignedDuration::from_secs(second);
            let chunk = Document::Chunk(ChunkId(format!("{second}")));
            counts.wrote(
                "claim_messages",
                vec![Document::One("plan"), chunk.clone(), Document::One("plan")],
                now,
            );
            counts.wrote("change_chunk", vec![chunk], now);
        }
        counts.read("tally");
        counts.added("add_chunks", 5);
        let hottest = counts.hottest().unwrap();
        assert_eq!((hottest.document, hottest.writes), ("chunk", 3));
        for _ in 0..20 {
            counts.wrote(
                "claim_messages",
                vec![Document::One("plan")],
                start + SignedDuration::from_secs(10),
            );
        }
        let hottest = counts.hottest().unwrap();
        assert_eq!((hottest.document, hottest.writes), ("plan", 42));
        assert!((hottest.writes_per_sec - 4.2).abs() < 1e-9);
        assert_eq!((counts.reads, counts.writes), (1, 11 * 4 + 5 + 20));
        assert_eq!(counts.calls["claim_messages"], 31);
    }
}
