//! Chunks: stored, changed, paged and counted.
//!
//! A chunk's document has a field only while it matters, so that each query is a range of one field's own index and
//! needs no other: a finished chunk has neither message nor times.

use std::collections::BTreeSet;

use firestore::gcloud_sdk::{
    google::firestore::v1::{Document, Precondition, Write, precondition::ConditionType, write::Operation},
    prost::Message,
    tonic::Code,
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{
    FirestoreStore,
    client::Client,
    documents::{COMMIT, Fields, Stored, instant_number, number_value, text_value},
    faults::{Backoff, Fault},
    paths::{self, DocPath, text_id},
    queries::Queries,
    query::Query,
    runs,
    transaction::Transaction,
};
use crate::{
    domain::{Chunk, ChunkCommand, ChunkId, ChunkKey, ChunkState, PlanToken, RunKey},
    ports::{ChunkPage, ChunkTally, StoreError},
};

/// How many chunks one call adds at most, and how many bytes; Firestore takes 500 and 10 MiB.
const BATCH_CHUNKS: usize = 500;
const BATCH_BYTES: usize = 8 << 20;
/// How many such calls are under way at once.
const BATCHES_AT_ONCE: usize = 4;

pub(super) fn name(run: RunKey, id: &str) -> String {
    format!("chunk {id} of {}", runs::name(run))
}

pub(super) fn path(key: &ChunkKey) -> DocPath {
    paths::plan(key.run, &key.plan.0).child("chunks", &text_id(&key.id.0))
}

pub(super) fn read(stored: &Stored, run: RunKey) -> Result<Chunk, StoreError> {
    stored.read(|| name(run, stored.id()))
}

fn fields(chunk: &Chunk) -> Fields {
    let message = i64::from(chunk.plan().message);
    let unfinished = |fields: Fields, state| {
        let fields = fields.text("state", state).number("message", message);
        match chunk.published_at() {
            Some(at) => fields.number("published_at", instant_number(at)),
            None => fields.number("waiting_message", message),
        }
    };
    let fields = Fields::of(chunk);
    match chunk.state() {
        ChunkState::Ready => unfinished(fields, "ready"),
        ChunkState::Leased(lease) => {
            unfinished(fields, "leased").number("held_until", instant_number(lease.expires_at()))
        }
        ChunkState::Done(_) => match chunk.manifest_file() {
            Some(file) => fields
                .text("state", "done")
                .text("object", file.name)
                .number("rows", file.rows.cast_signed())
                .number("bytes", file.bytes.cast_signed())
                .flag("written", true),
            None => fields.text("state", "done"),
        },
        ChunkState::Failed { .. } => fields.text("state", "failed"),
    }
}

pub(super) async fn get(client: &Client, key: &ChunkKey) -> Result<Option<Chunk>, Fault> {
    let stored = client.get_one(&path(key)).await?;
    Ok(stored.map(|stored| read(&stored, key.run)).transpose()?)
}

pub(super) async fn change(
    tx: &Transaction,
    key: &ChunkKey,
    command: ChunkCommand,
    now: Timestamp,
) -> Result<(Chunk, Option<Chunk>), Fault> {
    let stored = tx.get(&path(key)).await?;
    let stored = stored.ok_or_else(|| StoreError::NotFound(name(key.run, &key.id.0)))?;
    let mut chunk = read(&stored, key.run)?;
    let successor = chunk.apply(command, now).map_err(StoreError::from)?;
    save(tx, &chunk);
    if let Some(successor) = &successor {
        let path = path(successor.key());
        // A chunk completes once, and indexes of one group never meet; another chunk there would lose rows. That there
        // is none is said by the commit. Only where that failed it is worth a look whether this is why.
        if tx.is_retry() && tx.look_at(std::slice::from_ref(&path)).await?.iter().any(Option::is_some) {
            return Err(StoreError::Conflict(name(key.run, &successor.key().id.0)).into());
        }
        tx.create(path, fields(successor));
    }
    Ok((chunk, successor))
}

pub(super) fn save(tx: &Transaction, chunk: &Chunk) {
    tx.put(path(chunk.key()), fields(chunk));
}

fn of_plan(query: Queries, run: RunKey, plan: &PlanToken) -> Query {
    Query::new(query, Some(&paths::plan(run, &plan.0)))
}

pub(super) async fn page(
    client: &Client,
    run: RunKey,
    plan: &PlanToken,
    from: Option<&ChunkId>,
    limit: usize,
) -> Result<ChunkPage, Fault> {
    // A page has at least one chunk, so that whoever follows `next` gets on.
    let limit = limit.clamp(1, 1 << 20);
    let mut query = of_plan(Queries::Chunks, run, plan).limit(limit + 1);
    if let Some(from) = from {
        let key = ChunkKey { run, plan: plan.clone(), id: from.clone() };
        query = query.at_document(client.name(&path(&key)));
    }
    let found = client.query(query, None).await?.documents;
    let mut chunks: Vec<Chunk> = found.iter().map(|stored| read(stored, run)).collect::<Result<_, _>>()?;
    let next = chunks.get(limit).map(|chunk| chunk.key().id.clone());
    chunks.truncate(limit);
    Ok(ChunkPage { chunks, next })
}

/// Four counts, of one instant.
pub(super) async fn tally(
    client: &Client,
    run: RunKey,
    plan: &PlanToken,
    now: Timestamp,
) -> Result<ChunkTally, Fault> {
    let all = client.sums(of_plan(Queries::Chunks, run, plan), None).await?;
    let in_state = |state| of_plan(Queries::ChunksInState, run, plan).equal("state", text_value(state));
    let held = of_plan(Queries::HeldChunks, run, plan).above(number_value(instant_number(now)));
    let count = |query| client.sums(query, all.read_at);
    let (done, failed, held) =
        futures::try_join!(count(in_state("done")), count(in_state("failed")), count(held))?;
    let (done, failed, leased) = (done.get("count"), failed.get("count"), held.get("count"));
    Ok(ChunkTally { ready: all.get("count") - done - failed - leased, leased, done, failed })
}

/// How many chunks of a plan there are, whatever their state.
pub(super) async fn count(tx: &Transaction, run: RunKey, plan: &PlanToken) -> Result<u64, Fault> {
    tx.count(of_plan(Queries::Chunks, run, plan)).await
}

impl FirestoreStore {
    /// Adds chunks; those that exist stay as they are.
    pub(super) async fn add(&self, chunks: &[Chunk]) -> Result<(), StoreError> {
        let plans: BTreeSet<_> = chunks.iter().map(|chunk| (chunk.key().run, &chunk.key().plan.0)).collect();
        for (run, token) in plans {
            self.write(|tx| async move { begin(&tx, run, token).await }).await?;
        }
        let batches = stream::iter(self.batches(chunks));
        let added = batches.map(|batch| self.add_batch(batch)).buffer_unordered(BATCHES_AT_ONCE);
        added.try_collect().await
    }

    fn batches(&self, chunks: &[Chunk]) -> Vec<Vec<Write>> {
        let mut writes = chunks.iter().map(|chunk| self.creation(chunk)).peekable();
        let mut batches = Vec::new();
        while writes.peek().is_some() {
            let (mut batch, mut bytes) = (Vec::new(), 0);
            while let Some(write) = writes.next_if(|write| {
                batch.len() < BATCH_CHUNKS && (batch.is_empty() || bytes + write.encoded_len() < BATCH_BYTES)
            }) {
                bytes += write.encoded_len();
                batch.push(write);
            }
            batches.push(batch);
        }
        batches
    }

    /// Adds what of a batch is not there yet, each chunk for itself. What does not go well goes again, in halves: the
    /// data base may be slow to take so many at once.
    async fn add_batch(&self, mut batch: Vec<Write>) -> Result<(), StoreError> {
        let (mut backoff, mut size) = (Backoff::new(), batch.len().max(1));
        while !batch.is_empty() {
            let part: Vec<_> = batch.drain(..size.min(batch.len())).collect();
            let why = match self.client.write_each(part.clone()).await {
                Ok(codes) => {
                    let left = part.into_iter().zip(codes);
                    let left = left.filter(|(_, code)| !matches!(code, Code::Ok | Code::AlreadyExists));
                    let left: Vec<_> = left.collect();
                    let Some((_, code)) = left.first() else {
                        // It gets on, so that it may go faster again, and has all patience anew.
                        (backoff, size) = (Backoff::new(), (size * 2).min(BATCH_CHUNKS));
                        continue;
                    };
                    let why = format!("{} chunks were not added: {code}", left.len());
                    if let Some((write, _)) = left.iter().find(|(_, code)| *code == Code::InvalidArgument) {
                        return Err(StoreError::Rejected { document: name_of(write), wrong: why });
                    }
                    batch.extend(left.into_iter().map(|(write, _)| write));
                    why
                }
                Err(status) => {
                    batch.extend(part);
                    match Fault::of_commit(&status) {
                        Fault::Store(error) if size == 1 || status.code() != Code::InvalidArgument => {
                            return Err(error);
                        }
                        _ => status.to_string(),
                    }
                }
            };
            size = (size / 2).max(1);
            self.client.counters.retried();
            backoff.wait(why).await?;
        }
        Ok(())
    }

    fn creation(&self, chunk: &Chunk) -> Write {
        let fields = fields(chunk).number(COMMIT, rand::random()).0;
        let document = Document { name: self.client.name(&path(chunk.key())), fields, ..Document::default() };
        let absent = Precondition { condition_type: Some(ConditionType::Exists(false)) };
        Write {
            operation: Some(Operation::Update(document)),
            current_document: Some(absent),
            ..Write::default()
        }
    }
}

fn name_of(write: &Write) -> String {
    match &write.operation {
        Some(Operation::Update(document)) => document.name.clone(),
        _ => "a chunk".to_owned(),
    }
}

/// Begins a plan, of which claims are taken and which sweeps find. [`StoreError::NotFound`] without its run.
pub(super) async fn begin(tx: &Transaction, run: RunKey, token: &str) -> Result<(), Fault> {
    let plan = paths::plan(run, token);
    let found = tx.look_at(&[paths::run(run), plan.clone()]).await?;
    match found.as_slice() {
        [Some(_), Some(_)] => {}
        [Some(_), None] => tx.create(plan, Fields::default()),
        _ => return Err(StoreError::NotFound(runs::name(run)).into()),
    }
    Ok(())
}
