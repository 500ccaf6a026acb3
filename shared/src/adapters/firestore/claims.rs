//! Taking the next messages of a plan.
//!
//! Every claim writes the plan's document, on the condition that no other claim has done so since it was read: so
//! claims come one after the other, and what another one has taken is seen. Whatever else happens to chunks meanwhile
//! only ends messages, or changes a chunk that this claim writes, which fails then and is made anew. The plan's document
//! is written once for all messages of a claim, so that it stays below the rate that Firestore grants one document.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::{
    chunks,
    documents::{Fields, Stored, instant_number, number_value},
    faults::Fault,
    paths::{self, DocPath},
    queries::Queries,
    query::Query,
    transaction::Transaction,
};
use crate::{
    domain::{CLOCK_SKEW_SECS, Chunk, ChunkCommand, ChunkId, PlanToken, RunKey},
    ports::{ClaimLimits, StoreError},
};

/// The most chunks that a message names (DESIGN, How a run becomes chunks). As many are enough for one claim: with the
/// last message's they stay below what a commit may have.
const MESSAGE_CHUNKS: usize = 50;
/// How many waiting chunks are looked at at once.
const WAITING_PAGE: usize = 60;

/// The instants that decide, as in fields.
#[derive(Clone, Copy)]
struct Times {
    now: i64,
    lost_before: i64,
    lost_behind: i64,
}

impl Times {
    fn new(lost_before: Timestamp, now: Timestamp) -> Self {
        let skew = SignedDuration::from_secs(CLOCK_SKEW_SECS);
        let lost_before = instant_number(lost_before);
        // Not before `lost_before`, so that nothing is lost twice over.
        let lost_behind = instant_number(now.saturating_add(skew).unwrap_or(Timestamp::MAX)).max(lost_before);
        Self { now: instant_number(now), lost_before, lost_behind }
    }

    fn is_lost(self, published_at: i64) -> bool {
        published_at < self.lost_before || published_at > self.lost_behind
    }

    /// Whether nobody holds the chunk.
    fn is_free(self, chunk: &Stored) -> bool {
        chunk.number("held_until").is_none_or(|until| until <= self.now)
    }
}

pub(super) async fn claim(
    tx: &Transaction,
    (run, plan): (RunKey, &PlanToken),
    lost_before: Timestamp,
    limits: ClaimLimits,
    now: Timestamp,
) -> Result<Option<Vec<Vec<ChunkId>>>, Fault> {
    let path = paths::plan(run, &plan.0);
    let times = Times::new(lost_before, now);
    if tx.get(&path).await?.is_none() {
        return Ok(Some(vec![]));
    }
    // Little: few messages are out at a time, of few chunks each.
    let published = Query::new(Queries::PublishedChunks, Some(&path)).from(number_value(i64::MIN)).only(&[
        "message",
        "published_at",
        "held_until",
    ]);
    let published = tx.query(published).await?;
    let is_out = |chunk: &&Stored| !chunk.number("published_at").is_some_and(|at| times.is_lost(at));
    let (out, lost): (Vec<_>, Vec<_>) = published.iter().partition(is_out);
    let mut out: BTreeSet<i64> = out.iter().filter_map(|chunk| chunk.number("message")).collect();
    let lost =
        lost.into_iter().filter(|chunk| times.is_free(chunk)).filter_map(|chunk| chunk.number("message"));
    let lost: BTreeSet<i64> = lost.filter(|message| !out.contains(message)).collect();
    let room = limits.room(out.len());
    if room == 0 {
        return Ok(None);
    }
    let (mut messages, mut chunks) = (Vec::new(), 0);
    let mut waiting = Waiting { tx, plan: &path, times, from: 0, found: VecDeque::new(), is_over: false };
    // The transaction does not see what it writes: what it has claimed is out, as far as the next message goes.
    while messages.len() < room && chunks < MESSAGE_CHUNKS {
        let lost = lost.iter().find(|message| !out.contains(message)).copied();
        let Some(message) = lost.into_iter().chain(waiting.lowest(&out).await?).min() else { break };
        let claimed = claim_of_message(tx, (run, &path), message, times, now).await?;
        out.insert(message);
        chunks += claimed.len();
        messages.push(claimed);
    }
    if !messages.is_empty() {
        tx.put(path, Fields::default());
    }
    Ok(Some(messages))
}

/// Marks the chunks of a message that are free as published.
async fn claim_of_message(
    tx: &Transaction,
    (run, path): (RunKey, &DocPath),
    message: i64,
    times: Times,
    now: Timestamp,
) -> Result<Vec<ChunkId>, Fault> {
    let of_message = Query::new(Queries::ChunksOfMessage, Some(path)).equal("message", number_value(message));
    let of_message = tx.query(of_message).await?;
    let is_claimable = |chunk: &&Stored| {
        times.is_free(chunk) && chunk.number("published_at").is_none_or(|at| times.is_lost(at))
    };
    let mut claimed = Vec::new();
    for stored in of_message.iter().filter(is_claimable).take(MESSAGE_CHUNKS) {
        let mut chunk: Chunk = chunks::read(stored, run)?;
        chunk.apply(ChunkCommand::Publish, now).map_err(StoreError::from)?;
        chunks::save(tx, &chunk);
        claimed.push(chunk.key().id.clone());
    }
    if claimed.is_empty() {
        // The chunk that was seen has been taken by a worker since.
        return Err(Fault::Again(format!("message {message} changed while it was claimed")));
    }
    Ok(claimed)
}

/// The messages with a free chunk that never was published, lowest first; read as they are wanted, a page for many.
struct Waiting<'a> {
    tx: &'a Transaction,
    plan: &'a DocPath,
    times: Times,
    /// Where the next page begins.
    from: i64,
    found: VecDeque<i64>,
    is_over: bool,
}

impl Waiting<'_> {
    /// The lowest one that is not out. Those that are out are jumped over.
    async fn lowest(&mut self, out: &BTreeSet<i64>) -> Result<Option<i64>, Fault> {
        loop {
            while self.found.pop_front_if(|message| out.contains(message)).is_some() {}
            if self.is_over || !self.found.is_empty() {
                return Ok(self.found.front().copied());
            }
            self.read_page().await?;
        }
    }

    async fn read_page(&mut self) -> Result<(), Fault> {
        let query = Query::new(Queries::WaitingChunks, Some(self.plan))
            .from(number_value(self.from))
            .only(&["message", "held_until"])
            .limit(WAITING_PAGE);
        let page = self.tx.query(query).await?;
        let free = page.iter().filter(|chunk| self.times.is_free(chunk));
        let found: BTreeSet<_> = free.filter_map(|chunk| chunk.number("message")).collect();
        self.found = found.into_iter().collect();
        match page.last().and_then(|chunk| chunk.number("message")) {
            Some(last) if page.len() == WAITING_PAGE => {
                // Not all of its chunks need be on the page.
                if self.found.back() != Some(&last) && has_free(self.tx, self.plan, last, self.times).await? {
                    self.found.push_back(last);
                }
                self.from = last + 1;
            }
            _ => self.is_over = true,
        }
        Ok(())
    }
}

/// Whether a message has a free chunk that never was published.
async fn has_free(tx: &Transaction, plan: &DocPath, message: i64, times: Times) -> Result<bool, Fault> {
    let chunks = Query::new(Queries::ChunksOfMessage, Some(plan))
        .equal("message", number_value(message))
        .only(&["held_until", "waiting_message"]);
    let is_free = |chunk: &Stored| times.is_free(chunk) && chunk.number("waiting_message").is_some();
    Ok(tx.query(chunks).await?.iter().any(is_free))
}
