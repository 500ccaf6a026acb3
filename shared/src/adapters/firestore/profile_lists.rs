//! Profiles files: what is remembered of each, and the lists that chunks of a plan share.

use std::collections::BTreeMap;

use super::{
    chunks,
    client::Client,
    documents::Fields,
    faults::Fault,
    paths::{self, DocPath, text_id},
    runs,
    transaction::Transaction,
};
use crate::domain::{AccountId, DatabaseId, PlanToken, ProfileFile, ProfileNote, RunKey};

fn note_path(account: AccountId, path: &str) -> DocPath {
    paths::account(account).child("profile_notes", &text_id(path))
}

pub(super) async fn notes(
    client: &Client,
    account: AccountId,
    paths: &[String],
) -> Result<BTreeMap<String, ProfileNote>, Fault> {
    let names: Vec<_> = paths.iter().map(|path| note_path(account, path)).collect();
    let mut notes = BTreeMap::new();
    for (path, stored) in paths.iter().zip(client.get(&names).await?) {
        if let Some(stored) = stored {
            let note = stored.read(|| format!("the note of lake file `{path}`"))?;
            notes.insert(path.clone(), note);
        }
    }
    Ok(notes)
}

pub(super) fn put_notes(tx: &Transaction, account: AccountId, notes: &BTreeMap<String, ProfileNote>) {
    for (path, note) in notes {
        tx.put(note_path(account, path), Fields::of(note));
    }
}

fn list_path(run: RunKey, plan: &PlanToken, database: DatabaseId, part: u32) -> DocPath {
    paths::plan(run, &plan.0).child("profile_lists", &format!("{}-{part}", database.0))
}

pub(super) async fn put(
    tx: &Transaction,
    (run, plan): (RunKey, &PlanToken),
    database: DatabaseId,
    part: u32,
    files: &[ProfileFile],
) -> Result<(), Fault> {
    chunks::begin(tx, run, &plan.0).await?;
    let path = list_path(run, plan, database, part);
    if tx.look_at(std::slice::from_ref(&path)).await?.iter().all(Option::is_none) {
        tx.create(path, Fields::of(&files));
    }
    Ok(())
}

pub(super) async fn get(
    client: &Client,
    (run, plan): (RunKey, &PlanToken),
    database: DatabaseId,
    part: u32,
) -> Result<Option<Vec<ProfileFile>>, Fault> {
    let stored = client.get_one(&list_path(run, plan, database, part)).await?;
    let of = || {
        format!("part {part} of the list of profiles files of shard {} of {}", database.0, runs::name(run))
    };
    Ok(stored.map(|stored| stored.read(of)).transpose()?)
}
