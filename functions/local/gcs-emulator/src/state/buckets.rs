//! Buckets: their settings, retention policy and IAM, one JSON document each.

use std::{
    fs::{self, File},
    io::{Read, Seek, Write},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Sharing, Store, lock, names, remove_if_there, sync_folder};
use crate::{
    error::{Error, Result},
    iam::Policy,
};

/// How many locks the objects of a bucket share.
const OBJECT_LOCKS: u32 = 256;

/// Held, nobody else changes the object, nor its bucket.
pub(super) struct ObjectLock {
    _of_object: File,
    _of_bucket: File,
}

/// How a bucket is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketOptions {
    /// The project that owns it.
    pub project: String,
    /// Where it is said to lie, e.g. `EUROPE-WEST1`.
    pub location: String,
    /// Seconds for which an object may be neither deleted nor overwritten after its creation.
    pub retention_secs: Option<u64>,
    /// Whether the retention policy is locked, i.e. can only be prolonged.
    pub retention_locked: bool,
    /// Whether callers must name the project that pays (`userProject`).
    pub requester_pays: bool,
}

impl Default for BucketOptions {
    fn default() -> Self {
        Self {
            project: "emulated-project".to_owned(),
            location: "EUROPE-WEST1".to_owned(),
            retention_secs: None,
            retention_locked: false,
            requester_pays: false,
        }
    }
}

/// How long objects must stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retention {
    pub(crate) period_secs: u64,
    pub(crate) effective: Timestamp,
    pub(crate) locked: bool,
}

impl Retention {
    /// When an object created at `created` becomes free.
    pub(crate) fn until(&self, created: Timestamp) -> Timestamp {
        let secs = i64::try_from(self.period_secs).unwrap_or(i64::MAX);
        created.checked_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
    }
}

/// What `.gcs/buckets/<bucket>.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    pub(crate) name: String,
    pub(crate) project: String,
    pub(crate) location: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) metageneration: i64,
    pub(crate) retention: Option<Retention>,
    pub(crate) requester_pays: bool,
    pub(crate) policy: Policy,
}

impl Store {
    fn bucket_file(&self, bucket: &str, extension: &str) -> std::path::PathBuf {
        self.internal("buckets").join(format!("{bucket}.{extension}"))
    }

    /// Where a bucket's objects lie.
    pub(crate) fn bucket_folder(&self, bucket: &str) -> std::path::PathBuf {
        self.root.join(bucket)
    }

    pub(super) fn records_folder(&self, bucket: &str) -> std::path::PathBuf {
        self.internal("objects").join(bucket)
    }

    pub(super) fn lock_bucket(&self, bucket: &str, sharing: Sharing) -> Result<File> {
        if !names::is_bucket_name(bucket) {
            return Err(Error::NoBucket(bucket.to_owned()));
        }
        lock(&self.bucket_file(bucket, "lock"), sharing)
    }

    /// Waits for one object. Others of the bucket go on meanwhile, as making one waits for the disk; whoever has the
    /// bucket for itself keeps all out.
    pub(super) fn lock_object(&self, bucket: &str, object: &str, sharing: Sharing) -> Result<ObjectLock> {
        let of_bucket = self.lock_bucket(bucket, Sharing::Readers)?;
        let stripe = crc32c::crc32c(object.as_bytes()) % OBJECT_LOCKS;
        // No bucket's name has a `~`.
        let path = self.internal("buckets").join(format!("{bucket}~{stripe}.lock"));
        Ok(ObjectLock { _of_object: lock(&path, sharing)?, _of_bucket: of_bucket })
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// `BucketName` and `BucketExists`, besides those of the folder.
    pub(crate) fn create_bucket(
        &self,
        name: &str,
        options: BucketOptions,
        policy: Policy,
    ) -> Result<BucketRecord> {
        if !names::is_bucket_name(name) {
            return Err(Error::BucketName(name.to_owned()));
        }
        let _lock = self.lock_bucket(name, Sharing::OneWriter)?;
        if self.bucket(name)?.is_some() {
            return Err(Error::BucketExists(name.to_owned()));
        }
        // Where only its folder was deleted, what was known of the objects in it goes too.
        match fs::remove_dir_all(self.records_folder(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Io { path: self.records_folder(name), source: error });
            }
            _ => {}
        }
        for folder in [self.bucket_folder(name), self.records_folder(name)] {
            fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
            folder.parent().map_or(Ok(()), sync_folder)?;
        }
        let now = self.now();
        let record = BucketRecord {
            name: name.to_owned(),
            project: options.project,
            location: options.location,
            created: now,
            updated: now,
            metageneration: 1,
            retention: options.retention_secs.map(|period_secs| Retention {
                period_secs,
                effective: now,
                locked: options.retention_locked,
            }),
            requester_pays: options.requester_pays,
            policy,
        };
        self.write(&self.bucket_file(name, "json"), &record)?;
        Ok(record)
    }

    /// The bucket's record, if there is such a bucket. One whose folder somebody deleted is none, whatever its record
    /// says: buckets are plain folders.
    pub(crate) fn bucket(&self, name: &str) -> Result<Option<BucketRecord>> {
        if !names::is_bucket_name(name) || !self.bucket_folder(name).is_dir() {
            return Ok(None);
        }
        self.read(&self.bucket_file(name, "json"))
    }

    /// All buckets by name.
    pub(crate) fn buckets(&self) -> Result<Vec<BucketRecord>> {
        let folder = self.internal("buckets");
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let path = entry.map_err(Error::io(&folder))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let record = self.read::<BucketRecord>(&path)?;
                found.extend(record.filter(|record| self.bucket_folder(&record.name).is_dir()));
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Changes a bucket's record under its lock; `change` may refuse.
    pub(crate) fn update_bucket<E: From<Error>>(
        &self,
        name: &str,
        change: impl FnOnce(&mut BucketRecord) -> Result<(), E>,
    ) -> Result<BucketRecord, E> {
        let _lock = self.lock_bucket(name, Sharing::OneWriter)?;
        let mut record = self.bucket(name)?.ok_or_else(|| Error::NoBucket(name.to_owned()))?;
        change(&mut record)?;
        record.metageneration += 1;
        record.updated = self.now();
        self.write(&self.bucket_file(name, "json"), &record)?;
        Ok(record)
    }

    /// Deletes an empty bucket; `false` if it still holds objects.
    pub(crate) fn delete_bucket(&self, name: &str) -> Result<bool> {
        let _lock = self.lock_bucket(name, Sharing::OneWriter)?;
        if self.bucket(name)?.is_none() {
            return Err(Error::NoBucket(name.to_owned()));
        }
        // `remove_dir` refuses a folder that holds anything, also a file that is no object to us.
        match fs::remove_dir(self.bucket_folder(name)) {
            Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => return Ok(false),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Io { path: self.bucket_folder(name), source: error });
            }
            _ => {}
        }
        let records = self.records_folder(name);
        fs::remove_dir_all(&records).map_err(Error::io(&records))?;
        remove_if_there(&self.bucket_file(name, "json"))?;
        Ok(true)
    }

    /// The next generation of the bucket: microseconds of the clock, but always above the last one.
    pub(super) fn next_generation(&self, bucket: &str) -> Result<i64> {
        let path = self.bucket_file(bucket, "generation");
        let mut file = lock(&path, Sharing::OneWriter)?;
        let mut last = Vec::new();
        let next = file.read_to_end(&mut last).and_then(|_| {
            // Lost or damaged in a crash of the machine, it is made up for by the clock.
            let last: i64 = str::from_utf8(&last).ok().and_then(|last| last.trim().parse().ok()).unwrap_or(0);
            let next = self.now().as_microsecond().max(last.saturating_add(1));
            let text = next.to_string();
            // In its place: a file anew for each object makes the disk look for free inodes among thousands that were just
            // given back.
            file.rewind()?;
            file.write_all(text.as_bytes())?;
            file.set_len(text.len() as u64)?;
            Ok(next)
        });
        next.map_err(Error::io(&path))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::{path::Path, sync::Arc};

    use super::*;

    fn store(folder: &Path) -> Store {
        let store = Store::open(folder.to_owned(), Arc::new(|| Timestamp::from_microsecond(1_000).unwrap()));
        let store = store.unwrap();
        store.create_bucket("bucket", BucketOptions::default(), Policy::default()).unwrap();
        store
    }

    #[test]
    fn objects_do_not_wait_for_each_other_and_a_bucket_waits_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let is_free = |path: &Path| {
            let file = File::options().write(true).open(path).unwrap();
            file.try_lock().is_ok()
        };
        let first =
            store.lock_object("bucket", "1-1-Viewed-20250611-0-0.json.gz", Sharing::OneWriter).unwrap();
        // Would wait for ever, were it one lock.
        let other =
            store.lock_object("bucket", "1-1-Viewed-20250611-0-1.json.gz", Sharing::OneWriter).unwrap();
        let of_bucket = store.bucket_file("bucket", "lock");
        assert!(!is_free(&of_bucket));
        drop(first);
        assert!(!is_free(&of_bucket));
        drop(other);
        assert!(is_free(&of_bucket));
        let _bucket = store.lock_bucket("bucket", Sharing::OneWriter).unwrap();
        assert!(!is_free(&of_bucket));
    }

    #[test]
    fn generations_grow_though_the_clock_stands_still() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let next = || store.next_generation("bucket").unwrap();
        assert_eq!([next(), next(), next()], [1_000, 1_001, 1_002]);
        // As a crash of the machine may leave it.
        for damaged in [&[0; 4][..], &[0xFF; 40], b"12345x7890123"] {
            fs::write(store.bucket_file("bucket", "generation"), damaged).unwrap();
            assert_eq!([next(), next()], [1_000, 1_001]);
        }
    }
}
