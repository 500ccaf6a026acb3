//! What a run delivered, checked against its manifest and against the lake.

use std::collections::BTreeMap;

use bytes::Bytes;
use crc32c::crc32c;
use jiff::Timestamp;
use spillway::{
    domain::{
        ChunkState, DataSelection, Manifest, ManifestFile, ManifestStatus, Run, RunKey, RunStatus, names,
    },
    ports::Store,
};

use super::{
    app::{BUCKET, TestApp},
    decode::{DecodedRow, decode},
    rows::{EventRow, ProfileRow, as_read_back},
};

/// What a run delivered.
#[derive(Debug)]
pub struct Delivered {
    /// The run.
    pub run: Run,
    /// Its manifest, where there is one.
    pub manifest: Option<Manifest>,
    /// Its other objects, by name.
    pub objects: BTreeMap<String, Bytes>,
    /// The rows of each object.
    pub rows: BTreeMap<String, Vec<DecodedRow>>,
}

impl Delivered {
    /// The rows of all objects, in the order of objects.
    pub fn all_rows(&self) -> impl Iterator<Item = &DecodedRow> {
        self.rows.values().flatten()
    }
}

impl TestApp {
    /// Reads back what a run delivered, and asserts that manifest, store and bucket agree and that no object is over
    /// the limit.
    ///
    /// # Panics
    /// Where they do not.
    pub async fn delivered(&self, key: RunKey) -> Delivered {
        self.delivered_into(key, &self.buckets.objects(BUCKET)).await
    }

    /// As [`TestApp::delivered`], out of objects that the test has fetched.
    ///
    /// # Panics
    /// Where they do not.
    pub async fn delivered_into(&self, key: RunKey, bucket: &BTreeMap<String, Bytes>) -> Delivered {
        delivered(&*self.store, self.now(), self.options.file_limit_bytes, key, bucket).await
    }
}

/// Reads back what a run delivered out of a bucket's objects, and asserts that manifest, store and bucket agree and that
/// no object is over the limit.
///
/// # Panics
/// Where they do not.
pub async fn delivered(
    store: &dyn Store,
    now: Timestamp,
    file_limit_bytes: u64,
    key: RunKey,
    bucket: &BTreeMap<String, Bytes>,
) -> Delivered {
    let run = store.run(key).await.expect("the store works").expect("the run is there");
    let prefixes = [format!("{key}-"), format!("{}-{key}-", key.account)];
    let mut objects = bucket.clone();
    objects.retain(|name, _| prefixes.iter().any(|prefix| name.starts_with(prefix)));
    for (name, bytes) in &objects {
        assert!(bytes.len() as u64 <= file_limit_bytes, "{name} has {} bytes", bytes.len());
    }
    let manifest = bucket.get(&names::manifest_object(key)).map(|bytes| {
        let manifest: Manifest = serde_json::from_slice(bytes).expect("a manifest is JSON");
        check_manifest(&run, &manifest, &objects);
        manifest
    });
    let format = (run.spec.format, run.spec.packaging);
    let is_events = run.spec.data != DataSelection::AllProfiles;
    let rows: BTreeMap<_, _> = objects
        .iter()
        .map(|(name, bytes)| (name.clone(), decode(format, is_events, run.spec.header_line, bytes)))
        .collect();
    for file in manifest.iter().flat_map(|manifest| &manifest.files) {
        assert_eq!(rows[&file.name].len() as u64, file.rows, "rows of {}", file.name);
    }
    check_chunks(store, now, &run, &objects).await;
    Delivered { run, manifest, objects, rows }
}

/// Every finished chunk's object is there as the store says, and a run that has ended has no lease left.
async fn check_chunks(store: &dyn Store, now: Timestamp, run: &Run, objects: &BTreeMap<String, Bytes>) {
    let Some(plan) = &run.plan else { return };
    let page = store.chunks(run.key, &plan.token, None, 100_000).await.expect("the store works");
    let mut done = Vec::<ManifestFile>::new();
    for chunk in &page.chunks {
        done.extend(chunk.manifest_file());
        let leased = matches!(chunk.state(), ChunkState::Leased(lease) if lease.is_valid(now));
        assert!(!leased || !run.status.is_closed(), "{} is leased in a closed run", chunk.object_name());
    }
    for file in &done {
        assert_eq!(file.bytes, objects[&file.name].len() as u64, "{}", file.name);
        assert_eq!(file.crc32c.0, crc32c(&objects[&file.name]), "{}", file.name);
    }
    if matches!(run.status, RunStatus::Done | RunStatus::Empty) {
        assert_eq!(done.len(), objects.len(), "each object has a chunk");
    }
}

fn check_manifest(run: &Run, manifest: &Manifest, objects: &BTreeMap<String, Bytes>) {
    let status = match run.status {
        RunStatus::Done => ManifestStatus::Done,
        RunStatus::Empty => ManifestStatus::Empty,
        RunStatus::Stopped => ManifestStatus::Stopped,
        other => panic!("a run that is {other:?} has a manifest"),
    };
    assert_eq!(manifest.status, status);
    let listed: Vec<_> = manifest.files.iter().map(|file| file.name.clone()).collect();
    if status != ManifestStatus::Stopped {
        assert_eq!(listed, objects.keys().cloned().collect::<Vec<_>>(), "the manifest lists what is there");
    }
    for file in &manifest.files {
        let bytes = objects.get(&file.name).unwrap_or_else(|| panic!("{} is listed, not there", file.name));
        assert_eq!((file.bytes, file.crc32c.0), (bytes.len() as u64, crc32c(bytes)), "{}", file.name);
    }
    let totals = (run.totals.files, run.totals.rows, run.totals.bytes);
    assert_eq!(totals, (manifest.files.len() as u64, manifest.rows, manifest.bytes));
}

/// Asserts that the run's files hold just these events, once each, each in a file of its name, day and shard.
///
/// # Panics
/// Where a row is missing, twice, altered, or in the wrong file.
pub fn assert_rows(delivered: &Delivered, expected: &[EventRow]) {
    let format = delivered.run.spec.format;
    let expected: BTreeMap<_, _> = expected.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut seen = BTreeMap::<&str, &str>::new();
    for (name, rows) in &delivered.rows {
        let listed = delivered.manifest.as_ref().and_then(|m| m.files.iter().find(|file| file.name == *name));
        for row in rows {
            let wanted =
                expected.get(row.id.as_str()).unwrap_or_else(|| panic!("{name} has a stranger: {row:?}"));
            if let Some(before) = seen.insert(&row.id, name) {
                panic!("{row:?} is twice, in {before} and {name}");
            }
            assert_eq!(row.event.as_deref(), Some(as_read_back(&wanted.event, format).as_str()), "{name}");
            assert_eq!(row.note, as_read_back(&wanted.note, format), "{name}: {row:?}");
            let day = wanted.date.strftime("%Y%m%d").to_string();
            assert!(name.contains(&format!("-{day}-")), "{row:?} of {day} is in {name}");
            if let Some(file) = listed {
                let place = (file.event_name.as_deref(), file.date, file.database_id.0);
                assert_eq!(
                    place,
                    (Some(wanted.event.as_str()), Some(wanted.date), wanted.database),
                    "{name}"
                );
            }
        }
    }
    let lost: Vec<_> = expected.keys().filter(|id| !seen.contains_key(*id)).collect();
    assert!(lost.is_empty(), "{} of {} rows are lost: {lost:?}", lost.len(), expected.len());
}

/// Asserts that the run's files hold just these profiles, once each.
///
/// # Panics
/// Where they do not.
pub fn assert_profiles(delivered: &Delivered, expected: &[&ProfileRow]) {
    let format = delivered.run.spec.format;
    let row = |row: &&ProfileRow| (row.id.clone(), as_read_back(&row.note, format));
    let mut wanted: Vec<_> = expected.iter().map(row).collect();
    wanted.sort();
    let mut found: Vec<_> = delivered.all_rows().map(|row| (row.id.clone(), row.note.clone())).collect();
    found.sort();
    assert_eq!(found, wanted);
}
