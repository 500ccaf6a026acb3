//! What was asked of Firestore, counted as it is billed.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a store has asked of Firestore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Operations {
    /// Calls of any kind.
    pub calls: u64,
    /// Documents read, missing ones and the entries of counts included (a thousand are one).
    pub reads: u64,
    /// Documents written or deleted, and those whose version was checked alone.
    pub writes: u64,
    /// Commits: transactions, and batches of new chunks.
    pub commits: u64,
    /// Attempts that had to be made again.
    pub retries: u64,
}

impl std::ops::Sub for Operations {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            calls: self.calls - before.calls,
            reads: self.reads - before.reads,
            writes: self.writes - before.writes,
            commits: self.commits - before.commits,
            retries: self.retries - before.retries,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    calls: AtomicU64,
    reads: AtomicU64,
    writes: AtomicU64,
    commits: AtomicU64,
    retries: AtomicU64,
}

impl Counters {
    pub(super) fn called(&self, reads: usize) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.reads.fetch_add(reads as u64, Ordering::Relaxed);
    }

    pub(super) fn committed(&self, writes: usize) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.writes.fetch_add(writes as u64, Ordering::Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Operations {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Operations {
            calls: count(&self.calls),
            reads: count(&self.reads),
            writes: count(&self.writes),
            commits: count(&self.commits),
            retries: count(&self.retries),
        }
    }
}
