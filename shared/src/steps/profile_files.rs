//! The profiles files of a run: gathered for its plan, and found again for a chunk.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{
    Parts, StepError,
    open::{FOOTERS_AT_ONCE, Request, list, readable_footer},
};
use crate::domain::{
    Chunk, Dataset, Footer, LakeFile, PlanToken, ProfileFile, ProfileFiles, ProfileNote, ProfileRole, RunKey,
    Slice,
    plan::{ProfileList, ProfileShard, ShardFile},
};

/// How many files' notes are read or written at once.
const NOTES_AT_ONCE: usize = 500;

/// The profiles files up to the cut: those of the window to deliver, older ones to keep older versions back. The
/// footers of the latter are read once in the account's life: what they say is remembered.
pub(super) async fn shards(parts: &Parts, request: &Request<'_>) -> Result<Vec<ProfileShard>, StepError> {
    let (_, last) = request.window.captured_hours(request.zone);
    let mut files = list(parts, request, Dataset::Profiles, (Timestamp::UNIX_EPOCH, last)).await?;
    files.retain(|file| file.committed <= request.window.cut());
    let mut shards = BTreeMap::new();
    for batch in files.chunks(NOTES_AT_ONCE) {
        for (file, role, note, footer) in look_at(parts, request, batch).await? {
            let database = file.place.database;
            let file = ShardFile::new(file, role, note.as_ref(), footer);
            shards.entry(database).or_insert_with(Vec::new).push(file);
        }
    }
    Ok(shards.into_iter().map(|(database, files)| ProfileShard { database, files }).collect())
}

type Looked = (LakeFile, ProfileRole, Option<ProfileNote>, Option<Footer>);

async fn look_at(parts: &Parts, request: &Request<'_>, files: &[LakeFile]) -> Result<Vec<Looked>, StepError> {
    let files: Vec<(LakeFile, bool)> =
        files.iter().map(|file| (file.clone(), request.window.takes(file.committed, None))).collect();
    let older: Vec<_> =
        files.iter().filter(|(_, delivers)| !delivers).map(|(file, _)| file.path.clone()).collect();
    let mut known = BTreeMap::new();
    if !older.is_empty() {
        known = parts.store.profile_notes(request.account, &older).await?;
    }
    let remembered = &known;
    let looked = stream::iter(files.into_iter().map(async |(file, delivers)| {
        let note = remembered.get(&file.path).filter(|note| note.is_of(&file)).cloned();
        // Of a file to deliver the row groups are needed to cut ranges, so a note would not do.
        if note.is_some() && !delivers {
            return Ok::<_, StepError>((file, ProfileRole::Delivered, note, None));
        }
        let footer = readable_footer(parts, &file.path).await?;
        let note = footer.as_ref().map(|footer| ProfileNote::of(&file, footer));
        let role = if delivers { ProfileRole::Deliver } else { ProfileRole::Delivered };
        Ok((file, role, note, footer.filter(|_| delivers)))
    }));
    let looked: Vec<Looked> = looked.buffered(FOOTERS_AT_ONCE).try_collect().await?;
    let is_new = |(file, _, note, _): &&Looked| note.is_some() && known.get(&file.path) != note.as_ref();
    let new: BTreeMap<_, _> = looked
        .iter()
        .filter(is_new)
        .filter_map(|(file, _, note, _)| Some((file.path.clone(), note.clone()?)))
        .collect();
    // A preview stores nothing.
    if request.export.is_some() && !new.is_empty() {
        parts.store.put_profile_notes(request.account, &new).await?;
    }
    Ok(looked)
}

/// Stores the lists that a plan's chunks name.
pub(super) async fn put_lists(
    parts: &Parts,
    run: RunKey,
    plan: &PlanToken,
    lists: &[ProfileList],
) -> Result<(), StepError> {
    for list in lists {
        for (part, files) in (0..).zip(&list.parts) {
            parts.store.put_profile_list(run, plan, list.database, part, files).await?;
        }
    }
    Ok(())
}

/// A chunk's slice with its files named, those of a list too.
pub(super) async fn resolve(parts: &Parts, chunk: &Chunk) -> Result<Slice, StepError> {
    let Slice::Profiles { files: ProfileFiles::Listed { parts: count, listed }, after, upto } =
        &chunk.plan().slice
    else {
        return Ok(chunk.plan().slice.clone());
    };
    let (key, database) = (chunk.key(), chunk.plan().database);
    let (mut named, mut found) = (Vec::<ProfileFile>::new(), 0);
    for part in 0..*count {
        let files = parts.store.profile_list(key.run, &key.plan, database, part).await?;
        let files = files.ok_or_else(|| {
            let name = chunk.object_name();
            StepError::Internal(format!("part {part} of the list of profiles files of {name} is gone"))
        })?;
        found += files.len() as u64;
        named.extend(files.into_iter().filter(|file| file.touches(after.as_deref(), upto.as_deref())));
    }
    if found != *listed {
        let name = chunk.object_name();
        return Err(StepError::Internal(format!(
            "the list of profiles files of {name} has {found} files, not {listed}"
        )));
    }
    Ok(Slice::Profiles { files: ProfileFiles::Named(named), after: after.clone(), upto: upto.clone() })
}
