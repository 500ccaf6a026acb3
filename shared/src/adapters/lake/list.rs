//! Listing some `captured` hours of an account, at the cost of what those hours hold.

use futures::TryStreamExt as _;
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use object_store::{ObjectMeta, ObjectStore};

use super::source::Medium;
use super::{broken, store_error, walk};
use crate::domain::lake::{STRAY_ADVICE, captured_folder};
use crate::domain::{LakeFile, LakePath};
use crate::ports::{LakeError, LakeQuery};

/// The hours wanted of one dataset.
pub(super) struct Hours {
    /// The dataset's folder, with a `/` at its end.
    pub(super) folder: String,
    first: String,
    last: String,
}

impl Hours {
    fn of(query: &LakeQuery) -> Self {
        let folder = query.dataset.folder(query.account);
        Self { folder, first: captured_folder(query.first_hour), last: captured_folder(query.last_hour) }
    }

    /// The first folder below the dataset's.
    fn captured<'p>(&self, name: &'p str) -> Option<&'p str> {
        Some(name.strip_prefix(&self.folder)?.split('/').next().unwrap_or_default())
    }

    pub(super) fn contains(&self, captured: &str) -> bool {
        self.first.as_str() <= captured && captured <= self.last.as_str()
    }
}

pub(super) async fn list(medium: &Medium, query: &LakeQuery) -> Result<Vec<LakeFile>, LakeError> {
    let hours = Hours::of(query);
    let mut files = match medium {
        Medium::Folder(root) => walk::list(root, hours).await?,
        Medium::Remote { store, .. } => list_remote(medium, store, &hours).await?,
    };
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

async fn list_remote(
    medium: &Medium,
    store: &dyn ObjectStore,
    hours: &Hours,
) -> Result<Vec<LakeFile>, LakeError> {
    let root = medium.locate(hours.folder.trim_end_matches('/'))?;
    let offset = medium.locate(&format!("{}{}", hours.folder, hours.first))?;
    let mut objects = store.list_with_offset(Some(&root), &offset);
    let mut found = Found::new(hours);
    while let Some(object) = objects.try_next().await.map_err(|error| store_error(&hours.folder, error))? {
        let name = medium.name(&object.location);
        if hours.captured(name).is_some_and(|captured| captured > hours.last.as_str()) {
            break;
        }
        if found.wants(name)? {
            found.add(name.to_owned(), object.size, commit_time(name, &object)?);
        }
    }
    Ok(found.files)
}

/// When a file of a remote lake was committed. Its folder is listed, because what a store answers about a single object
/// may be rounded to seconds.
pub(super) async fn committed_remote(
    medium: &Medium,
    store: &dyn ObjectStore,
    path: &str,
) -> Result<Timestamp, LakeError> {
    let location = medium.locate(path)?;
    let folder = medium.locate(path.rsplit_once('/').map_or("", |(folder, _)| folder))?;
    let mut objects = store.list(Some(&folder));
    while let Some(object) = objects.try_next().await.map_err(|error| store_error(path, error))? {
        if object.location == location {
            return commit_time(path, &object);
        }
    }
    Err(LakeError::Vanished { path: path.to_owned() })
}

/// The lake's files among those of a listing. The files of a folder come one behind the other, so that each folder is
/// looked at once, not once a file.
pub(super) struct Found<'h> {
    hours: &'h Hours,
    folder: String,
    /// What the folder says; none where what lies in it is none of the lake's.
    place: Option<LakePath>,
    pub(super) files: Vec<LakeFile>,
}

impl<'h> Found<'h> {
    pub(super) fn new(hours: &'h Hours) -> Self {
        Self { hours, folder: String::new(), place: None, files: Vec::new() }
    }

    /// Whether the next file is one of the lake's. Markers like `_SUCCESS`, half-written files in `_temporary/` and hidden
    /// files are not.
    pub(super) fn wants(&mut self, name: &str) -> Result<bool, LakeError> {
        let (folder, file) = name.rsplit_once('/').unwrap_or_default();
        if !file.ends_with(".parquet") || is_hidden(file) {
            return Ok(false);
        }
        if self.folder != folder {
            self.place = self.place_of(folder, name)?;
            folder.clone_into(&mut self.folder);
        }
        Ok(self.place.is_some())
    }

    /// Takes the file that was wanted last.
    pub(super) fn add(&mut self, path: String, bytes: u64, committed: Timestamp) {
        self.files.extend(self.place.clone().map(|place| LakeFile { path, bytes, committed, place }));
    }

    fn place_of(&self, folder: &str, name: &str) -> Result<Option<LakePath>, LakeError> {
        let captured = self.hours.captured(folder).filter(|captured| self.hours.contains(captured));
        let Some(captured) = captured.filter(|_| !folder.split('/').any(is_hidden)) else { return Ok(None) };
        let hour = captured.strip_prefix("captured=").unwrap_or_default();
        // Parsed with minutes, because an hour alone is no time.
        if hour.len() != 13 || DateTime::strptime("%Y-%m-%d-%H:%M", format!("{hour}:00")).is_err() {
            let wrong = format!("`{captured}` is no folder captured=<yyyy-mm-dd-hh>; {STRAY_ADVICE}");
            return Err(broken(name, None, wrong));
        }
        let place = LakePath::parse(folder)
            .map_err(|bad| broken(name, None, format!("{} in its path; {STRAY_ADVICE}", bad.wrong)))?;
        Ok(Some(place))
    }
}

fn is_hidden(part: &str) -> bool {
    part.starts_with(['_', '.'])
}

fn commit_time(name: &str, object: &ObjectMeta) -> Result<Timestamp, LakeError> {
    let since_1970 = SignedDuration::new(
        object.last_modified.timestamp(),
        object.last_modified.timestamp_subsec_nanos().cast_signed(),
    );
    Timestamp::from_duration(since_1970).map_err(|error| no_commit_time(name, &error))
}

pub(super) fn no_commit_time(name: &str, error: &jiff::Error) -> LakeError {
    broken(name, None, format!("its commit time cannot be read: {error}"))
}
