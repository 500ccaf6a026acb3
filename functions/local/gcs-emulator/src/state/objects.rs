//! Objects: a plain file each, and a record beside it under `.gcs`.
//!
//! The file decides whether the object exists. The record carries the file's size and modification time; where
//! they differ (a person dropped or edited the file, or we died between the two renames) the record is computed
//! anew from the file. A new object's bytes, and then its name, are on the disk before its uploader hears of it.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read},
    path::PathBuf,
    time::UNIX_EPOCH,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Sharing, Store,
    buckets::BucketRecord,
    names::{self, Named},
    remove_if_there, rename_durably,
    staged::Staged,
};
use crate::{
    api::{checksums::Claims, preconditions::Preconditions},
    error::{ApiError, Error, Result},
};

/// What a client may set on an object, in the JSON API's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Fields {
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) storage_class: Option<String>,
    pub(crate) custom_time: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) temporary_hold: bool,
    pub(crate) event_based_hold: bool,
}

/// By which a record knows its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size_bytes: u64,
    modified_nanos: u64,
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self { size_bytes: file.len(), modified_nanos: modified_nanos(file) }
    }
}

/// What `.gcs/objects/<bucket>/<file>.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) name: String,
    pub(crate) generation: i64,
    pub(crate) metageneration: i64,
    pub(crate) size_bytes: u64,
    pub(crate) crc32c: u32,
    pub(crate) md5_hash: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) fields: Fields,
    /// The resumable upload that made it: a lost reply can be given again.
    pub(crate) upload_id: Option<String>,
    /// Who began that upload.
    #[serde(default)]
    pub(crate) started_by: Option<String>,
    file: Stamp,
}

/// A new object, all but its bytes.
pub(crate) struct NewObject {
    pub(crate) bucket: String,
    pub(crate) name: String,
    pub(crate) fields: Fields,
    pub(crate) claims: Claims,
    pub(crate) preconditions: Preconditions,
    pub(crate) upload_id: Option<String>,
    /// Who to name, and whether they hold `storage.objects.delete`, which replacing an object takes.
    pub(crate) caller: Option<String>,
    pub(crate) may_replace: bool,
}

impl Store {
    fn object_path(&self, bucket: &str, object: &str) -> PathBuf {
        self.bucket_folder(bucket).join(names::file_name(object))
    }

    fn record_path(&self, bucket: &str, file: &str) -> PathBuf {
        self.records_folder(bucket).join(format!("{file}.json"))
    }

    /// The object's record and its open file: together, whatever replaces it afterwards.
    ///
    /// # Errors
    /// `NoBucket`, `NoObject`.
    pub(crate) fn object(&self, bucket: &str, name: &str) -> Result<(ObjectRecord, File)> {
        for sharing in [Sharing::Readers, Sharing::OneWriter] {
            let _lock = self.lock_object(bucket, name, sharing)?;
            self.existing_bucket(bucket)?;
            let path = self.object_path(bucket, name);
            let Some(stat) = regular_file(&path)? else { break };
            let record = match self.fresh_record(bucket, name, &stat)? {
                Some(record) => record,
                // Adopting writes the record, so it must not race a commit: once more as the one writer.
                None if sharing == Sharing::Readers => continue,
                None => self.adopt(bucket, name, &stat)?,
            };
            return Ok((record, File::open(&path).map_err(Error::io(&path))?));
        }
        Err(Error::NoObject(bucket.to_owned(), name.to_owned()))
    }

    /// The object that this upload made, if it still stands.
    pub(crate) fn made_by(&self, upload_id: &str, bucket: &str, name: &str) -> Result<Option<ObjectRecord>> {
        match self.object(bucket, name) {
            Ok((record, _)) => {
                Ok(Some(record).filter(|record| record.upload_id.as_deref() == Some(upload_id)))
            }
            Err(Error::NoObject(..) | Error::NoBucket(..)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn existing_bucket(&self, bucket: &str) -> Result<BucketRecord> {
        self.bucket(bucket)?.ok_or_else(|| Error::NoBucket(bucket.to_owned()))
    }

    /// The record if it belongs to the file as it is now.
    fn fresh_record(&self, bucket: &str, name: &str, stat: &Metadata) -> Result<Option<ObjectRecord>> {
        let record: Option<ObjectRecord> = self.read(&self.record_path(bucket, &names::file_name(name)))?;
        match record {
            Some(record) if record.file != Stamp::of(stat) => Ok(None),
            Some(record) if record.name != name => Err(Error::NameClash(name.to_owned(), record.name)),
            other => Ok(other),
        }
    }

    /// Makes the record of a file that came without one. The caller is the one writer.
    fn adopt(&self, bucket: &str, name: &str, stat: &Metadata) -> Result<ObjectRecord> {
        let path = self.object_path(bucket, name);
        let created = Timestamp::from_nanosecond(i128::from(modified_nanos(stat))).unwrap_or(Timestamp::MAX);
        let (crc32c, md5_hash) = hashes_of(&path).map_err(Error::io(&path))?;
        let record = ObjectRecord {
            name: name.to_owned(),
            generation: self.next_generation(bucket)?,
            metageneration: 1,
            size_bytes: stat.len(),
            crc32c,
            md5_hash,
            created,
            updated: created,
            fields: Fields::default(),
            upload_id: None,
            started_by: None,
            file: Stamp::of(stat),
        };
        self.write(&self.record_path(bucket, &names::file_name(name)), &record)?;
        Ok(record)
    }

    /// The object as it stands, for a writer that holds the lock.
    fn current(&self, bucket: &str, name: &str) -> Result<Option<ObjectRecord>> {
        match regular_file(&self.object_path(bucket, name))? {
            None => Ok(None),
            Some(stat) => match self.fresh_record(bucket, name, &stat)? {
                Some(record) => Ok(Some(record)),
                None => self.adopt(bucket, name, &stat).map(Some),
            },
        }
    }

    /// Turns staged bytes into the object, or refuses: wrong checksums (400), precondition (412) first, then the right to replace,
    /// then holds and retention (403), as Google does.
    pub(crate) fn commit(&self, new: NewObject, staged: &mut Staged) -> Result<ObjectRecord, ApiError> {
        let NewObject { bucket, name, fields, claims, preconditions, upload_id, caller, may_replace } = new;
        let (bucket, name) = (&*bucket, &*name);
        // Before the lock, as it takes its time.
        let synced = File::open(&staged.path).and_then(|file| file.sync_data());
        let hashes = synced.and_then(|()| hashes_of(&staged.path)).and_then(|(crc32c, md5_hash)| {
            let is_whole = crc32c == staged.crc32c;
            let damaged = || io::Error::new(ErrorKind::InvalidData, "its bytes are not those that arrived");
            is_whole.then_some(md5_hash).ok_or_else(damaged)
        });
        let md5_hash = hashes.map_err(Error::io(&staged.path))?;
        claims.check(staged, &md5_hash)?;
        let _lock = self.lock_object(bucket, name, Sharing::OneWriter)?;
        let settings = self.existing_bucket(bucket)?;
        let current = self.current(bucket, name)?;
        preconditions.check_write(current.as_ref())?;
        if let Some(current) = &current {
            if !may_replace {
                return Err(ApiError::no_permission(
                    caller.as_deref(),
                    crate::iam::permission::OBJECTS_DELETE,
                ));
            }
            self.check_free(&settings, current)?;
        }
        let stat = fs::metadata(&staged.path).map_err(Error::io(&staged.path))?;
        let now = self.now();
        let record = ObjectRecord {
            name: name.to_owned(),
            generation: self
                .next_generation(bucket)?
                .max(current.map_or(0, |current| current.generation + 1)),
            metageneration: 1,
            size_bytes: staged.size_bytes,
            crc32c: staged.crc32c,
            md5_hash,
            created: now,
            updated: now,
            fields,
            started_by: caller.filter(|_| upload_id.is_some()),
            upload_id,
            file: Stamp::of(&stat),
        };
        // Record first: dying here leaves a record without its file, which is no object. (Of a replaced
        // object it leaves the old bytes with a record that does not fit, which is computed anew.)
        self.write_whole(&self.record_path(bucket, &names::file_name(name)), &record)?;
        let path = self.object_path(bucket, name);
        rename_durably(&staged.path, &path)?;
        staged.keep = true;
        Ok(record)
    }

    /// Refuses while a hold or the retention policy keeps the object.
    fn check_free(&self, bucket: &BucketRecord, object: &ObjectRecord) -> Result<(), ApiError> {
        for (held, hold) in
            [(object.fields.temporary_hold, "Temporary"), (object.fields.event_based_hold, "Event-Based")]
        {
            if held {
                return Err(ApiError::held(&bucket.name, &object.name, hold));
            }
        }
        match bucket.retention.as_ref().map(|retention| retention.until(object.created)) {
            Some(until) if until > self.now() => Err(ApiError::retained(&bucket.name, &object.name, until)),
            _ => Ok(()),
        }
    }

    /// Deletes an object under its preconditions.
    pub(crate) fn delete_object(
        &self,
        bucket: &str,
        name: &str,
        conditions: &Preconditions,
    ) -> Result<(), ApiError> {
        let _lock = self.lock_object(bucket, name, Sharing::OneWriter)?;
        let settings = self.existing_bucket(bucket)?;
        let current = self.current(bucket, name)?.ok_or_else(|| ApiError::no_object(bucket, name))?;
        conditions.check_write(Some(&current))?;
        self.check_free(&settings, &current)?;
        // The file first: without it there is no object, and a record left behind does no harm.
        remove_if_there(&self.object_path(bucket, name))?;
        remove_if_there(&self.record_path(bucket, &names::file_name(name)))?;
        Ok(())
    }

    /// Changes an object's settable fields under its preconditions.
    pub(crate) fn update_object(
        &self,
        bucket: &str,
        name: &str,
        conditions: &Preconditions,
        change: impl FnOnce(Fields) -> Result<Fields, ApiError>,
    ) -> Result<ObjectRecord, ApiError> {
        let _lock = self.lock_object(bucket, name, Sharing::OneWriter)?;
        self.existing_bucket(bucket)?;
        let mut record = self.current(bucket, name)?.ok_or_else(|| ApiError::no_object(bucket, name))?;
        conditions.check_write(Some(&record))?;
        record.fields = change(record.fields)?;
        record.metageneration += 1;
        record.updated = self.now();
        self.write(&self.record_path(bucket, &names::file_name(name)), &record)?;
        Ok(record)
    }

    /// The names of all objects of a bucket, sorted by bytes.
    pub(crate) fn object_names(&self, bucket: &str) -> Result<Vec<String>> {
        let _lock = self.lock_bucket(bucket, Sharing::Readers)?;
        self.existing_bucket(bucket)?;
        let folder = self.bucket_folder(bucket);
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let entry = entry.map_err(Error::io(&folder))?;
            if !entry.file_type().map_err(Error::io(&entry.path()))?.is_file() {
                continue;
            }
            let Ok(file) = entry.file_name().into_string() else { continue };
            match names::object_name(&file) {
                Named::Object(name) => found.push(name),
                Named::InRecord => {
                    let record: Option<ObjectRecord> = self.read(&self.record_path(bucket, &file))?;
                    found.extend(record.map(|record| record.name));
                }
                Named::Nothing => {}
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

fn modified_nanos(file: &Metadata) -> u64 {
    let since = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

/// The file's metadata; neither folders nor links are objects, so nothing leads out of the bucket's folder.
fn regular_file(path: &std::path::Path) -> Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(stat) if stat.is_file() => Ok(Some(stat)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}

/// The CRC32C and the MD5 (base64) of a file. The MD5 is computed once the file is whole, as its state could not be
/// stored with an unfinished upload; gcloud refuses objects without it.
fn hashes_of(path: &std::path::Path) -> io::Result<(u32, String)> {
    let (mut crc32c, mut md5) = (0, md5::Context::new());
    for_each_block(path, |block| {
        crc32c = crc32c::crc32c_append(crc32c, block);
        md5.consume(block);
    })?;
    Ok((crc32c, BASE64_STANDARD.encode(md5.finalize().0)))
}

/// Hands the file's bytes to `take`, 64 KiB at a time.
fn for_each_block(path: &std::path::Path, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut block = vec![0; 64 << 10];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(()),
            read => take(&block[..read]),
        }
    }
}
