//! The stable property columns of CSV files, gathered while a run is planned (FORMATS, CSV: Stable columns).

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::cast::AsArray;

use super::{Parts, StepError, open::Request};
use crate::{
    domain::{
        ChunkContent, ChunkPlan, DataSelection, EventNaming, Format, ProfileFile, ProfileFiles, ProfileRole,
        PropertyColumn, PropertyScope, RowCursor, Slice, SliceFile,
        plan::{EventFile, ProfileShard, ShardFile},
    },
    encode::{PropertyKeys, column_name, columns},
    ports::{LakeError, LakeRows},
};

/// The keys of each event's files, by the event's name.
pub(super) type EventKeys = BTreeMap<Arc<str>, PropertyKeys>;

/// Adds the keys of a file of events to those of its event, of which files come in the order of their paths; nothing for
/// other formats than CSV.
pub(super) async fn add_event_file(
    parts: &Parts,
    request: &Request<'_>,
    keys: &mut EventKeys,
    file: &EventFile,
    footer_keys: Option<&str>,
) -> Result<(), StepError> {
    if request.spec.format != Format::Csv {
        return Ok(());
    }
    let slice_file = SliceFile { path: file.path.clone(), bytes: file.bytes, row_groups: None, rows: None };
    let slice = Slice::Events { files: vec![slice_file], from: RowCursor::default() };
    let keys = keys.entry(Arc::clone(&file.event_name)).or_default();
    add_keys(parts, request, keys, &file.path, footer_keys, slice).await
}

/// The length of each event's frozen column list, of the events that have `keys`.
pub(super) async fn of_events(
    parts: &Parts,
    request: &Request<'_>,
    keys: EventKeys,
) -> Result<BTreeMap<Arc<str>, usize>, StepError> {
    let mut lengths = BTreeMap::new();
    for (event_name, keys) in keys {
        let length = append(parts, request, Some(&event_name), keys.columns()).await?;
        lengths.insert(event_name, length);
    }
    Ok(lengths)
}

/// The length of the profiles' frozen column list; 0 for other formats than CSV. New columns come by name.
pub(super) async fn of_profiles(
    parts: &Parts,
    request: &Request<'_>,
    shards: &[ProfileShard],
) -> Result<usize, StepError> {
    if request.spec.format != Format::Csv {
        return Ok(0);
    }
    let mut keys = PropertyKeys::new();
    for ShardFile { file, footer, .. } in shards.iter().flat_map(|shard| &shard.files) {
        if file.role == ProfileRole::Deliver {
            // Read alone, as it would be delivered: keys that only deleted profiles have need no column. A footer
            // may name such keys too; their columns are then blank.
            let file = ProfileFile { role: ProfileRole::Deliver, ..file.clone() };
            let path = file.path.clone();
            let files = ProfileFiles::Named(vec![file]);
            let slice = Slice::Profiles { files, after: None, upto: None };
            let footer_keys = footer.as_ref().and_then(|footer| footer.property_keys.as_deref());
            add_keys(parts, request, &mut keys, &path, footer_keys, slice).await?;
        }
    }
    let mut found = keys.columns();
    sort_by_name(&mut found);
    append(parts, request, None, found).await
}

/// The length of the column list that a failed chunk of the files of `slice` needs once they are mended: what they
/// hold now is appended. Only this chunk's file then has more columns than the others of its run; losing the new keys, or
/// failing for ever, would be worse.
pub(super) async fn for_retry(
    parts: &Parts,
    request: &Request<'_>,
    plan: &ChunkPlan,
    slice: &Slice,
    naming: Option<&EventNaming>,
) -> Result<usize, StepError> {
    if request.spec.format != Format::Csv {
        return Ok(0);
    }
    let mut keys = PropertyKeys::new();
    for (path, slice) in single_files(slice) {
        // Neither its footer nor an earlier scan is believed: one of them may be what was wrong.
        let note = note_of(parts, &path).await?;
        scan_keys(parts, request, &mut keys, (&path, note.as_deref()), slice).await?;
    }
    let event_name = match (&plan.content, naming) {
        (ChunkContent::Events { .. }, Some(naming)) => Some(naming.event_name.as_str()),
        (ChunkContent::Events { event_name, .. }, None) => Some(event_name.as_str()),
        (ChunkContent::Profiles, _) => None,
    };
    let mut found = keys.columns();
    if event_name.is_none() {
        sort_by_name(&mut found);
    }
    append(parts, request, event_name, found).await
}

/// Each file of a slice, whole.
fn single_files(slice: &Slice) -> Vec<(String, Slice)> {
    match slice {
        Slice::Events { files, .. } => {
            let whole = |file: &SliceFile| {
                let files = vec![SliceFile { row_groups: None, rows: None, ..file.clone() }];
                (file.path.clone(), Slice::Events { files, from: RowCursor::default() })
            };
            files.iter().map(whole).collect()
        }
        Slice::Profiles { files: ProfileFiles::Named(files), .. } => {
            let whole = |file: &ProfileFile| {
                let files = vec![ProfileFile { role: ProfileRole::Deliver, ..file.clone() }];
                let files = ProfileFiles::Named(files);
                (file.path.clone(), Slice::Profiles { files, after: None, upto: None })
            };
            files.iter().filter(|file| file.role == ProfileRole::Deliver).map(whole).collect()
        }
        // Lists have been resolved.
        Slice::Profiles { files: ProfileFiles::Listed { .. }, .. } => Vec::new(),
    }
}

/// By the names that the header shows, so that a column's place does not depend on which control characters stood for
/// its question marks; keys that share a name, and so a column, by their own bytes.
fn sort_by_name(columns: &mut [PropertyColumn]) {
    columns.sort_by_cached_key(|column| (column.scope, column_name(&column.key), column.key.clone()));
}

async fn append(
    parts: &Parts,
    request: &Request<'_>,
    event_name: Option<&str>,
    found: Vec<PropertyColumn>,
) -> Result<usize, StepError> {
    // A preview belongs to no export, so it has no list to keep.
    let Some(export) = request.export else { return Ok(found.len()) };
    Ok(parts.store.append_columns(request.account, export, event_name, &found).await?.len())
}

async fn add_keys(
    parts: &Parts,
    request: &Request<'_>,
    keys: &mut PropertyKeys,
    path: &str,
    footer_keys: Option<&str>,
    slice: Slice,
) -> Result<(), StepError> {
    if footer_keys.is_some_and(|text| keys.add_footer(text).is_ok()) {
        return Ok(());
    }
    let note = note_of(parts, path).await?;
    if let Some(note) = &note
        && let Some(text) = parts.store.scanned_keys(request.account, note).await?
        && keys.add_footer(&text).is_ok()
    {
        return Ok(());
    }
    scan_keys(parts, request, keys, (path, note.as_deref()), slice).await
}

/// Under what the keys of a file are kept: another lake may have a file of the same path, and a file that was mended has
/// other keys. None where it is gone, which its chunk will tell.
async fn note_of(parts: &Parts, path: &str) -> Result<Option<String>, StepError> {
    match parts.lake.committed(path).await {
        Ok(committed) => Ok(Some(format!("{path}@{}", committed.as_microsecond()))),
        Err(error) if error.is_passing() => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// Adds the keys of a file by reading it, and keeps them under its `note`, so that a planning that is interrupted need
/// not again.
async fn scan_keys(
    parts: &Parts,
    request: &Request<'_>,
    keys: &mut PropertyKeys,
    (path, note): (&str, Option<&str>),
    slice: Slice,
) -> Result<(), StepError> {
    let profiles = request.spec.data == DataSelection::AllProfiles;
    let scopes = scopes_of(profiles);
    let names: Vec<_> = scopes.iter().map(|(name, _)| *name).collect();
    let rows = parts.lake.rows(&slice, &names);
    let scanned = tokio::task::spawn_blocking(move || scan(rows, scopes)).await;
    let scanned =
        match scanned.map_err(|error| StepError::Internal(format!("the scan of {path}: {error}")))? {
            Ok(scanned) => scanned,
            // A broken file fails its chunk, with its row named; the others must not wait for it.
            Err(error) if !error.is_passing() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
    let text = if profiles { scanned.profile_footer() } else { scanned.event_footer() };
    if let Some(note) = note {
        parts.store.put_scanned_keys(request.account, note, &text).await?;
    }
    let added = keys.add_footer(&text);
    added.map_err(|error| StepError::Internal(format!("our own footer text of {path}: {error}")))
}

fn scopes_of(profiles: bool) -> &'static [(&'static str, PropertyScope)] {
    if profiles {
        &[(columns::PROFILE_PROPS, PropertyScope::Profile)]
    } else {
        &[(columns::EVENT_PROPS, PropertyScope::Event), (columns::SESSION_PROPS, PropertyScope::Session)]
    }
}

/// Reads a file's keys. Texts that are no JSON objects are passed over: their chunk will name them.
fn scan(
    mut rows: Box<dyn LakeRows>,
    scopes: &'static [(&'static str, PropertyScope)],
) -> Result<PropertyKeys, LakeError> {
    let mut keys = PropertyKeys::new();
    while let Some(sourced) = rows.next_batch()? {
        for (name, scope) in scopes {
            let Some(texts) = sourced.batch.column_by_name(name) else { continue };
            for text in texts.as_string_view().iter().flatten() {
                if let Err(fault) = keys.add_text(*scope, text) {
                    tracing::debug!(?fault, "a property text that is no JSON object");
                }
            }
        }
    }
    Ok(keys)
}
