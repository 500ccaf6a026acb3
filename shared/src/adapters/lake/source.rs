//! Ranges of a file's bytes, from a disk or over the network.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path as FsPath;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Handle;

use super::{broken, store_error};
use crate::ports::LakeError;

/// No reader of the lake has more files open at once.
pub const MAX_OPEN_FILES: usize = 64;

/// The end of a remote file, with its footer, comes with the first request.
const TAIL_BYTES: u64 = 64 * 1024;

/// A remote file that is not larger is fetched whole: a request a column would take longer.
const WHOLE_FILE_BYTES: u64 = 512 * 1024;

/// What the lake lies on.
pub(super) enum Medium {
    /// A folder.
    Folder(Arc<FsPath>),
    /// Below `prefix` of an object store.
    Remote {
        /// The store.
        store: Arc<dyn ObjectStore>,
        /// The lake's root.
        prefix: Path,
        /// Where requests run while a reader's thread waits.
        runtime: Handle,
    },
}

/// Random access to one file. Blocking.
pub(super) trait Ranges: Send + Sync {
    /// The file's size.
    fn bytes(&self) -> u64;

    /// Exactly the bytes of a range, which lies within the file.
    fn read(&self, range: Range<u64>) -> Result<Bytes, LakeError>;
}

impl Medium {
    /// The object store's path of a file or folder of the lake.
    pub(super) fn locate(&self, path: &str) -> Result<Path, LakeError> {
        let prefix = match self {
            Self::Folder(_) => "",
            Self::Remote { prefix, .. } => prefix.as_ref(),
        };
        let full = if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") };
        Path::parse(&full).map_err(|error| broken(path, None, format!("its name cannot be read: {error}")))
    }

    /// A located path as the lake names it, from the lake's root.
    pub(super) fn name<'p>(&self, location: &'p Path) -> &'p str {
        let full = location.as_ref();
        match self {
            Self::Folder(_) => full,
            Self::Remote { prefix, .. } if prefix.is_root() => full,
            Self::Remote { prefix, .. } => {
                full.strip_prefix(prefix.as_ref()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(full)
            }
        }
    }

    /// Opens a file. Blocking.
    pub(super) fn open(&self, path: &str) -> Result<Arc<dyn Ranges>, LakeError> {
        let location = self.locate(path)?;
        Ok(match self {
            Self::Folder(root) => {
                let on_disk = root.join(location.as_ref());
                let file = File::open(on_disk).map_err(|error| disk_error(path, &error))?;
                let bytes = file.metadata().map_err(|error| disk_error(path, &error))?.len();
                Arc::new(DiskFile { path: path.to_owned(), file, bytes })
            }
            Self::Remote { store, runtime, .. } => {
                let (store, runtime) = (Arc::clone(store), runtime.clone());
                Arc::new(RemoteFile::open(path, location, store, runtime)?)
            }
        })
    }
}

pub(super) fn disk_error(path: &str, error: &std::io::Error) -> LakeError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => LakeError::Vanished { path: path.to_owned() },
        ErrorKind::UnexpectedEof => broken(path, None, "it became shorter while it was read"),
        ErrorKind::IsADirectory => broken(path, None, "it is a folder"),
        _ => LakeError::Unavailable(format!("`{path}`: {error}")),
    }
}

struct DiskFile {
    path: String,
    file: File,
    bytes: u64,
}

impl Ranges for DiskFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, LakeError> {
        let mut buffer = vec![0; usize::try_from(range.end - range.start).unwrap_or(usize::MAX)];
        read_exact_at(&self.file, &mut buffer, range.start)
            .map_err(|error| disk_error(&self.path, &error))?;
        Ok(buffer.into())
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

/// The handle's position is shared, but a reader of the lake reads from one thread.
#[cfg(not(unix))]
fn read_exact_at(mut file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(buffer)
}

struct RemoteFile {
    path: String,
    location: Path,
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
    bytes: u64,
    tail: Bytes,
}

impl RemoteFile {
    fn open(
        path: &str,
        location: Path,
        store: Arc<dyn ObjectStore>,
        runtime: Handle,
    ) -> Result<Self, LakeError> {
        let fetched = runtime.block_on(async {
            let options = GetOptions { range: Some(GetRange::Suffix(TAIL_BYTES)), ..GetOptions::default() };
            match store.get_opts(&location, options).await {
                Ok(result) => Ok((result.meta.size, result.bytes().await?)),
                // Stores refuse any range of an empty object; such a file is broken, not out of reach.
                Err(error @ object_store::Error::NotFound { .. }) => Err(error),
                Err(error) => match store.head(&location).await {
                    Ok(meta) if meta.size == 0 => Ok((0, Bytes::new())),
                    _ => Err(error),
                },
            }
        });
        let (bytes, mut tail) = fetched.map_err(|error| store_error(path, error))?;
        if (TAIL_BYTES + 1..=WHOLE_FILE_BYTES).contains(&bytes) {
            let whole = runtime.block_on(store.get_range(&location, 0..bytes));
            tail = whole.map_err(|error| store_error(path, error))?;
            if tail.len() as u64 != bytes {
                return Err(too_few_bytes(path));
            }
        }
        Ok(Self { path: path.to_owned(), location, store, runtime, bytes, tail })
    }
}

impl Ranges for RemoteFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, LakeError> {
        let tail_start = self.bytes - self.tail.len() as u64;
        if range.start >= tail_start && range.end <= self.bytes {
            let at = |offset: u64| usize::try_from(offset - tail_start).unwrap_or(usize::MAX);
            return Ok(self.tail.slice(at(range.start)..at(range.end)));
        }
        let wanted = range.end - range.start;
        let read = self.runtime.block_on(self.store.get_range(&self.location, range));
        let read = read.map_err(|error| store_error(&self.path, error))?;
        if read.len() as u64 == wanted { Ok(read) } else { Err(too_few_bytes(&self.path)) }
    }
}

fn too_few_bytes(path: &str) -> LakeError {
    LakeError::Unavailable(format!("`{path}`: the store sent too few bytes"))
}
