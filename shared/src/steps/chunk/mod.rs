//! Working chunks: lease → read → encode and upload → complete (DESIGN, The protocol).

mod attempt;
mod produce;
mod restored;
mod settle;
mod source;
mod trouble;

use std::{sync::Arc, time::Duration};

use attempt::attempt;
use futures::{StreamExt as _, stream::FuturesUnordered};
pub use produce::encode_slice;
use tokio::sync::{OnceCell, Semaphore};
use trouble::Trouble;

use super::{Handled, Parts, StepError, close::hand_on, finish::finish, publish::publish};
use crate::{
    domain::{
        BlockOutcome, BucketFailure, BucketState, Chunk, ChunkCommand, ChunkId, ChunkKey, ChunkRefusal,
        ChunkState, LeaseToken, PartnerBucket, PlanToken, Run, RunKey, RunStatus, Side, Written,
    },
    ports::{BucketHandle, StoreError},
};

/// What became of one chunk of a message.
enum Outcome {
    /// Nothing is left to do for it.
    Finished,
    /// Try again after this time.
    Later(Duration),
    /// Its export was stopped, its bucket is blocked, or we are shutting down: leave the others too.
    Leave(Handled),
}

/// What the chunks of a message share.
struct Message {
    /// The bucket of their run, opened when the first chunk needs it.
    bucket: OnceCell<PartnerBucket>,
    handle: OnceCell<Box<dyn BucketHandle>>,
    /// Whoever holds it encodes: one at a time, so that a message takes the memory of one chunk. Closed when the message
    /// is left.
    turn: Arc<Semaphore>,
}

impl Default for Message {
    fn default() -> Self {
        Self { bucket: OnceCell::new(), handle: OnceCell::new(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Message {
    async fn open(&self, parts: &Parts, run: &Run) -> Result<&dyn BucketHandle, Trouble> {
        let open = async {
            let bucket = self.bucket.get_or_try_init(|| parts.bucket_to_write(run)).await?;
            if matches!(bucket.state, BucketState::Blocked { .. }) {
                return Err(Trouble::Blocked);
            }
            parts.open_bucket(bucket).await.map_err(|error| match error {
                StepError::Bucket(failure) => Trouble::Bucket(failure),
                error => Trouble::Step(error),
            })
        };
        Ok(&**self.handle.get_or_try_init(|| open).await?)
    }
}

/// Works the chunks of a message, then sends the run's next message and looks whether the run is finished.
///
/// One is encoded at a time. While the bucket and the store take in what is encoded, which for a small object takes longer
/// than to make it, the next ones are under way.
pub(super) async fn chunks(
    parts: &Parts,
    key: RunKey,
    plan: &PlanToken,
    ids: &[ChunkId],
) -> Result<Handled, StepError> {
    let Some(run) = parts.store.run(key).await? else { return Ok(Handled::Done) };
    // Chunks of another planning are never worked, and those of a closed run no more.
    if run.status.is_closed() {
        return hand_on(parts, key).await;
    }
    if run.status != RunStatus::Running || run.plan.as_ref().is_none_or(|current| current.token != *plan) {
        return Ok(Handled::Done);
    }
    let message = Message::default();
    let mut again: Option<Duration> = None;
    let mut left: Option<Result<Handled, StepError>> = None;
    let (mut waiting, mut works) = (ids.iter(), FuturesUnordered::new());
    loop {
        while works.len() < parts.options.chunks_at_once
            && !message.turn.is_closed()
            && let Some(id) = waiting.next()
        {
            let key = ChunkKey { run: key, plan: plan.clone(), id: id.clone() };
            works.push(work(parts, &run, key, &message));
        }
        let leave = match works.next().await {
            None => break,
            Some(Ok(Outcome::Finished)) => continue,
            Some(Ok(Outcome::Later(delay))) => {
                again = Some(again.map_or(delay, |sooner| sooner.min(delay)));
                continue;
            }
            Some(Ok(Outcome::Leave(handled))) => Ok(handled),
            Some(Err(error)) => Err(error),
        };
        // No other chunk is begun; those that are in their upload come to its end.
        message.turn.close();
        left = Some(match left {
            Some(before) => graver(before, leave),
            None => leave,
        });
    }
    if let Some(left) = left {
        let handled = left?;
        // Whoever leaves after a stop may be the last one, who writes the manifest: its answer is the message's.
        let finished = finish(parts, run.key).await?;
        return Ok(if handled == Handled::Done { finished } else { handled });
    }
    if let Some(delay) = again {
        return Ok(Handled::Again(delay));
    }
    // Lost ones too: while a bucket is blocked, messages are taken without their chunks being worked, and waiting for
    // the checker with each handful of them would take days.
    let published = publish(parts, run.key, plan, parts.lost_before()).await?;
    if published.sent > 0 || published.are_others_out {
        // What is out is unfinished, and whoever works it looks anew. Firestore bills a count by the chunks that it
        // counts, so that counts after every message would grow with the square of the run.
        return Ok(Handled::Done);
    }
    finish(parts, run.key).await
}

/// Of two chunks' reasons to leave the message, the one that has it delivered again, and sooner.
fn graver(one: Result<Handled, StepError>, other: Result<Handled, StepError>) -> Result<Handled, StepError> {
    match (one, other) {
        (Err(error), Err(also)) => {
            tracing::warn!(%also, "another chunk of the message broke off too");
            Err(error)
        }
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        (Ok(Handled::Again(delay)), Ok(Handled::Again(sooner))) => Ok(Handled::Again(delay.min(sooner))),
        (Ok(Handled::Again(delay)), Ok(Handled::Done)) | (Ok(Handled::Done), Ok(Handled::Again(delay))) => {
            Ok(Handled::Again(delay))
        }
        (Ok(Handled::Done), Ok(Handled::Done)) => Ok(Handled::Done),
    }
}

async fn work(parts: &Parts, run: &Run, key: ChunkKey, message: &Message) -> Result<Outcome, StepError> {
    let token = LeaseToken::from_random(rand::random());
    let now = parts.now();
    let expires_at = now + parts.options.lease;
    let lease = ChunkCommand::Lease { token, expires_at };
    let chunk = match parts.store.change_chunk(&key, lease, now).await {
        Ok((chunk, _)) => chunk,
        Err(StoreError::Refused(ChunkRefusal::Busy { until })) => {
            let wait = until.duration_since(now).try_into().unwrap_or(Duration::ZERO);
            return Ok(Outcome::Later(wait));
        }
        // Done, given up, or swept with an old plan.
        Err(StoreError::Refused(_) | StoreError::NotFound(_)) => return Ok(Outcome::Finished),
        Err(error) => return Err(error.into()),
    };
    if let ChunkState::Failed { reason } = chunk.state() {
        parts.observer.failed(run.key, &chunk.object_name(), reason);
        return Ok(Outcome::Finished);
    }
    match leased(parts, run, &chunk, token, message).await {
        Ok(outcome) => Ok(outcome),
        Err(trouble) => give_up(parts, run, &chunk, token, message.bucket.get(), trouble).await,
    }
}

/// The work under a lease.
async fn leased(
    parts: &Parts,
    run: &Run,
    chunk: &Chunk,
    token: LeaseToken,
    message: &Message,
) -> Result<Outcome, Trouble> {
    // Looked at after the lease was taken: a finisher of a stopped run counts leases after the stop was stored, so
    // that either it sees this lease or we see the stop.
    let export = parts.store.export(run.key.account, run.key.request).await?;
    if !export.is_some_and(|export| export.works_on(run.key.run)) {
        return Err(Trouble::Stopped);
    }
    let handle = message.open(parts, run).await?;
    let work = attempt(parts, run, chunk, token, handle, &message.turn);
    let Ok(written) = tokio::time::timeout(parts.options.step_timeout, work).await else {
        // The lease is left to end by itself, so that the attempt counts.
        return Ok(Outcome::Later(parts.options.lease.saturating_sub(parts.options.step_timeout)));
    };
    complete(parts, run, chunk, token, written?).await
}

/// Completes a chunk of a stopped run whose object is in the bucket already; else leaves it as it was. Without
/// this, a worker that was killed between its upload and its completion would leave an object that no manifest
/// lists. False where it cannot be told just now.
pub(super) async fn settle_left(parts: &Parts, run: &Run, chunk: &Chunk) -> Result<bool, StepError> {
    let token = LeaseToken::from_random(rand::random());
    let now = parts.now();
    let lease = ChunkCommand::Lease { token, expires_at: now + parts.options.lease };
    match parts.store.change_chunk(chunk.key(), lease, now).await {
        Ok((leased, _)) if matches!(leased.state(), ChunkState::Leased(_)) => {}
        // Another finisher is at it.
        Err(StoreError::Refused(ChunkRefusal::Busy { .. })) => return Ok(false),
        Ok(_) | Err(StoreError::Refused(_)) => return Ok(true),
        Err(error) => return Err(error.into()),
    }
    let settled = async {
        let message = Message::default();
        // Nobody says that the object exists, so that without permission to look it is not claimed.
        settle::settle_existing(parts, chunk, message.open(parts, run).await?, |_| None).await
    };
    let (command, is_told) = match settled.await {
        Ok(Some(written)) => (ChunkCommand::Complete { token, written }, true),
        Err(Trouble::Passing(_) | Trouble::Step(_)) => (ChunkCommand::Release { token }, false),
        // Not there, not ours, or in a bucket that may never answer again: a stop must not wait for it.
        Ok(None) | Err(_) => (ChunkCommand::Release { token }, true),
    };
    change(parts, chunk, command).await?;
    Ok(is_told)
}

async fn complete(
    parts: &Parts,
    run: &Run,
    chunk: &Chunk,
    token: LeaseToken,
    written: Written,
) -> Result<Outcome, Trouble> {
    let has_object = written.object.is_some();
    let complete = ChunkCommand::Complete { token, written };
    // A successor goes out with the next message.
    parts.store.change_chunk(chunk.key(), complete, parts.now()).await?;
    if has_object {
        parts.observer.completed(run.key, &chunk.object_name());
    }
    Ok(Outcome::Finished)
}

/// Gives a chunk back, or up, as the trouble demands.
async fn give_up(
    parts: &Parts,
    run: &Run,
    chunk: &Chunk,
    token: LeaseToken,
    seen: Option<&PartnerBucket>,
    trouble: Trouble,
) -> Result<Outcome, StepError> {
    let delay = parts.options.passing_delay;
    let (command, outcome) = match trouble {
        Trouble::LeaseLost => return Ok(Outcome::Later(delay)),
        Trouble::Step(error) => {
            // Whether the release arrives does not matter: the lease ends by itself.
            if let Err(release) = change(parts, chunk, ChunkCommand::Release { token }).await {
                tracing::debug!(%release, "a lease is left to end by itself");
            }
            return Err(error);
        }
        Trouble::Stopped | Trouble::Blocked => {
            (ChunkCommand::Release { token }, Outcome::Leave(Handled::Done))
        }
        Trouble::Shutdown => {
            (ChunkCommand::Release { token }, Outcome::Leave(Handled::Again(Duration::ZERO)))
        }
        Trouble::NoTurn => (ChunkCommand::Release { token }, Outcome::Later(Duration::ZERO)),
        Trouble::Passing(message) => {
            tracing::warn!(object = chunk.object_name(), message, "a chunk is tried again later");
            (ChunkCommand::Release { token }, Outcome::Later(delay))
        }
        Trouble::Bucket(failure) => match failure.class.side() {
            Side::Customer => {
                let outcome = match seen {
                    Some(seen) => block(parts, run, seen, &failure).await?,
                    None => BlockOutcome::Outdated,
                };
                let handled = match outcome {
                    BlockOutcome::Outdated => Handled::Again(Duration::ZERO),
                    BlockOutcome::Blocked | BlockOutcome::AlreadyBlocked => Handled::Done,
                };
                (ChunkCommand::Release { token }, Outcome::Leave(handled))
            }
            Side::Passing => {
                tracing::warn!(object = chunk.object_name(), %failure, "a chunk is tried again later");
                (ChunkCommand::Release { token }, Outcome::Later(delay))
            }
            Side::Ours => (ChunkCommand::Fail { token, reason: failure.to_string() }, Outcome::Finished),
        },
        Trouble::Broken(reason) => (ChunkCommand::Fail { token, reason }, Outcome::Finished),
    };
    if let ChunkCommand::Fail { reason, .. } = &command {
        tracing::error!(run = %chunk.key().run, object = chunk.object_name(), reason, "a chunk has failed");
        parts.observer.failed(run.key, &chunk.object_name(), reason);
    }
    change(parts, chunk, command).await?;
    Ok(outcome)
}

/// A change that does not matter where the lease has been lost meanwhile.
async fn change(parts: &Parts, chunk: &Chunk, command: ChunkCommand) -> Result<(), StoreError> {
    match parts.store.change_chunk(chunk.key(), command, parts.now()).await {
        Ok(_) | Err(StoreError::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Marks the run's bucket as blocked by a failure of the customer's side that was met while it was as it was `seen`, unless
/// it has another key by now, or was opened again.
pub(super) async fn block(
    parts: &Parts,
    run: &Run,
    seen: &PartnerBucket,
    failure: &BucketFailure,
) -> Result<BlockOutcome, StepError> {
    let bucket = &seen.id;
    let outcome = parts.store.block_bucket(seen, failure, parts.now()).await?;
    if outcome == BlockOutcome::Blocked {
        tracing::warn!(%bucket, %failure, "the bucket is blocked");
    }
    if outcome != BlockOutcome::Outdated {
        parts.observer.blocked(run.key, failure);
    }
    Ok(outcome)
}
