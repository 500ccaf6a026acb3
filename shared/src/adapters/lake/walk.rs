//! A lake's folder on a disk, walked.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{MAIN_SEPARATOR, Path};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use walkdir::WalkDir;

use super::list::{Found, Hours, no_commit_time};
use super::source::disk_error;
use super::{blocking, broken};
use crate::domain::LakeFile;
use crate::ports::LakeError;

/// How many hours are walked at once.
const HOURS_AT_ONCE: usize = 4;

/// The files of some hours, of which each is walked on a thread of its own.
pub(super) async fn list(root: &Arc<Path>, hours: Hours) -> Result<Vec<LakeFile>, LakeError> {
    let hours = Arc::new(hours);
    let shared = || (Arc::clone(root), Arc::clone(&hours));
    let (folder, wanted) = shared();
    let captured = blocking(move || captured_folders(&folder, &wanted)).await?;
    let walks = captured.into_iter().map(|captured| {
        let (root, hours) = shared();
        blocking(move || walk(&root, &hours, &captured))
    });
    let mut walks = stream::iter(walks.collect::<Vec<_>>()).buffered(HOURS_AT_ONCE);
    let mut files = Vec::new();
    while let Some(mut found) = walks.try_next().await? {
        files.append(&mut found);
    }
    Ok(files)
}

/// The folders of the hours wanted, in order.
fn captured_folders(root: &Path, hours: &Hours) -> Result<Vec<String>, LakeError> {
    let mut captured = Vec::new();
    for entry in WalkDir::new(root.join(&hours.folder)).follow_links(true).min_depth(1).max_depth(1) {
        let Some(entry) = still_there(entry)? else { continue };
        let name = entry.file_name().to_str().filter(|name| hours.contains(name));
        captured.extend(name.filter(|_| entry.file_type().is_dir()).map(ToOwned::to_owned));
    }
    captured.sort_unstable();
    Ok(captured)
}

fn walk(root: &Path, hours: &Hours, captured: &str) -> Result<Vec<LakeFile>, LakeError> {
    let mut found = Found::new(hours);
    for entry in WalkDir::new(root.join(&hours.folder).join(captured)).follow_links(true) {
        let Some(entry) = still_there(entry)?.filter(|entry| entry.file_type().is_file()) else { continue };
        let name = name(root, entry.path())?;
        if found.wants(&name)?
            && let Some(metadata) = still_there(entry.metadata())?
        {
            let committed = commit_time(&name, &metadata)?;
            found.add(name, metadata.len(), committed);
        }
    }
    found.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found.files)
}

/// A file as the lake names it, from the lake's root.
fn name(root: &Path, path: &Path) -> Result<String, LakeError> {
    let below = path.strip_prefix(root).unwrap_or(path);
    let name = below
        .to_str()
        .ok_or_else(|| broken(&below.to_string_lossy(), None, "its name cannot be read: it is not UTF-8"))?;
    Ok(if MAIN_SEPARATOR == '/' { name.to_owned() } else { name.replace(MAIN_SEPARATOR, "/") })
}

/// What has gone since its folder was read is not there, as is a link that leads nowhere.
fn still_there<T>(found: walkdir::Result<T>) -> Result<Option<T>, LakeError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.io_error().is_some_and(|error| error.kind() == ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(LakeError::Unavailable(error.to_string())),
    }
}

/// When a file was committed. Blocking.
pub(super) fn committed(root: &Path, path: &str) -> Result<Timestamp, LakeError> {
    let metadata = std::fs::metadata(root.join(path)).map_err(|error| disk_error(path, &error))?;
    if metadata.is_file() {
        commit_time(path, &metadata)
    } else {
        Err(LakeError::Vanished { path: path.to_owned() })
    }
}

fn commit_time(name: &str, metadata: &Metadata) -> Result<Timestamp, LakeError> {
    let modified = metadata.modified().map_err(|error| disk_error(name, &error))?;
    Timestamp::try_from(modified).map_err(|error| no_commit_time(name, &error))
}
