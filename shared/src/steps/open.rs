//! A run is planned and opened.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Handled, Parts, StepError, close,
    columns::{self, EventKeys},
    finish,
    plan_token::plan_token,
    profile_files, publish, tell,
};
use crate::{
    domain::{
        AccountId, BucketState, Chunk, ChunkPlan, DataSelection, Dataset, EventFolder, ExportSpec, Footer,
        Format, LakeFile, LakePath, ProfileFiles, RequestId, Run, RunKey, RunOpening, RunPlan, RunStatus,
        Slice, Window,
        plan::{
            EventFile, PROFILES_RATIO, ProfileList, Ratios, plan_events, plan_profiles, wants_row_groups,
        },
    },
    ports::{LakeQuery, StoreError, Work},
};
use futures::{StreamExt, TryStreamExt, stream};
use std::{collections::BTreeMap, pin::pin, sync::Arc};

/// How many footers are read at once.
pub(super) const FOOTERS_AT_ONCE: usize = 16;

/// How many chunks are handed to the store at once.
const STORED_AT_ONCE: usize = 10_000;

/// What a plan is made for.
pub(super) struct Request<'a> {
    pub(super) account: AccountId,
    /// The run, where its plan is to be stored.
    pub(super) run: Option<RunKey>,
    /// The export whose column lists are used and grow; none for a preview.
    pub(super) export: Option<RequestId>,
    pub(super) spec: &'a ExportSpec,
    pub(super) window: Window,
    pub(super) zone: &'a TimeZone,
}

/// A plan that is not yet stored.
pub(super) struct Made {
    pub(super) chunks: Vec<ChunkPlan>,
    /// Lists of files that chunks name.
    pub(super) lists: Vec<ProfileList>,
    /// The ratios that it rests on, where those are not kept for the run yet.
    ratios: Option<Ratios>,
}

/// Opens an owed run, goes on with a running one, and hands on from a closed one to the next.
pub(super) async fn run(parts: &Parts, key: RunKey) -> Result<Handled, StepError> {
    let Some(run) = parts.store.run(key).await? else { return Ok(Handled::Done) };
    match run.status {
        RunStatus::Owed => open(parts, run).await,
        RunStatus::Running => match follow(parts, &run).await? {
            Some(_) => {
                let run = parts.store.run(key).await?;
                match run.filter(|run| run.status == RunStatus::Owed) {
                    Some(run) => open(parts, run).await,
                    None => Ok(Handled::Done),
                }
            }
            None => go_on(parts, &run).await,
        },
        _ => close::hand_on(parts, key).await,
    }
}

/// A run that waits for a blocked bucket follows its export into another one: its plan is given up, and it is owed again.
/// What it has written into the blocked one stays there, without a manifest, and is written again where it goes now, so
/// that a run's files lie in one bucket. None where there is nothing to follow, or somebody else was first.
pub(super) async fn follow(parts: &Parts, run: &Run) -> Result<Option<RunKey>, StepError> {
    let spec = spec_now(parts, run.key).await?;
    let Some(spec) = spec.filter(|spec| spec.bucket != run.spec.bucket) else { return Ok(None) };
    let bucket = parts.store.bucket(run.key.account, &run.spec.bucket).await?;
    if !bucket.is_some_and(|bucket| matches!(bucket.state, BucketState::Blocked { .. })) {
        return Ok(None);
    }
    match parts.store.give_up_plan(run.key, run.reopened).await {
        Ok(_) => {
            tracing::info!(run = %run.key, bucket = %spec.bucket, "a blocked run follows its export");
            Ok(Some(run.key))
        }
        Err(StoreError::Conflict(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// With what a run would be opened now: its export's spec. What a stopped export had begun, and finishes since it was
/// started again, goes where its successor goes. None where the run is not to be worked.
pub(super) async fn spec_now(parts: &Parts, key: RunKey) -> Result<Option<ExportSpec>, StepError> {
    let export = parts.store.export(key.account, key.request).await?;
    let Some(export) = export.filter(|export| export.works_on(key.run)) else { return Ok(None) };
    let (mut spec, mut successor) = (export.spec, export.successor);
    // Each was created after the one before it, so that this ends.
    while let Some(request) = successor {
        let Some(next) = parts.store.export(key.account, request).await? else { break };
        (spec.bucket, successor) = (next.spec.bucket, next.successor);
    }
    Ok(Some(spec))
}

async fn open(parts: &Parts, run: Run) -> Result<Handled, StepError> {
    let key = run.key;
    let Some(spec) = spec_now(parts, key).await? else { return Ok(Handled::Done) };
    // The oldest open run comes first, and whoever closes it wakes the next one. It is woken in case that somebody
    // died before he could.
    match parts.store.open_runs_of(key.account, key.request).await?.first() {
        Some(first) if *first == key => {}
        Some(first) => {
            parts.queue.send(Work::Run { run: *first }).await?;
            return Ok(Handled::Done);
        }
        None => return Ok(Handled::Done),
    }
    let bucket = parts.bucket_of(key, &spec.bucket).await?;
    if matches!(bucket.state, BucketState::Blocked { .. }) {
        return Ok(Handled::Done);
    }
    let zone = run.zone.time_zone();
    let (account, export, window) = (key.account, Some(key.request), run.window);
    let request = Request { account, run: Some(key), export, spec: &spec, window, zone: &zone };
    let made = make(parts, &request).await?;
    keep_ratios(parts, &request, &made).await?;
    let run = adopt(parts, &run, (&spec, bucket.bucket_name), made).await?;
    match run {
        Some(run) => go_on(parts, &run).await,
        None => Ok(Handled::Done),
    }
}

/// Stores the chunks under a token of their own and makes them the plan of the run as it was `seen`. None where another
/// planner won, or the run was closed meanwhile. Cut off before its end, it leaves chunks that the next planning of the
/// run finds under the same token.
async fn adopt(
    parts: &Parts,
    seen: &Run,
    (spec, bucket_name): (&ExportSpec, String),
    Made { chunks: plans, lists, .. }: Made,
) -> Result<Option<Run>, StepError> {
    let key = seen.key;
    let token = plan_token((key, seen.reopened), (spec, &bucket_name), &plans, &lists);
    let plan = RunPlan {
        token: token.clone(),
        chunks: plans.len() as u64,
        lake_files: plans.iter().map(|plan| slice_files(&plan.slice)).sum(),
        estimated_bytes: plans.iter().map(|plan| plan.estimated_bytes).sum(),
    };
    profile_files::put_lists(parts, key, &token, &lists).await?;
    let mut plans = plans.into_iter().peekable();
    while plans.peek().is_some() {
        // Not all at once, so that a large plan is not held twice.
        let made = plans.by_ref().take(STORED_AT_ONCE).map(|plan| Chunk::new(key, &token, plan));
        parts.store.add_chunks(&made.collect::<Vec<_>>()).await?;
    }
    let (spec, reopened) = (spec.clone(), seen.reopened);
    let opening = RunOpening { plan, spec, bucket_name, reopened, now: parts.now() };
    let opened = parts.store.open_run(key, &opening).await;
    parts.store.sweep_chunks(key).await?;
    match opened {
        Ok(run) => Ok(Some(run)),
        Err(StoreError::Conflict(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn slice_files(slice: &Slice) -> u64 {
    match slice {
        Slice::Events { files, .. } => files.len() as u64,
        Slice::Profiles { files: ProfileFiles::Named(files), .. } => files.len() as u64,
        Slice::Profiles { files: ProfileFiles::Listed { listed, .. }, .. } => *listed,
    }
}

/// A running run gets its first messages, or is finished where nothing is left. Its news is owed once, whoever comes here:
/// whoever opened it may have died before he could.
async fn go_on(parts: &Parts, run: &Run) -> Result<Handled, StepError> {
    tell::webhook(parts, run.key).await?;
    send(parts, run).await?;
    finish::finish(parts, run.key).await
}

/// Publishes what is not out, or was lost. Into a blocked bucket nothing is sent: it would only be taken without being
/// worked. Gives how many messages went out.
pub(super) async fn send(parts: &Parts, run: &Run) -> Result<usize, StepError> {
    let bucket = parts.store.bucket(run.key.account, &run.spec.bucket).await?;
    let blocked = bucket.is_some_and(|bucket| matches!(bucket.state, BucketState::Blocked { .. }));
    match run.plan.as_ref().filter(|_| !blocked) {
        Some(plan) => Ok(publish::publish(parts, run.key, &plan.token, parts.lost_before()).await?.sent),
        None => Ok(0),
    }
}

/// Lists the window's files and plans them.
pub(super) async fn make(parts: &Parts, request: &Request<'_>) -> Result<Made, StepError> {
    let format = (request.spec.format, request.spec.packaging);
    let (ratios, are_kept) = ratios(parts, request).await?;
    let to_keep = |ratios| Some(ratios).filter(|_| !are_kept);
    let limits = parts.options.plan;
    if request.spec.data == DataSelection::AllProfiles {
        let shards = profile_files::shards(parts, request).await?;
        let columns = columns::of_profiles(parts, request, &shards).await?;
        let (chunks, lists) = plan_profiles(shards, &ratios, format, columns, limits);
        return Ok(Made { chunks, lists, ratios: to_keep(ratios) });
    }
    let files = list(parts, request, Dataset::Events, request.window.captured_hours(request.zone)).await?;
    let wanted = files.into_iter().filter(|file| {
        request.window.takes(file.committed, file.place.event.as_ref().map(|(_, date)| *date))
    });
    let every_footer = request.spec.format == Format::Csv;
    let read = stream::iter(wanted.map(|file| event_file(parts, request, &ratios, every_footer, file)));
    let mut read = pin!(read.buffered(FOOTERS_AT_ONCE));
    let (mut files, mut told, mut keys) = (Vec::new(), Vec::new(), EventKeys::new());
    // A footer's list of keys is folded into its event's as it goes by: together those of a large window do not fit into memory.
    while let Some(found) = read.try_next().await? {
        let Some(Found { file, footer_keys, abbreviated }) = found else { continue };
        columns::add_event_file(parts, request, &mut keys, &file, footer_keys.as_deref()).await?;
        told.extend(abbreviated.map(|told| (files.len(), told)));
        files.push(file);
    }
    name_by_neighbours(&mut files, &told, &mut keys);
    let columns = columns::of_events(parts, request, keys).await?;
    let columns = |event: &str| columns.get(event).copied().unwrap_or(0);
    let chunks = plan_events(files, &ratios, format, columns, limits);
    Ok(Made { chunks, lists: Vec::new(), ratios: to_keep(ratios.clone()) })
}

/// The ratios that a plan rests on, and whether they are those that were kept for the run.
async fn ratios(parts: &Parts, request: &Request<'_>) -> Result<(Ratios, bool), StepError> {
    let ratios = |key: String| async move { parts.store.ratios(request.account, &key).await };
    if let Some(run) = request.run {
        let kept = ratios(kept_ratios(request.spec, run)).await?;
        if !kept.is_empty() {
            return Ok((Ratios(kept), true));
        }
    }
    Ok((Ratios(ratios(ratio_key(request.spec)).await?), false))
}

/// A plan that may take several requests to store rests on the same ratios in each of them, whatever other runs have
/// measured meanwhile: with others it would become another plan, and begin anew.
async fn keep_ratios(parts: &Parts, request: &Request<'_>, made: &Made) -> Result<(), StepError> {
    let (Some(run), Some(Ratios(ratios))) = (request.run, &made.ratios) else { return Ok(()) };
    if made.chunks.len() < parts.options.long_plan_chunks {
        return Ok(());
    }
    let mut kept = ratios.clone();
    // Never empty, so that it is known that these were kept; it says what would be guessed.
    let format = (request.spec.format, request.spec.packaging);
    kept.entry(PROFILES_RATIO.to_owned()).or_insert_with(|| Ratios::default().of(PROFILES_RATIO, format));
    Ok(parts.store.put_ratios(request.account, &kept_ratios(request.spec, run), &kept).await?)
}

fn kept_ratios(spec: &ExportSpec, run: RunKey) -> String {
    format!("{}@{run}", ratio_key(spec))
}

pub(super) async fn list(
    parts: &Parts,
    request: &Request<'_>,
    dataset: Dataset,
    (first_hour, last_hour): (Timestamp, Timestamp),
) -> Result<Vec<LakeFile>, StepError> {
    let query = LakeQuery { account: request.account, dataset, first_hour, last_hour };
    Ok(parts.lake.list(&query).await?)
}

/// A wanted file.
struct Found {
    file: EventFile,
    /// The keys that its footer lists, where planning needs them.
    footer_keys: Option<String>,
    /// What its folder tells of its event's name, where that is only a part of it.
    abbreviated: Option<Arc<str>>,
}

/// A wanted file with its footer, where planning needs that.
async fn event_file(
    parts: &Parts,
    request: &Request<'_>,
    ratios: &Ratios,
    every_footer: bool,
    file: LakeFile,
) -> Result<Option<Found>, StepError> {
    let Some((folder, date)) = file.place.event else { return Ok(None) };
    let guessed = folder.event_name(None);
    let abbreviated = matches!(folder, EventFolder::Abbreviated(_)).then(|| Arc::clone(&guessed));
    if abbreviated.is_none() && !request.spec.data.wants_event(&guessed) {
        return Ok(None);
    }
    let format = (request.spec.format, request.spec.packaging);
    let large = wants_row_groups(file.bytes, ratios.of(&guessed, format), parts.options.plan);
    let footer = if abbreviated.is_some() || large || every_footer {
        readable_footer(parts, &file.path).await?
    } else {
        None
    };
    let rows = footer.as_ref().map(Footer::rows);
    let footer = footer.unwrap_or_default();
    // A broken file of a selected event with a long name must fail its chunk, not be passed over.
    let selected = match (&request.spec.data, &footer.event_name) {
        (DataSelection::SelectEvents { names }, None) if abbreviated.is_some() => {
            names.iter().find(|name| EventFolder::of(name) == folder).map(|name| Arc::from(name.as_str()))
        }
        _ => None,
    };
    let event_name = selected.unwrap_or_else(|| folder.event_name(footer.event_name.as_deref()));
    if !request.spec.data.wants_event(&event_name) {
        return Ok(None);
    }
    let row_groups = if large { footer.row_groups } else { Vec::new() };
    let planned = EventFile {
        path: file.path,
        bytes: file.bytes,
        event_name,
        date,
        database: file.place.database,
        rows,
        row_groups,
    };
    Ok(Some(Found { file: planned, footer_keys: footer.property_keys, abbreviated }))
}

/// A broken file in the folder of a long event name takes the name from the footers of its neighbours, so that it
/// shares their file indexes and column list once it is mended. `told` is what the folders of such files tell.
fn name_by_neighbours(files: &mut [EventFile], told: &[(usize, Arc<str>)], keys: &mut EventKeys) {
    let mut names: BTreeMap<&str, Arc<str>> = BTreeMap::new();
    for (file, told) in told {
        let name = &files[*file].event_name;
        if name != told {
            names.insert(told, Arc::clone(name));
        }
    }
    for (told, name) in &names {
        if let Some(of_told) = keys.remove(*told) {
            keys.entry(Arc::clone(name)).or_default().add_all(&of_told);
        }
    }
    for (file, told) in told {
        if let Some(name) = names.get(&**told) {
            files[*file].event_name = Arc::clone(name);
        }
    }
}

/// What a file's folder tells of its event's name, where that is only a part of it.
pub(super) fn abbreviated(path: &str) -> Option<Arc<str>> {
    match LakePath::parse(path).ok()?.event? {
        (EventFolder::Abbreviated(told), _) => Some(told),
        (EventFolder::Named(_), _) => None,
    }
}

/// A file's footer; none where the file is broken. What is in such a file is not known, so it is planned as if it
/// were anything: its chunk fails and names it, and the others go on.
pub(super) async fn readable_footer(parts: &Parts, path: &str) -> Result<Option<Footer>, StepError> {
    match parts.lake.footer(path).await {
        Ok(footer) => Ok(Some(footer)),
        Err(error) if error.is_passing() => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// Under which key ratios of a spec are kept.
pub(super) fn ratio_key(spec: &ExportSpec) -> String {
    format!("{}.{:?}", spec.format, spec.packaging)
}

/// The name under which a chunk's ratio is kept.
pub(super) fn ratio_name(event_name: Option<&str>) -> &str {
    event_name.unwrap_or(PROFILES_RATIO)
}
