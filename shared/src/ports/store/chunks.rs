//! Chunks of runs. Their transactions touch the chunk alone (and create its successor), never its run or export, so
//! that they scale.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::domain::{Chunk, ChunkCommand, ChunkId, ChunkKey, ManifestFile, PlanToken, RunKey};

/// A page of chunks.
#[derive(Debug, Clone, Default)]
pub struct ChunkPage {
    /// In the order of their ids.
    pub chunks: Vec<Chunk>,
    /// Where the next page begins; none at the end.
    pub next: Option<ChunkId>,
}

/// How the chunks of a plan stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChunkTally {
    /// Waiting, or leased with a lease that has ended.
    pub ready: u64,
    /// Under a valid lease.
    pub leased: u64,
    /// Done.
    pub done: u64,
    /// Given up.
    pub failed: u64,
}

/// An object that a run has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFile {
    /// As in the manifest.
    pub file: ManifestFile,
    /// When it was complete; none where an earlier version wrote it.
    pub completed_at: Option<Timestamp>,
}

/// A page of a run's objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePage {
    /// In the order of their names.
    pub files: Vec<RunFile>,
    /// Behind which the next page begins; none at the end.
    pub next: Option<String>,
}

/// What a plan's chunks have written so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WrittenSums {
    /// Objects.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their bytes as stored.
    pub bytes: u64,
}

/// How many messages of a plan may be out, and how many are taken in one write of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimLimits {
    /// How many may be out.
    pub most: usize,
    /// How many are taken at once, where as many places are free: fewer are not worth a write.
    pub at_once: usize,
}

impl ClaimLimits {
    /// Half of those that may be out at once: a plan is then written once for many messages, and while as many are worked,
    /// others wait on the queue.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { most, at_once: (most / 2).max(1) }
    }

    /// How many messages may be taken while so many are out.
    #[must_use]
    pub fn room(self, out: usize) -> usize {
        let at_once = self.at_once.clamp(1, self.most.max(1));
        if out.saturating_add(at_once) <= self.most { at_once } else { 0 }
    }
}

/// Chunks of runs. See [`Store`](super::Store).
#[async_trait]
pub trait ChunkStore: Send + Sync {
    /// Stores chunks of a plan that is not yet the run's, create-only; those that exist stay as they are. Any
    /// number; the adapter cuts them into batches, each a transaction. [`StoreError::NotFound`] without their run.
    async fn add_chunks(&self, chunks: &[Chunk]) -> Result<(), StoreError>;
    /// A chunk.
    async fn chunk(&self, key: &ChunkKey) -> Result<Option<Chunk>, StoreError>;
    /// Applies a command to a chunk, and stores its successor with it ([`Chunk::apply`]). Gives the chunk as it
    /// is then, and the successor.
    async fn change_chunk(
        &self,
        key: &ChunkKey,
        command: ChunkCommand,
        now: Timestamp,
    ) -> Result<(Chunk, Option<Chunk>), StoreError>;
    /// A page of a plan's chunks, up to `limit` (at least one), by id, from `from` on.
    async fn chunks(
        &self,
        run: RunKey,
        plan: &PlanToken,
        from: Option<&ChunkId>,
        limit: usize,
    ) -> Result<ChunkPage, StoreError>;
    /// Counts a plan's chunks by state, by count queries.
    async fn tally(&self, run: RunKey, plan: &PlanToken, now: Timestamp) -> Result<ChunkTally, StoreError>;
    /// Adds up what a plan's chunks have written, by a sum query.
    async fn written(&self, run: RunKey, plan: &PlanToken) -> Result<WrittenSums, StoreError>;
    /// A page of the objects of a plan's chunks, up to `limit` (at least one) behind `cursor`, the `next` of the page
    /// before. Those that are completed meanwhile may stand on either side of it.
    async fn files(
        &self,
        run: RunKey,
        plan: &PlanToken,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<FilePage, StoreError>;
    /// Takes the next messages and marks their chunks as published now: of the chunks that are ready (or whose lease
    /// has ended) and were not published, or are lost, those with the lowest message number, up to 50, then those with
    /// the next, up to [`ClaimLimits::at_once`] messages, or fewer that have 50 chunks together. Lost is what was published before `lost_before`, or more than [`CLOCK_SKEW_SECS`](crate::domain::CLOCK_SKEW_SECS) after
    /// `now`: before the clock went back. A message is outstanding while a chunk of its number is unfinished and was
    /// published and is not lost; none of an outstanding one is taken, nor any where [`ClaimLimits::room`] has none for
    /// them: then the answer is none, and others are out. Empty where there is nothing to take, and no message is. Two callers never get the same chunk, and many at once never
    /// more than `most` messages.
    async fn claim_messages(
        &self,
        run: RunKey,
        plan: &PlanToken,
        lost_before: Timestamp,
        limits: ClaimLimits,
        now: Timestamp,
    ) -> Result<Option<Vec<Vec<ChunkId>>>, StoreError>;
    /// Deletes chunks of a run, and lists of profiles files, that are not of its plan (all of them where it has none and has ended).
    async fn sweep_chunks(&self, key: RunKey) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::ClaimLimits;

    #[test]
    fn messages_are_taken_where_there_is_room_for_half_of_them() {
        let room = |most: usize| (0..=most).map(|out| ClaimLimits::new(most).room(out)).collect::<Vec<_>>();
        assert_eq!(room(1), [1, 0]);
        assert_eq!(room(3), [1, 1, 1, 0]);
        assert_eq!(room(8), [4, 4, 4, 4, 4, 0, 0, 0, 0]);
        assert_eq!(ClaimLimits { most: 2, at_once: 9 }.room(0), 2);
    }
}
