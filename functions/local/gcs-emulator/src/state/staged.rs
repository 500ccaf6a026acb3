//! Bytes on their way to become an object: written to disk as they come, with the CRC32C kept along.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use tokio::{
    fs::File,
    io::{AsyncSeekExt, AsyncWriteExt},
};

use super::Store;
use crate::error::{Error, Result};

/// A file that is not an object yet. Dropped without being committed, it is deleted, unless it is a resumable
/// upload's, which waits for its client.
pub(crate) struct Staged {
    pub(crate) path: PathBuf,
    pub(crate) size_bytes: u64,
    pub(crate) crc32c: u32,
    pub(super) keep: bool,
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "an unfinished upload's file stays behind");
        }
    }
}

/// A [`Staged`] open for appending.
pub(crate) struct StagedWriter {
    file: File,
    staged: Staged,
}

impl StagedWriter {
    /// An empty file for a single-request upload.
    pub(crate) async fn fresh(store: &Store) -> Result<Self> {
        let staged = Staged { path: store.incoming(), size_bytes: 0, crc32c: 0, keep: false };
        let file = File::create_new(&staged.path).await;
        Ok(Self { file: file.map_err(Error::io(&staged.path))?, staged })
    }

    /// Goes on with a resumable upload's file after the bytes that its record vouches for; what a crash left
    /// behind them is cut off.
    pub(crate) async fn resume(staged: Staged) -> Result<Self> {
        let open = async {
            let mut file = File::options().write(true).open(&staged.path).await?;
            file.set_len(staged.size_bytes).await?;
            file.seek(std::io::SeekFrom::Start(staged.size_bytes)).await?;
            Ok(file)
        };
        let file = open.await.map_err(Error::io(&staged.path))?;
        Ok(Self { file, staged })
    }

    /// Appends `bytes`.
    pub(crate) async fn write(&mut self, bytes: &Bytes) -> Result<()> {
        self.file.write_all(bytes).await.map_err(Error::io(&self.staged.path))?;
        self.staged.crc32c = crc32c::crc32c_append(self.staged.crc32c, bytes);
        self.staged.size_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Bytes so far.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.staged.size_bytes
    }

    /// Closes the file.
    pub(crate) async fn finish(mut self) -> Result<Staged> {
        self.file.flush().await.map_err(Error::io(&self.staged.path))?;
        Ok(self.staged)
    }
}
