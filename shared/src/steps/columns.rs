//! The stable property columns of CSV files, gathered while a run is planned (FORMATS, CSV: Stable columns).

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;

use super::{Parts, StepError, open::Request};
use crate::{
    domain::{
        ChunkContent, ChunkPlan, DataSelection, Format, ProfileFile, ProfileRole, PropertyColumn,
        PropertyScope, RowCursor, Run, Slice, SliceFile,
        plan::{EventFile, ProfileShard},
    },
    encode::{PropertyKeys, columns},
    ports::{LakeError, LakeRows},
};

/// The length of each event's frozen column list; empty for other formats than CSV.
pub(super) async fn of_events(
    parts: &Parts,
    request: &Request<'_>,
    files: &[(EventFile, Option<String>)],
) -> Result<BTreeMap<String, usize>, StepError> {
    let mut lengths = BTreeMap::new();
    if request.spec.format != Format::Csv {
        return Ok(lengths);
    }
    let mut by_event: BTreeMap<&str, Vec<(&EventFile, Option<&str>)>> = BTreeMap::new();
    for (file, footer_keys) in files {
        by_event.entry(&file.event_name).or_default().push((file, footer_keys.as_deref()));
    }
    for (event_name, mut files) in by_event {
        files.sort_by(|a, b| a.0.path.cmp(&b.0.path));
        let mut keys = PropertyKeys::new();
        for (file, footer_keys) in files {
            let file = SliceFile { path: file.path.clone(), bytes: file.bytes, row_groups: None };
            let (path, slice) = event_file_alone(&file);
            add_keys(parts, request, &mut keys, &path, footer_keys, slice).await?;
        }
        let length = append(parts, request, Some(event_name), keys.columns()).await?;
        lengths.insert(event_name.to_owned(), length);
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
    for (file, footer) in shards.iter().flat_map(|shard| &shard.files) {
        if file.role == ProfileRole::Deliver {
            // Alone in its slice, the file is read whole, deleted profiles and older versions apart.
            let (path, slice) = profile_file_alone(file);
            add_keys(parts, request, &mut keys, &path, footer.property_keys.as_deref(), slice).await?;
        }
    }
    let mut found = keys.columns();
    found.sort();
    append(parts, request, None, found).await
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

/// The length of the column list that a failed chunk needs, of its files as they are now: neither their footers nor an
/// earlier scan are believed, since one of them may be what was wrong.
pub(super) async fn anew(parts: &Parts, run: &Run, plan: &ChunkPlan) -> Result<usize, StepError> {
    if plan.files.0 != Format::Csv {
        return Ok(plan.columns);
    }
    let (zone, spec) = (run.zone.time_zone(), &run.spec);
    let (account, export) = (run.key.account, Some(run.key.request));
    let request = Request { account, export, spec, window: run.window, zone: &zone };
    let mut keys = PropertyKeys::new();
    for (path, slice) in files_alone(&plan.slice) {
        if let Some(text) = scan_file(parts, &request, &path, slice).await? {
            add_own_footer(&mut keys, &path, &text)?;
        }
    }
    match &plan.content {
        ChunkContent::Events { event_name, .. } => {
            append(parts, &request, Some(event_name), keys.columns()).await
        }
        ChunkContent::Profiles => {
            let mut found = keys.columns();
            found.sort();
            append(parts, &request, None, found).await
        }
    }
}

/// Each delivered file of a slice as a slice of its own.
fn files_alone(slice: &Slice) -> Vec<(String, Slice)> {
    match slice {
        Slice::Events { files, .. } => files.iter().map(event_file_alone).collect(),
        Slice::Profiles { files, .. } => {
            let delivered = files.iter().filter(|file| file.role == ProfileRole::Deliver);
            delivered.map(profile_file_alone).collect()
        }
    }
}

fn event_file_alone(file: &SliceFile) -> (String, Slice) {
    let alone = SliceFile { row_groups: None, ..file.clone() };
    (file.path.clone(), Slice::Events { files: vec![alone], from: RowCursor::default() })
}

fn profile_file_alone(file: &ProfileFile) -> (String, Slice) {
    (file.path.clone(), Slice::Profiles { files: vec![file.clone()], after: None, upto: None })
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
    if let Some(text) = parts.store.scanned_keys(request.account, path).await?
        && keys.add_footer(&text).is_ok()
    {
        return Ok(());
    }
    match scan_file(parts, request, path, slice).await? {
        Some(text) => add_own_footer(keys, path, &text),
        // A broken file fails its chunk, with its row named; the others must not wait for it.
        None => Ok(()),
    }
}

fn add_own_footer(keys: &mut PropertyKeys, path: &str, text: &str) -> Result<(), StepError> {
    let added = keys.add_footer(text);
    added.map_err(|error| StepError::Internal(format!("our own footer text of {path}: {error}")))
}

/// Reads a file's keys and keeps them for later plannings; none where the file is broken.
async fn scan_file(
    parts: &Parts,
    request: &Request<'_>,
    path: &str,
    slice: Slice,
) -> Result<Option<String>, StepError> {
    let profiles = request.spec.data == DataSelection::AllProfiles;
    let scopes = scopes_of(profiles);
    let names: Vec<_> = scopes.iter().map(|(name, _)| *name).collect();
    let rows = parts.lake.rows(&slice, &names);
    let scanned = tokio::task::spawn_blocking(move || scan(rows, scopes)).await;
    let scanned =
        match scanned.map_err(|error| StepError::Internal(format!("the scan of {path}: {error}")))? {
            Ok(scanned) => scanned,
            Err(error) if !error.is_passing() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
    let text = if profiles { scanned.profile_footer() } else { scanned.event_footer() };
    parts.store.put_scanned_keys(request.account, path, &text).await?;
    Ok(Some(text))
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
