//! Listing some `captured` hours of an account, at the cost of what those hours hold.

use futures::TryStreamExt as _;
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use object_store::{ObjectMeta, ObjectStore};

use super::source::Medium;
use super::{broken, store_error};
use crate::domain::lake::{STRAY_ADVICE, captured_folder};
use crate::domain::{LakeFile, LakePath};
use crate::ports::{LakeError, LakeQuery};

/// The hours wanted of one dataset.
struct Hours {
    folder: String,
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

    fn contains(&self, captured: &str) -> bool {
        self.first.as_str() <= captured && captured <= self.last.as_str()
    }
}

pub(super) async fn list(medium: &Medium, query: &LakeQuery) -> Result<Vec<LakeFile>, LakeError> {
    let hours = Hours::of(query);
    let mut files = Vec::new();
    let root = medium.locate(hours.folder.trim_end_matches('/'))?;
    match medium {
        // A folder's listing walks all of it before anything can be left out, so only the hours are walked.
        Medium::Folder(store) => {
            let dataset = store.list_with_delimiter(Some(&root)).await;
            let dataset = dataset.map_err(|error| store_error(&hours.folder, error))?;
            for folder in dataset.common_prefixes {
                if folder.filename().is_some_and(|captured| hours.contains(captured)) {
                    collect(medium, store.list(Some(&folder)), &hours, &mut files).await?;
                }
            }
        }
        Medium::Remote { store, .. } => {
            let offset = medium.locate(&format!("{}{}", hours.folder, hours.first))?;
            collect(medium, store.list_with_offset(Some(&root), &offset), &hours, &mut files).await?;
        }
    }
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// When a file was committed. Its folder is listed, because what a store answers about a single object may be rounded to
/// seconds.
pub(super) async fn committed(medium: &Medium, path: &str) -> Result<Timestamp, LakeError> {
    let location = medium.locate(path)?;
    let folder = medium.locate(path.rsplit_once('/').map_or("", |(folder, _)| folder))?;
    let store: &dyn ObjectStore = match medium {
        Medium::Folder(store) => store,
        Medium::Remote { store, .. } => store.as_ref(),
    };
    let mut objects = store.list(Some(&folder));
    while let Some(object) = objects.try_next().await.map_err(|error| store_error(path, error))? {
        if object.location == location {
            return commit_time(path, &object);
        }
    }
    Err(LakeError::Vanished { path: path.to_owned() })
}

async fn collect(
    medium: &Medium,
    mut objects: impl futures::Stream<Item = object_store::Result<ObjectMeta>> + Unpin,
    hours: &Hours,
    files: &mut Vec<LakeFile>,
) -> Result<(), LakeError> {
    while let Some(object) = objects.try_next().await.map_err(|error| store_error(&hours.folder, error))? {
        let name = medium.name(&object.location);
        match hours.captured(name) {
            Some(captured) if captured > hours.last.as_str() => break,
            Some(captured) if hours.contains(captured) && is_lake_file(name) => {
                files.push(lake_file(name, captured, &object)?);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Markers like `_SUCCESS`, half-written files in `_temporary/` and hidden files are none of the lake's.
fn is_lake_file(name: &str) -> bool {
    name.ends_with(".parquet") && !name.split('/').any(|part| part.starts_with(['_', '.']))
}

fn lake_file(name: &str, captured: &str, object: &ObjectMeta) -> Result<LakeFile, LakeError> {
    let hour = captured.strip_prefix("captured=").unwrap_or_default();
    // Parsed with minutes, because an hour alone is no time.
    if hour.len() != 13 || DateTime::strptime("%Y-%m-%d-%H:%M", format!("{hour}:00")).is_err() {
        let wrong = format!("`{captured}` is no folder captured=<yyyy-mm-dd-hh>; {STRAY_ADVICE}");
        return Err(broken(name, None, wrong));
    }
    let place = LakePath::parse(name)
        .map_err(|bad| broken(name, None, format!("{} in its path; {STRAY_ADVICE}", bad.wrong)))?;
    let committed = commit_time(name, object)?;
    Ok(LakeFile { path: name.to_owned(), bytes: object.size, committed, place })
}

fn commit_time(name: &str, object: &ObjectMeta) -> Result<Timestamp, LakeError> {
    let since_1970 = SignedDuration::new(
        object.last_modified.timestamp(),
        object.last_modified.timestamp_subsec_nanos().cast_signed(),
    );
    Timestamp::from_duration(since_1970)
        .map_err(|error| broken(name, None, format!("its commit time cannot be read: {error}")))
}
