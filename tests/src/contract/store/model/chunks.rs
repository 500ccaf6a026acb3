//! The model: what a chunk is and does, said as plainly as can be.

use std::collections::BTreeSet;

use spillway::{
    domain::{CLOCK_SKEW_SECS, Chunk, ChunkRefusal, ChunkState, MAX_ATTEMPTS, Slice},
    ports::ChunkTally,
};

use super::{at, secs, token};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    Leased { holder: u64, until: i64 },
    Done,
    Failed,
}

/// A chunk. How many attempts count shows in when it fails.
#[derive(Debug, Clone)]
pub(super) struct ModelChunk {
    pub(super) message: u32,
    pub(super) from_row: u64,
    state: State,
    attempts: u32,
    intents: Vec<u32>,
    published: Option<i64>,
}

impl PartialEq for ModelChunk {
    /// By all that can be seen from outside.
    fn eq(&self, other: &Self) -> bool {
        let seen = |chunk: &Self| {
            (chunk.message, chunk.from_row, chunk.state.clone(), chunk.intents.clone(), chunk.published)
        };
        seen(self) == seen(other)
    }
}

impl ModelChunk {
    fn new(message: u32, from_row: u64) -> Self {
        Self { message, from_row, state: State::Ready, attempts: 0, intents: vec![], published: None }
    }

    /// What is seen of a stored one.
    pub(super) fn of(chunk: &Chunk) -> Self {
        let Slice::Events { from, .. } = &chunk.plan().slice else { panic!("of events") };
        let state = match chunk.state() {
            ChunkState::Ready => State::Ready,
            ChunkState::Leased(lease) => {
                let holder = (0..3).find(|holder| lease.admits(token(*holder), at(-1_000_000)));
                State::Leased { holder: holder.expect("one of the test's"), until: secs(lease.expires_at()) }
            }
            ChunkState::Done(_) => State::Done,
            ChunkState::Failed { .. } => State::Failed,
        };
        let intents = chunk.intents().iter().map(|intent| intent.crc32c.0).collect();
        let published = chunk.published_at().map(secs);
        Self { message: chunk.plan().message, from_row: from.row, state, attempts: 0, intents, published }
    }

    fn is_free(&self, now: i64) -> bool {
        match self.state {
            State::Ready => true,
            State::Leased { until, .. } => until <= now,
            State::Done | State::Failed => false,
        }
    }

    fn must_be_free(&self, now: i64) -> Result<(), ChunkRefusal> {
        match self.state {
            State::Done => Err(ChunkRefusal::Done),
            State::Failed => Err(ChunkRefusal::Failed),
            State::Leased { until, .. } if now < until => Err(ChunkRefusal::Busy { until: at(until) }),
            _ => Ok(()),
        }
    }

    fn must_be_held(&self, by: u64, now: i64) -> Result<(), ChunkRefusal> {
        match self.state {
            State::Leased { holder, until } if holder == by && now < until => Ok(()),
            State::Done => Err(ChunkRefusal::Done),
            _ => Err(ChunkRefusal::LeaseLost),
        }
    }

    pub(super) fn lease(&mut self, holder: u64, until: i64, now: i64) -> Result<(), ChunkRefusal> {
        self.must_be_free(now)?;
        if self.attempts == MAX_ATTEMPTS {
            self.state = State::Failed;
        } else {
            self.attempts += 1;
            self.state = State::Leased { holder, until };
        }
        Ok(())
    }

    pub(super) fn intend(&mut self, holder: u64, crc32c: u32, now: i64) -> Result<(), ChunkRefusal> {
        self.must_be_held(holder, now)?;
        if !self.intents.contains(&crc32c) {
            self.intents.push(crc32c);
        }
        Ok(())
    }

    pub(super) fn release(&mut self, holder: u64, now: i64) -> Result<(), ChunkRefusal> {
        self.must_be_held(holder, now)?;
        self.attempts -= 1;
        self.state = State::Ready;
        Ok(())
    }

    pub(super) fn abandon(&mut self, holder: u64, now: i64) -> Result<(), ChunkRefusal> {
        self.must_be_held(holder, now)?;
        self.state = State::Ready;
        Ok(())
    }

    pub(super) fn fail(&mut self, holder: u64, now: i64) -> Result<(), ChunkRefusal> {
        self.must_be_held(holder, now)?;
        self.state = State::Failed;
        Ok(())
    }

    pub(super) fn retry(&mut self, now: i64) -> Result<(), ChunkRefusal> {
        if self.state == State::Failed {
            (self.state, self.attempts, self.published) = (State::Ready, 0, None);
            return Ok(());
        }
        self.must_be_free(now)?;
        self.published = None;
        Ok(())
    }

    pub(super) fn publish(&mut self, now: i64) -> Result<(), ChunkRefusal> {
        self.must_be_free(now)?;
        self.published = Some(now);
        Ok(())
    }
}

/// A plan's chunks, in the order in which they came to be.
pub(super) struct ModelPlan {
    pub(super) chunks: Vec<ModelChunk>,
}

impl ModelPlan {
    pub(super) fn new(messages: &[u32]) -> Self {
        Self { chunks: messages.iter().map(|message| ModelChunk::new(*message, 0)).collect() }
    }

    pub(super) fn chunk(&mut self, index: usize) -> &mut ModelChunk {
        &mut self.chunks[index]
    }

    /// Finishes a chunk; the second answer is whether there is a successor.
    pub(super) fn complete(
        &mut self,
        index: usize,
        holder: u64,
        split: bool,
        now: i64,
    ) -> (Result<(), ChunkRefusal>, bool) {
        let chunk = &mut self.chunks[index];
        if let Err(refusal) = chunk.must_be_held(holder, now) {
            return (Err(refusal), false);
        }
        chunk.state = State::Done;
        if split {
            let successor = ModelChunk::new(chunk.message, chunk.from_row + 10);
            self.chunks.push(successor);
        }
        (Ok(()), split)
    }

    pub(super) fn claim(&mut self, lost_before: i64, most: usize, now: i64) -> Vec<usize> {
        let is_lost = |published: i64| published < lost_before || published > now + CLOCK_SKEW_SECS;
        let is_out = |chunk: &ModelChunk| {
            let is_unfinished = !matches!(chunk.state, State::Done | State::Failed);
            is_unfinished && chunk.published.is_some_and(|published| !is_lost(published))
        };
        let out: BTreeSet<u32> = self.chunks.iter().filter(|c| is_out(c)).map(|c| c.message).collect();
        if out.len() >= most {
            return vec![];
        }
        let may_go = |chunk: &ModelChunk| {
            chunk.is_free(now) && chunk.published.is_none_or(is_lost) && !out.contains(&chunk.message)
        };
        let Some(lowest) = self.chunks.iter().filter(|c| may_go(c)).map(|c| c.message).min() else {
            return vec![];
        };
        let goes = |c: &ModelChunk| may_go(c) && c.message == lowest;
        let claimed: Vec<usize> = (0..self.chunks.len()).filter(|i| goes(&self.chunks[*i])).collect();
        for index in &claimed {
            self.chunks[*index].published = Some(now);
        }
        claimed
    }

    pub(super) fn tally(&self, now: i64) -> ChunkTally {
        let mut tally = ChunkTally::default();
        for chunk in &self.chunks {
            let count = match chunk.state {
                State::Done => &mut tally.done,
                State::Failed => &mut tally.failed,
                _ if chunk.is_free(now) => &mut tally.ready,
                _ => &mut tally.leased,
            };
            *count += 1;
        }
        tally
    }
}
