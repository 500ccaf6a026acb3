//! The lake over an object store: a folder on a laptop, a bucket of Google Cloud Storage.

mod batches;
mod columns;
mod events;
mod file;
mod footer;
mod list;
mod merge;
mod paged;
mod pages;
mod profiles;
mod sorted;
mod source;
mod store_clock;
mod walk;

use std::path::Path as FsPath;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use object_store::ObjectStore;
use object_store::path::Path;
use tokio::runtime::Handle;

use crate::domain::{Footer, LakeFile, ProfileFiles, Slice};
use crate::ports::{Clock, Lake, LakeError, LakeQuery, LakeRows};
pub use source::MAX_OPEN_FILES;
use source::Medium;
use store_clock::StoreClock;

/// Reads the lake's files where they lie.
pub struct ObjectStoreLake {
    medium: Arc<Medium>,
    clock: StoreClock,
}

impl ObjectStoreLake {
    /// A lake in a folder. Its clock is `clock`, with which `spillway ingest` stamps the files too.
    ///
    /// # Errors
    /// [`LakeError::Unavailable`] when there is no such folder.
    pub fn folder(root: &FsPath, clock: Arc<dyn Clock>) -> Result<Self, LakeError> {
        let root = root.canonicalize().map_err(|error| {
            LakeError::Unavailable(format!(
                "`{}`: {error}; create the folder or name another one",
                root.display()
            ))
        })?;
        let clock = StoreClock::Given(clock);
        Ok(Self { medium: Arc::new(Medium::Folder(root.into())), clock })
    }

    /// A lake below `prefix` of an object store, read over the network; `clock` must be the store's own.
    /// Rows are read on threads of their own, which wait for `runtime`.
    ///
    /// # Errors
    /// [`LakeError::Unavailable`] when `prefix` is no path.
    pub fn remote(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        clock: Arc<dyn Clock>,
        runtime: Handle,
    ) -> Result<Self, LakeError> {
        let prefix = Path::parse(prefix).map_err(|error| LakeError::Unavailable(error.to_string()))?;
        let clock = StoreClock::Given(clock);
        Ok(Self { medium: Arc::new(Medium::Remote { store, prefix, runtime }), clock })
    }

    /// A lake in Google Cloud Storage, `gs://bucket` or `gs://bucket/prefix`, with the ambient credentials.
    ///
    /// # Errors
    /// [`LakeError::Unavailable`] when the address or the credentials cannot be used.
    #[cfg(feature = "gcs-lake")]
    pub fn google_cloud(url: &str, runtime: Handle) -> Result<Self, LakeError> {
        let unusable = |wrong: String| LakeError::Unavailable(format!("`{url}`: {wrong}"));
        let (bucket, prefix) = url
            .strip_prefix("gs://")
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            .filter(|(bucket, _)| !bucket.is_empty())
            .ok_or_else(|| unusable("use an address like gs://bucket/prefix".to_owned()))?;
        let store = object_store::gcp::GoogleCloudStorageBuilder::from_env()
            .with_bucket_name(bucket)
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        let prefix = Path::parse(prefix).map_err(|error| unusable(error.to_string()))?;
        let clock = StoreClock::google_cloud().map_err(unusable)?;
        Ok(Self { medium: Arc::new(Medium::Remote { store: Arc::new(store), prefix, runtime }), clock })
    }
}

#[async_trait]
impl Lake for ObjectStoreLake {
    async fn now(&self) -> Result<Timestamp, LakeError> {
        self.clock.now().await
    }

    async fn list(&self, query: &LakeQuery) -> Result<Vec<LakeFile>, LakeError> {
        list::list(&self.medium, query).await
    }

    async fn committed(&self, path: &str) -> Result<Timestamp, LakeError> {
        match &*self.medium {
            Medium::Folder(root) => {
                let (root, path) = (Arc::clone(root), self.medium.locate(path)?);
                blocking(move || walk::committed(&root, path.as_ref())).await
            }
            Medium::Remote { store, .. } => list::committed_remote(&self.medium, store, path).await,
        }
    }

    async fn footer(&self, path: &str) -> Result<Footer, LakeError> {
        let (medium, path) = (Arc::clone(&self.medium), path.to_owned());
        blocking(move || footer::read(&medium, &path)).await
    }

    async fn row_counts(&self, paths: &[&str]) -> Result<Vec<Option<u64>>, LakeError> {
        let medium = Arc::clone(&self.medium);
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        blocking(move || footer::row_counts(&medium, &paths)).await
    }

    fn rows(&self, slice: &Slice, columns: &[&str]) -> Box<dyn LakeRows> {
        let medium = Arc::clone(&self.medium);
        match slice {
            Slice::Events { files, from } => {
                Box::new(events::EventRows::new(medium, files.clone(), *from, columns))
            }
            Slice::Profiles { files: ProfileFiles::Listed { .. }, .. } => Box::new(profiles::Unresolved),
            Slice::Profiles { files: ProfileFiles::Named(files), after, upto } => {
                let range = profiles::IdRange { after: after.clone(), upto: upto.clone() };
                Box::new(profiles::ProfileRows::new(
                    medium,
                    files,
                    range,
                    columns,
                    profiles::Budget::default(),
                ))
            }
        }
    }
}

/// Waits for what would hold up others.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LakeError> + Send + 'static,
) -> Result<T, LakeError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| LakeError::Unavailable(error.to_string()))?
}

/// What the object store's errors mean for a file of the lake.
fn store_error(path: &str, error: object_store::Error) -> LakeError {
    match error {
        object_store::Error::NotFound { .. } => LakeError::Vanished { path: path.to_owned() },
        object_store::Error::InvalidPath { source } => {
            broken(path, None, format!("its name cannot be read: {source}"))
        }
        other => LakeError::Unavailable(other.to_string()),
    }
}

fn broken(path: &str, row: Option<u64>, wrong: impl Into<String>) -> LakeError {
    LakeError::Broken { path: path.to_owned(), row, wrong: wrong.into() }
}

#[cfg(test)]
mod tests;
