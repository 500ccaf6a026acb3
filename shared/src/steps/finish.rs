//! Whoever finds a run's chunks finished writes the manifest and closes the run.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;

use super::{
    Handled, Parts, StepError,
    chunk::{self, block},
    close::close,
    open::{ratio_key, ratio_name},
};
use crate::{
    domain::{
        BlockOutcome, BucketState, Chunk, ChunkContent, ChunkState, Crc32c, FailureClass, Manifest,
        ManifestFile, ManifestStatus, Opening, PlanToken, Run, RunClosing, RunKey, RunPlan, RunStatus,
        RunTotals, Side, names,
    },
    ports::{BucketHandle, CreateObjectError, Work},
};

/// How many chunks are looked at in one page.
const PAGE: usize = 1_000;

/// What the chunks of a run became.
#[derive(Default)]
struct Gathered {
    files: Vec<ManifestFile>,
    totals: RunTotals,
    /// Input and output bytes per name.
    sizes: BTreeMap<String, (u64, u64)>,
    /// Whether some chunk is neither done nor given up.
    is_unfinished: bool,
}

/// Closes a run where nothing of it is unfinished, or has an encoder do it; else does nothing.
pub(super) async fn finish(parts: &Parts, key: RunKey) -> Result<Handled, StepError> {
    let Some(run) = parts.store.run(key).await? else { return Ok(Handled::Done) };
    let (RunStatus::Running, Some(plan)) = (run.status, run.plan.clone()) else {
        return Ok(Handled::Done);
    };
    let export = parts.store.export(key.account, key.request).await?;
    let stopped = !export.as_ref().is_some_and(|export| export.works_on(key.run));
    let tally = parts.store.tally(key, &plan.token, parts.now()).await?;
    let stored = tally.ready + tally.leased + tally.done + tally.failed;
    if stored < plan.chunks {
        // Nothing deletes chunks of a run's plan; an EMPTY or DONE run would hide that rows are missing.
        let planned = plan.chunks;
        return Err(StepError::Internal(format!(
            "run {key} has {stored} of its {planned} chunks; report it as a bug"
        )));
    }
    // A chunk under a valid lease may still complete. Ready ones of a stopped export never will: a worker looks
    // at the export after it has taken its lease.
    let waiting = if stopped { tally.leased } else { tally.leased + tally.ready };
    if waiting > 0 {
        return Ok(Handled::Done);
    }
    if !parts.options.opens_keys {
        // A message without chunks: whoever takes it finds nothing unfinished either, and has the key.
        let (plan, chunks) = (plan.token, Vec::new());
        parts.queue.send(Work::Chunks { run: key, plan, chunks }).await?;
        return Ok(Handled::Done);
    }
    if stopped && !settle_left(parts, &run, &plan.token).await? {
        return Ok(Handled::Again(parts.options.passing_delay));
    }
    let mut gathered = gather(parts, &run, &plan).await?;
    // A retry that came between counting and gathering has made chunks ready again.
    if gathered.is_unfinished && !stopped {
        return Ok(Handled::Done);
    }
    // A stop that came when all was there has cut nothing off; a finisher may even have written that manifest.
    let cut_off = stopped && (gathered.is_unfinished || gathered.totals.failed_chunks > 0);
    let mut status = match (cut_off, gathered.totals) {
        (true, _) => RunStatus::Stopped,
        (false, totals) if totals.failed_chunks > 0 => RunStatus::Incomplete,
        (false, totals) if totals.files == 0 => RunStatus::Empty,
        (false, _) => RunStatus::Done,
    };
    let manifest_status = match status {
        // It goes on once its export is started again, and a manifest is written once.
        RunStatus::Stopped if export.is_some_and(|export| export.may_be_started_again()) => None,
        RunStatus::Stopped => Some(ManifestStatus::Stopped),
        RunStatus::Done => Some(ManifestStatus::Done),
        RunStatus::Empty => Some(ManifestStatus::Empty),
        _ => None,
    };
    let (has_manifest, delivered_in) = match manifest_status.filter(|_| run.spec.manifest) {
        Some(manifest_status) => {
            let files = std::mem::take(&mut gathered.files);
            match write_manifest(parts, &run, manifest_status, files, gathered.totals).await? {
                Wrote::Manifest(opening) => (true, Some(opening)),
                // A stop must not wait for a bucket that may never work again, also where nothing but the manifest is
                // missing.
                Wrote::Blocked if stopped => {
                    status = RunStatus::Stopped;
                    (false, None)
                }
                Wrote::Blocked => return Ok(Handled::Done),
                Wrote::Again(after) => return Ok(Handled::Again(after)),
            }
        }
        None if gathered.totals.files > 0 => {
            let bucket = parts.store.bucket(key.account, &run.spec.bucket).await?;
            (false, bucket.map(|bucket| bucket.opening))
        }
        None => (false, None),
    };
    put_ratios(parts, &run, &gathered).await?;
    let (totals, closing) = (gathered.totals, RunClosing::new(&run, status, parts.now()));
    let closing = RunClosing { totals, delivered_in, has_manifest, ..closing };
    close(parts, key, &closing).await
}

/// What became of a manifest.
enum Wrote {
    /// It is in its bucket, in this opening.
    Manifest(Opening),
    /// It is not: its bucket is blocked.
    Blocked,
    /// It is to be tried again, after so long.
    Again(Duration),
}

/// A stopped run's chunks of which an attempt had stored its intent before it was killed: the object may be there.
/// False where one cannot be told just now: then the manifest must wait.
async fn settle_left(parts: &Parts, run: &Run, plan: &PlanToken) -> Result<bool, StepError> {
    let mut from = None;
    loop {
        let page = parts.store.chunks(run.key, plan, from.as_ref(), PAGE).await?;
        for chunk in page.chunks.iter().filter(|chunk| chunk.is_unfinished() && !chunk.intents().is_empty()) {
            // Its object may come any moment, and no manifest would list it.
            if matches!(chunk.state(), ChunkState::Leased(lease) if lease.may_be_believed(parts.now())) {
                return Ok(false);
            }
            if !chunk::settle_left(parts, run, chunk).await? {
                return Ok(false);
            }
        }
        from = page.next;
        if from.is_none() {
            return Ok(true);
        }
    }
}

/// What a run's chunks have delivered so far.
pub(super) async fn totals(parts: &Parts, run: &Run, plan: &RunPlan) -> Result<RunTotals, StepError> {
    Ok(gather(parts, run, plan).await?.totals)
}

async fn gather(parts: &Parts, run: &Run, plan: &RunPlan) -> Result<Gathered, StepError> {
    let (mut gathered, mut from) = (Gathered::default(), None);
    loop {
        let page = parts.store.chunks(run.key, &plan.token, from.as_ref(), PAGE).await?;
        page.chunks.iter().for_each(|chunk| gathered.add(chunk));
        from = page.next;
        if from.is_none() {
            return Ok(gathered);
        }
    }
}

impl Gathered {
    fn add(&mut self, chunk: &Chunk) {
        match chunk.state() {
            ChunkState::Done(written) => self.totals.deleted_profiles += written.deleted_profiles,
            ChunkState::Failed { .. } => self.totals.failed_chunks += 1,
            ChunkState::Ready | ChunkState::Leased(_) => self.is_unfinished = true,
        }
        let Some(file) = chunk.manifest_file() else { return };
        self.totals.files += 1;
        self.totals.rows += file.rows;
        self.totals.bytes += file.bytes;
        let whole_files = chunk.plan().slice.whole_file_bytes();
        // Parts of files and successors would count their input twice or not at all.
        if let Some(input_bytes) = whole_files.filter(|_| chunk.plan().index < chunk.plan().stride) {
            let name = match &chunk.plan().content {
                ChunkContent::Events { event_name, .. } => Some(event_name.as_str()),
                ChunkContent::Profiles => None,
            };
            let sizes = self.sizes.entry(ratio_name(name).to_owned()).or_default();
            *sizes = (sizes.0 + input_bytes, sizes.1 + file.bytes);
        }
        self.files.push(file);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of sizes, used for estimates")]
async fn put_ratios(parts: &Parts, run: &Run, gathered: &Gathered) -> Result<(), StepError> {
    let measured = gathered.sizes.iter().filter(|(_, (input_bytes, _))| *input_bytes > 0);
    let ratios: BTreeMap<_, _> =
        measured.map(|(name, (input, output))| (name.clone(), *output as f64 / *input as f64)).collect();
    Ok(parts.store.put_ratios(run.key.account, &ratio_key(&run.spec), &ratios).await?)
}

/// Writes the manifest.
async fn write_manifest(
    parts: &Parts,
    run: &Run,
    status: ManifestStatus,
    files: Vec<ManifestFile>,
    totals: RunTotals,
) -> Result<Wrote, StepError> {
    let bucket = parts.bucket_to_write(run).await?;
    if matches!(bucket.state, BucketState::Blocked { .. }) {
        return Ok(Wrote::Blocked);
    }
    let zone = run.zone.time_zone();
    let window = (run.window, &zone);
    let manifest = Manifest::new(run.key, status, window, run.spec.format, totals.deleted_profiles, files);
    let name = names::manifest_object(run.key);
    let bytes = Bytes::from(manifest.to_bytes());
    let crc = Crc32c(crc32c::crc32c(&bytes));
    let failure = match parts.open_bucket(&bucket).await {
        Ok(handle) => match handle.create(&name, "application/json", Box::new(Some(bytes))).await {
            Ok(_) => return Ok(Wrote::Manifest(bucket.opening)),
            Err(CreateObjectError::Exists) if is_there(&*handle, &name, crc).await => {
                return Ok(Wrote::Manifest(bucket.opening));
            }
            Err(CreateObjectError::Exists) => return Ok(Wrote::Again(parts.options.passing_delay)),
            Err(CreateObjectError::Failed(failure)) => failure,
            Err(error) => return Err(StepError::Internal(format!("the manifest {name}: {error}"))),
        },
        Err(StepError::Bucket(failure)) => failure,
        Err(error) => return Err(error),
    };
    match failure.class.side() {
        Side::Customer => match block(parts, run, &bucket, &failure).await? {
            BlockOutcome::Outdated => Ok(Wrote::Again(Duration::ZERO)),
            _ => Ok(Wrote::Blocked),
        },
        Side::Passing => Ok(Wrote::Again(parts.options.passing_delay)),
        Side::Ours => Err(StepError::Internal(format!("the manifest {name} was refused: {failure}"))),
    }
}

/// A manifest that is there already is ours where a finisher was killed before it could close the run. False where that
/// cannot be told just now.
async fn is_there(handle: &dyn BucketHandle, name: &str, crc: Crc32c) -> bool {
    match handle.facts(name).await {
        Ok(Some(facts)) if facts.crc32c != crc => {
            // Another version of us may lay the same manifest out in other bytes; that is no reason to hold the
            // run open, but somebody should know.
            tracing::warn!(name, "the manifest in the bucket has other bytes than ours");
            true
        }
        Ok(Some(_)) => true,
        // A key that may only create objects cannot look; the name carries our request id.
        Err(failure) => matches!(failure.class, FailureClass::PermissionMissing { .. }),
        Ok(None) => false,
    }
}
