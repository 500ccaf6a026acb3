//! `spillway verify`: a bucket read back against a run's manifest, with other readers than our writers.
//!
//! Every object that the manifest lists is read once, from its first byte to its last: its bytes are counted, its
//! CRC32C computed over what came, its rows counted by a reader of its format. A run whose objects the key may
//! not read is compared with our own records instead, see [`verify_records`].

mod count;
mod difference;
mod object;
mod records;
mod source;

#[cfg(test)]
mod tests;

use futures::{StreamExt, TryStreamExt};
use serde::Serialize;
use spillway::{
    domain::{BucketFailure, FailureClass, Format, Manifest, ManifestFile, RunKey, names},
    ports::{BucketHandle, ObjectFacts, StoreError},
};

pub use difference::Difference;
pub use records::{compare_lines, recorded_lines, verify_records, verify_without_manifest};

/// How many objects are read at a time.
const AT_ONCE: usize = 4;
/// A manifest with more bytes is not read; ours are far below, at some 200 bytes a file.
const MANIFEST_MAX_BYTES: u64 = 512 * 1024 * 1024;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// Objects that were looked at and are there.
    pub objects: u64,
    /// Rows counted in them; where they could not be read, the rows of our own records.
    pub rows: u64,
    /// Bytes read; where they could not be read, the bytes that Google tells.
    pub bytes: u64,
    /// Everything that is not as the manifest says; empty where all is well.
    #[serde(serialize_with = "difference::told")]
    pub differences: Vec<Difference>,
    /// The key may not read objects, so nothing is known about what is in them.
    pub unreadable: bool,
    /// The key may not list objects, so objects that should not be there were not looked for.
    pub unlistable: bool,
}

impl VerifyReport {
    /// Whether everything was read and is as the manifest says.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty() && !self.unreadable
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The bucket does not answer, or not under this key.
    #[error("cannot verify: {0}")]
    Bucket(BucketFailure),
    /// There is no such manifest.
    #[error("there is no object {0}: the run has not ended, its manifest is switched off, or it was deleted")]
    NoManifest(String),
    /// The object is not a manifest of ours.
    #[error("{name} is not a manifest that this version can read: {reason}")]
    NotAManifest {
        /// The object.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Reading the manifest broke off.
    #[error("reading {0} broke off; verify again")]
    BrokeOff(String),
    /// Our own records cannot be read.
    #[error("our own records: {0}")]
    Store(#[from] StoreError),
    /// A thread of ours ended without a word.
    #[error("a reader's thread ended without a word")]
    Thread,
}

/// The names of the manifests in a bucket, by name: one for each run that has ended.
///
/// # Errors
/// The bucket's failure; `PermissionMissing` where the key may not list.
pub async fn manifest_names(bucket: &dyn BucketHandle) -> Result<Vec<String>, BucketFailure> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_manifest = |name: &str| {
        let run = name.strip_suffix(".manifest").and_then(|stem| stem.split_once('-'));
        run.is_some_and(|(request, run)| is_number(request) && is_number(run))
    };
    let objects = bucket.list("").await?;
    Ok(objects.into_iter().map(|object| object.name).filter(|name| is_manifest(name)).collect())
}

/// Reads a manifest.
///
/// # Errors
/// [`VerifyError`]; `Bucket` with the class `PermissionMissing` where the key may not read objects.
pub async fn read_manifest(bucket: &dyn BucketHandle, name: &str) -> Result<Manifest, VerifyError> {
    let Some(mut source) = bucket.read(name).await.map_err(VerifyError::Bucket)? else {
        return Err(VerifyError::NoManifest(name.to_owned()));
    };
    let not_ours = |reason: String| VerifyError::NotAManifest { name: name.to_owned(), reason };
    let mut bytes = Vec::new();
    while let Some(piece) = source.next().await.map_err(|_| VerifyError::BrokeOff(name.to_owned()))? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > MANIFEST_MAX_BYTES {
            return Err(not_ours(format!("it has more than {MANIFEST_MAX_BYTES} bytes")));
        }
    }
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| not_ours(error.to_string()))?;
    if manifest.version != 1 {
        return Err(not_ours(format!("it has version {}", manifest.version)));
    }
    if names::manifest_object(run_of(&manifest)) != name {
        return Err(not_ours(format!("it is that of run {}", run_of(&manifest))));
    }
    Ok(manifest)
}

/// Which run a manifest is of.
#[must_use]
pub fn run_of(manifest: &Manifest) -> RunKey {
    RunKey { account: manifest.account, request: manifest.request_id, run: manifest.run_timestamp }
}

/// Reads a run back, by the name of its manifest. Where the key may not read objects, the manifest neither, the
/// report says `unreadable` and nothing else; go on with [`verify_records`].
///
/// # Errors
/// [`VerifyError`] where there is nothing to compare with, or the bucket fails for another reason.
pub async fn verify(bucket: &dyn BucketHandle, manifest_name: &str) -> Result<VerifyReport, VerifyError> {
    match read_manifest(bucket, manifest_name).await {
        Ok(manifest) => verify_manifest(bucket, &manifest).await,
        Err(VerifyError::Bucket(failure)) if is_forbidden(&failure) => {
            Ok(VerifyReport { unreadable: true, ..VerifyReport::default() })
        }
        Err(error) => Err(error),
    }
}

/// Reads back every object of a manifest. Where the key may not read them, compares with the bucket's list.
///
/// # Errors
/// [`VerifyError`] where the bucket fails for a reason that says nothing about the run's objects.
pub async fn verify_manifest(
    bucket: &dyn BucketHandle,
    manifest: &Manifest,
) -> Result<VerifyReport, VerifyError> {
    let own = own_differences(manifest);
    read_back(bucket, run_of(manifest), manifest.format, &manifest.files, own).await
}

/// Reads back the objects of a run's lines; `own` is what is known to differ without that.
async fn read_back(
    bucket: &dyn BucketHandle,
    run: RunKey,
    format: Format,
    files: &[ManifestFile],
    own: Vec<Difference>,
) -> Result<VerifyReport, VerifyError> {
    let mut report = VerifyReport { differences: own.clone(), ..VerifyReport::default() };
    let listed = list_run(bucket, run).await?;
    let lines = files.iter().map(|file| object::check(bucket, file, format));
    // Collected first: a lazy iterator over borrowing futures is not `Send` for every lifetime.
    let lines: Vec<_> = lines.collect();
    let read = futures::stream::iter(lines).buffered(AT_ONCE);
    let read = read.try_for_each(|found| {
        report.add(found);
        futures::future::ready(Ok(()))
    });
    match read.await {
        Ok(()) => {}
        Err(VerifyError::Bucket(failure)) if is_forbidden(&failure) => {
            report = VerifyReport { unreadable: true, differences: own, ..VerifyReport::default() };
            if let Some(objects) = &listed {
                report.compare_listed(files, objects);
            }
        }
        Err(error) => return Err(error),
    }
    report.look_for_others(files, listed.as_deref());
    Ok(report)
}

/// What is wrong with a manifest by itself.
fn own_differences(manifest: &Manifest) -> Vec<Difference> {
    let manifest_name = names::manifest_object(run_of(manifest));
    let mut differences = Vec::new();
    for pair in manifest.files.windows(2) {
        let name = || pair[1].name.clone();
        match pair[0].name.cmp(&pair[1].name) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => differences.push(Difference::ListedTwice { name: name() }),
            std::cmp::Ordering::Greater => {
                differences.push(Difference::OutOfOrder { name: name(), after: pair[0].name.clone() });
            }
        }
    }
    let (listed, sum) = (manifest.rows, manifest.files.iter().map(|file| file.rows).sum());
    if listed != sum {
        differences.push(Difference::TotalRows { name: manifest_name.clone(), listed, sum });
    }
    let (listed, sum) = (manifest.bytes, manifest.files.iter().map(|file| file.bytes).sum());
    if listed != sum {
        differences.push(Difference::TotalBytes { name: manifest_name, listed, sum });
    }
    differences
}

/// The objects that carry a run's name, by name; none where the key may not list.
async fn list_run(bucket: &dyn BucketHandle, run: RunKey) -> Result<Option<Vec<ObjectFacts>>, VerifyError> {
    let mut objects = Vec::new();
    for prefix in [format!("{run}-"), format!("{}-{run}-", run.account)] {
        match bucket.list(&prefix).await {
            Ok(found) => objects.extend(found),
            Err(failure) if is_forbidden(&failure) => return Ok(None),
            Err(failure) => return Err(VerifyError::Bucket(failure)),
        }
    }
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Some(objects))
}

fn is_forbidden(failure: &BucketFailure) -> bool {
    matches!(failure.class, FailureClass::PermissionMissing { .. })
}

impl VerifyReport {
    fn add(&mut self, found: object::Found) {
        self.objects += u64::from(found.exists);
        self.rows += found.rows;
        self.bytes += found.bytes;
        self.differences.extend(found.differences);
    }

    /// What the bucket's list tells about objects that cannot be read.
    fn compare_listed(&mut self, lines: &[ManifestFile], objects: &[ObjectFacts]) {
        for line in lines {
            let Ok(at) = objects.binary_search_by(|object| object.name.cmp(&line.name)) else {
                self.differences.push(Difference::Missing { name: line.name.clone() });
                continue;
            };
            self.objects += 1;
            self.rows += line.rows;
            self.bytes += objects[at].bytes;
            self.differences.extend(difference::stored(line, objects[at].bytes, objects[at].crc32c));
        }
    }

    /// Objects under the run's name that no line is about.
    fn look_for_others(&mut self, lines: &[ManifestFile], objects: Option<&[ObjectFacts]>) {
        let Some(objects) = objects else {
            self.unlistable = true;
            return;
        };
        let listed: std::collections::HashSet<&str> = lines.iter().map(|line| line.name.as_str()).collect();
        let others = objects.iter().filter(|object| !listed.contains(object.name.as_str()));
        let unlisted =
            others.map(|object| Difference::NotListed { name: object.name.clone(), bytes: object.bytes });
        self.differences.extend(unlisted);
    }
}
