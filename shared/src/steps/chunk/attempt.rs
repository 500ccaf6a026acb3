//! One attempt on a leased chunk: encoding on a thread of its own while the upload goes on.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinHandle,
};

use super::{
    produce::{Job, Piece, produce},
    restored::refuse_restored,
    settle::settle,
    source::UploadSource,
    trouble::Trouble,
};
use crate::{
    domain::{Chunk, ChunkContent, Intent, LeaseToken, Run, RunKey, Written},
    encode::{FileContent, FileOptions, columns},
    ports::{BucketHandle, CreateObjectError},
    steps::{Parts, profile_files},
};

/// How many pieces may wait between the encoder and the upload; up to 256 KiB each. As much as the client sends at once (8
/// MiB), since it takes nothing meanwhile: the encoder goes on for as long.
const PIECES: usize = 32;

/// What the parts of an attempt tell each other.
#[derive(Default)]
pub(super) struct Shared {
    /// Set when the intent is stored. From then on the object may exist, so that a stop waits for the upload.
    pub(super) sealed: AtomicBool,
    /// Rows encoded.
    pub(super) rows: AtomicU64,
    /// Bytes encoded.
    pub(super) bytes: AtomicU64,
    result: Mutex<Option<Result<Intent, Trouble>>>,
}

impl Shared {
    pub(super) fn put(&self, result: Result<Intent, Trouble>) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    }

    fn take(&self) -> Option<Result<Intent, Trouble>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Tells the observer that an attempt's progress does not count, unless it was finished: also when the attempt is
/// dropped at an await.
struct Progress<'a> {
    parts: &'a Parts,
    run: RunKey,
    shared: Arc<Shared>,
    finished: bool,
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if !self.finished {
            let (rows, bytes) =
                (self.shared.rows.load(Ordering::Relaxed), self.shared.bytes.load(Ordering::Relaxed));
            self.parts.observer.withdrawn(self.run, rows, bytes);
        }
    }
}

/// For which part of a step's time a leased chunk waits for its turn to encode, at most: most of it is left to it then.
const TURN_WAIT_PART: u32 = 8;

/// Encodes and uploads a chunk under `token`, once it gets the `turn`. The chunk is not yet completed in the store.
pub(super) async fn attempt(
    parts: &Parts,
    run: &Run,
    chunk: &Chunk,
    token: LeaseToken,
    bucket: &dyn BucketHandle,
    turn: &Arc<Semaphore>,
) -> Result<Written, Trouble> {
    let shared = Arc::new(Shared::default());
    let mut progress = Progress { parts, run: run.key, shared: Arc::clone(&shared), finished: false };
    let written = tokio::select! {
        written = encode_and_upload(parts, run, chunk, token, (bucket, turn), &shared) => written?,
        trouble = watch(parts, run, &shared) => return Err(trouble),
    };
    progress.finished = true;
    Ok(written)
}

async fn encode_and_upload(
    parts: &Parts,
    run: &Run,
    chunk: &Chunk,
    token: LeaseToken,
    (bucket, turn): (&dyn BucketHandle, &Arc<Semaphore>),
    shared: &Arc<Shared>,
) -> Result<Written, Trouble> {
    let job = job(parts, run, chunk, shared).await?;
    let turn = take_turn(parts, turn).await?;
    let (pieces, mut encoded) = mpsc::channel(PIECES);
    // The thread ends when the receiver is dropped.
    let producer = tokio::task::spawn_blocking(move || produce(job, &pieces));
    let crashed = async |producer: JoinHandle<()>| {
        let panic = producer.await.err().map(|error| error.to_string()).unwrap_or_default();
        Trouble::crashed(&panic)
    };
    let first = match encoded.recv().await {
        Some(Piece::Bytes(bytes)) => bytes,
        Some(Piece::End(ended)) => {
            return Ok(Written { object: None, deleted_profiles: ended.deleted_profiles });
        }
        Some(Piece::Failed(trouble)) => return Err(trouble),
        None => return Err(crashed(producer).await),
    };
    // A small object is whole now, and the next chunk is encoded while it is sent. The turn of a larger one lasts until all
    // of it is taken, since its bytes wait in buffers until then.
    let (second, turn) = match encoded.recv().await {
        Some(Piece::Failed(trouble)) => return Err(trouble),
        Some(end @ Piece::End(_)) => {
            drop(turn);
            (end, None)
        }
        Some(piece) => (piece, Some(turn)),
        None => return Err(crashed(producer).await),
    };
    let (format, packaging) = chunk.plan().files;
    let source =
        UploadSource::new(parts, chunk.key(), token, Arc::clone(shared), (first, second), encoded, turn);
    let name = chunk.object_name();
    let created = bucket.create(&name, packaging.content_type(format), Box::new(source)).await;
    let ended = shared.take();
    match (created, ended) {
        (_, Some(Err(trouble))) => Err(trouble),
        (Ok(facts), Some(Ok(intent))) if (facts.crc32c, facts.bytes) == (intent.crc32c, intent.bytes) => {
            let deleted_profiles = intent.deleted_profiles;
            Ok(Written { object: Some(intent), deleted_profiles })
        }
        (Err(CreateObjectError::Exists), _) => settle(parts, chunk, bucket).await,
        (Err(CreateObjectError::Failed(failure)), _) => Err(Trouble::Bucket(failure)),
        (created, _) => Err(Trouble::Passing(format!("the upload of {name} ended strangely: {created:?}"))),
    }
}

async fn take_turn(parts: &Parts, turn: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Trouble> {
    let wait = parts.options.step_timeout / TURN_WAIT_PART;
    match tokio::time::timeout(wait, Arc::clone(turn).acquire_owned()).await {
        Ok(Ok(turn)) => Ok(turn),
        Ok(Err(_)) | Err(_) => Err(Trouble::NoTurn),
    }
}

async fn job(parts: &Parts, run: &Run, chunk: &Chunk, shared: &Arc<Shared>) -> Result<Job, Trouble> {
    let plan = chunk.plan();
    let (format, packaging) = plan.files;
    let event_name = match &plan.content {
        ChunkContent::Events { event_name, .. } => Some(event_name.clone()),
        ChunkContent::Profiles => None,
    };
    let mut property_columns = Vec::new();
    if plan.columns > 0 {
        let name = event_name.as_deref();
        property_columns = parts.store.columns(run.key.account, run.key.request, name).await?;
        property_columns.truncate(plan.columns);
    }
    let content = match event_name {
        Some(event_name) => FileContent::Events { event_name, columns: property_columns },
        None => FileContent::Profiles { columns: property_columns },
    };
    let options = FileOptions {
        format,
        packaging,
        gzip_level: parts.options.gzip_level,
        as_string: run.spec.as_string,
        header_line: run.spec.header_line,
        identities: run.spec.effective_identities(),
        time_zone: run.zone.time_zone(),
        limit_bytes: parts.options.file_limit_bytes,
    };
    let needed = columns::needed(&content);
    let needed: Vec<_> = needed.iter().map(String::as_str).collect();
    let slice = profile_files::resolve(parts, chunk).await?;
    refuse_restored(parts, run, &slice).await?;
    let rows = parts.lake.rows(&slice, &needed);
    let (observer, shared) = (Arc::clone(&parts.observer), Arc::clone(shared));
    Ok(Job { run: run.key, rows, options, content, slice, observer, shared })
}

/// Ends when the attempt has to: the export was stopped, or the process ends. Neither ends an upload whose intent
/// is stored.
async fn watch(parts: &Parts, run: &Run, shared: &Shared) -> Trouble {
    let mut tick = tokio::time::interval(parts.options.stop_poll);
    loop {
        let trouble = tokio::select! {
            _ = tick.tick() => stopped(parts, run).await,
            () = parts.shutdown.cancelled() => Some(Trouble::Shutdown),
        };
        if shared.sealed.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
        if let Some(trouble) = trouble {
            return trouble;
        }
    }
}

async fn stopped(parts: &Parts, run: &Run) -> Option<Trouble> {
    match parts.store.export(run.key.account, run.key.request).await {
        Ok(export) if export.as_ref().is_some_and(|export| export.works_on(run.key.run)) => None,
        Ok(_) => Some(Trouble::Stopped),
        Err(error) => {
            tracing::debug!(%error, "whether the export was stopped is not known");
            None
        }
    }
}
