//! Lakes of a few files, on both media.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

use super::super::ObjectStoreLake;
use crate::domain::{RowCursor, Slice, SliceFile};
use crate::ports::{Clock, Lake as _, LakeError, SourcedBatch};

pub(super) struct Fixed(pub(super) Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A lake, its medium and the runtime that its requests run on.
pub(super) struct TestLake {
    pub(super) lake: ObjectStoreLake,
    pub(super) runtime: tokio::runtime::Runtime,
    pub(super) folder: Option<tempfile::TempDir>,
    pub(super) watched: Arc<Watched>,
}

/// Below this prefix the remote lake lies, so that prefixes are tested too.
const PREFIX: &str = "_team/lake";

impl TestLake {
    pub(super) fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Fixed(Timestamp::UNIX_EPOCH));
        let lake = ObjectStoreLake::folder(folder.path(), clock).unwrap();
        Self { lake, runtime: runtime(), folder: Some(folder), watched: Arc::default() }
    }

    pub(super) fn remote() -> Self {
        let (runtime, watched) = (runtime(), Arc::<Watched>::default());
        let store: Arc<dyn ObjectStore> = Arc::clone(&watched) as _;
        let clock = Arc::new(Fixed(Timestamp::UNIX_EPOCH));
        let lake = ObjectStoreLake::remote(store, PREFIX, clock, runtime.handle().clone()).unwrap();
        Self { lake, runtime, folder: None, watched }
    }

    pub(super) fn both() -> [Self; 2] {
        [Self::folder(), Self::remote()]
    }

    pub(super) fn put(&self, path: &str, bytes: impl Into<Bytes>) {
        if let Some(folder) = &self.folder {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes.into()).unwrap();
        } else {
            let path = Path::parse(format!("{PREFIX}/{path}")).unwrap();
            self.runtime.block_on(self.watched.inner.put(&path, bytes.into().into())).unwrap();
        }
    }

    /// All rows of a slice.
    pub(super) fn read(&self, slice: &Slice, columns: &[&str]) -> Result<Vec<SourcedBatch>, LakeError> {
        let mut rows = self.lake.rows(slice, columns);
        std::iter::from_fn(|| rows.next_batch().transpose()).collect()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// An object store in memory that counts what it is asked for, and can be out of order.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) inner: InMemory,
    pub(super) bytes: AtomicU64,
    pub(super) ranges: Mutex<Vec<Range<u64>>>,
    pub(super) is_down: AtomicBool,
}

impl std::fmt::Display for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(object_store::Error::Generic { store: "watched", source: "it is down".into() });
        }
        let result = self.inner.get_opts(at, options).await?;
        self.bytes.fetch_add(result.range.end - result.range.start, Ordering::Relaxed);
        self.ranges.lock().unwrap().push(result.range.clone());
        Ok(result)
    }

    fn delete_stream(&self, at: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(at)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A Parquet file of some columns.
pub(super) fn parquet(columns: Vec<(&str, ArrayRef)>, properties: WriterPropertiesBuilder) -> Bytes {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

pub(super) fn times(micros: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"))
}

pub(super) fn texts(texts: Vec<Option<&str>>) -> ArrayRef {
    Arc::new(StringArray::from(texts))
}

/// Events numbered from `first` on, in row groups of `group_rows`.
pub(super) fn events_file(first: i64, rows: i64, group_rows: usize, props: impl Fn(i64) -> String) -> Bytes {
    let numbers: Vec<i64> = (first..first + rows).collect();
    let props: Vec<String> = numbers.iter().map(|n| props(*n)).collect();
    let columns = vec![
        ("ts", times(numbers.iter().map(|n| Some(*n)).collect())),
        ("event_props", texts(props.iter().map(|props| Some(props.as_str())).collect())),
        ("other", Arc::new(Int64Array::from(numbers)) as ArrayRef),
    ];
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group_rows))
        .set_data_page_size_limit(64 * 1024)
        .set_write_batch_size(16);
    parquet(columns, properties)
}

/// A version of a profile: id, `updated_at`, deleted.
pub(super) type Version<'v> = (&'v str, i64, bool);

pub(super) fn profiles_file(versions: &[Version<'_>], group_rows: usize) -> Bytes {
    let props: Vec<String> =
        versions.iter().map(|(id, micros, _)| format!("{{\"{id}\":{micros}}}")).collect();
    let columns = vec![
        ("object_id", texts(versions.iter().map(|(id, ..)| Some(*id)).collect())),
        ("updated_at", times(versions.iter().map(|(_, micros, _)| Some(*micros)).collect())),
        ("profile_props", texts(props.iter().map(|props| Some(props.as_str())).collect())),
        ("deleted", Arc::new(versions.iter().map(|(.., deleted)| Some(*deleted)).collect::<BooleanArray>())),
    ];
    parquet(columns, WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)))
}

pub(super) fn slice_of(paths: &[&str]) -> Slice {
    let file = |path: &&str| SliceFile { path: (*path).to_owned(), bytes: 0, row_groups: None, rows: None };
    Slice::Events { files: paths.iter().map(file).collect(), from: RowCursor::default() }
}
