//! Files that only their owner may read: service account keys on disk.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

use anyhow::{Context, bail};
use spillway::ports::ServiceAccountKey;
use tempfile::NamedTempFile;

/// More than a service account key can have, in bytes.
const KEY_MAX_BYTES: usize = 64 * 1024;

/// Reads a service account key. As ssh does, a file that others may read is refused: its key counts as known.
pub(crate) fn read_key(file: &Path) -> anyhow::Result<ServiceAccountKey> {
    let fault = || format!("the key file {} cannot be read", file.display());
    let opened = File::open(file).with_context(fault)?;
    // Of the open file, not of the path, which may come to mean another file.
    let facts = opened.metadata().with_context(fault)?;
    let mode = facts.permissions().mode() & 0o7777;
    if facts.is_file() && mode & 0o077 != 0 {
        bail!(
            "the key file {} is open to others (mode {mode:04o}); close it with: chmod 600 '{}'",
            file.display(),
            file.display()
        );
    }
    // With room for all of it, so that no copy is left behind by growing; wiped also where reading fails.
    let mut text = zeroize::Zeroizing::new(String::with_capacity(KEY_MAX_BYTES + 1));
    match opened.take(KEY_MAX_BYTES as u64 + 1).read_to_string(&mut text) {
        Err(error) if error.kind() == ErrorKind::InvalidData => bail!(
            "{} is no service account key: it is not text; give the JSON key that Google's console downloads",
            file.display()
        ),
        read => read.with_context(fault)?,
    };
    if text.len() > KEY_MAX_BYTES {
        bail!("{} is no service account key: it has more than {KEY_MAX_BYTES} bytes", file.display());
    }
    Ok(ServiceAccountKey::new(std::mem::take(&mut text)))
}

/// Writes a key where there is no file yet, whole or not at all, in a folder for the owner only. Links are never
/// followed. Whether it was written; not where another process was first.
pub(crate) fn write_new_key(file: &Path, key: &ServiceAccountKey) -> anyhow::Result<bool> {
    let fault = || format!("the key file {} cannot be written", file.display());
    let folder = file.parent().with_context(fault)?;
    make_folder(folder)?;
    let mut draft = NamedTempFile::new_in(folder).with_context(fault)?;
    draft.write_all(key.expose().as_bytes()).with_context(fault)?;
    // The bucket that this key is for comes after it, and is of no use without it.
    draft.as_file().sync_all().with_context(fault)?;
    match draft.persist_noclobber(file) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error).with_context(fault),
    }
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let fault = || format!("the folder of keys {} cannot be used", folder.display());
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => return made.with_context(fault),
    }
    let facts = fs::symlink_metadata(folder).with_context(fault)?;
    if !facts.is_dir() {
        bail!("{} must be a folder, and no link to one, since keys are kept in it", folder.display());
    }
    if facts.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700)).with_context(fault)?;
    }
    Ok(())
}

/// Refuses a folder that others may look into; an empty one is closed, since nothing can have been read.
pub(crate) fn close_folder(folder: &Path) -> anyhow::Result<()> {
    let fault = || format!("the folder {} cannot be used", folder.display());
    let mode = fs::metadata(folder).with_context(fault)?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    if fs::read_dir(folder).with_context(fault)?.next().is_some() {
        bail!(
            "the home folder {} is open to others (mode {mode:04o}), and keys and customers' data are kept in it; \
             close it with: chmod 700 '{}'",
            folder.display(),
            folder.display()
        );
    }
    fs::set_permissions(folder, Permissions::from_mode(0o700)).with_context(fault)?;
    tracing::warn!("the empty folder {} was open to others; it is closed to them now", folder.display());
    Ok(())
}
