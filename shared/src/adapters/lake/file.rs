//! One Parquet file of the lake: opened, checked against the contract, read row group by row group.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::{ColumnChunkMask, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use super::batches::Sizes;
use super::broken;
use super::columns::Columns;
use super::paged::PagedFile;
use super::source::Medium;
use crate::domain::Dataset;
use crate::ports::LakeError;

/// How a file is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadSizes {
    /// What a batch holds on average, uncompressed.
    pub(super) batch_bytes: u64,
    /// How much of a column is fetched at once.
    pub(super) read_ahead_bytes: u64,
}

/// An open file.
pub(super) struct LakeParquet {
    path: Arc<str>,
    paged: PagedFile,
    metadata: ArrowReaderMetadata,
    columns: Columns,
}

/// The rest of a row group.
pub(super) struct RowGroupRows {
    path: Arc<str>,
    paged: PagedFile,
    columns: Columns,
    reader: ParquetRecordBatchReader,
    /// The next row, counted within the whole file.
    pub(super) next_row: u64,
    end_row: u64,
}

impl LakeParquet {
    /// Opens a file for the `wanted` columns. Blocking.
    pub(super) fn open(
        medium: &Medium,
        path: &str,
        dataset: Dataset,
        wanted: &[&str],
    ) -> Result<Self, LakeError> {
        let paged = PagedFile::new(medium.open(path)?);
        guarded(path, None, || Self::read(paged, path, dataset, wanted))?
    }

    fn read(paged: PagedFile, path: &str, dataset: Dataset, wanted: &[&str]) -> Result<Self, LakeError> {
        let mut metadata = read_metadata(&paged, path)?;
        let faulty = |error: parquet::errors::ParquetError| {
            paged.take_fault().unwrap_or_else(|| broken(path, None, error.to_string()))
        };
        let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let inferred =
            ArrowReaderMetadata::try_new(Arc::new(metadata.clone()), plain.clone()).map_err(faulty)?;
        let columns = Columns::of(inferred.parquet_schema(), inferred.schema(), dataset, wanted)
            .map_err(|wrong| broken(path, None, wrong))?;
        let leaves = ColumnChunkMask::from_projection(&columns.mask, inferred.parquet_schema());
        let mut indexes = ParquetMetaDataReader::new_with_metadata(metadata)
            .with_offset_index_policy(PageIndexPolicy::Optional)
            .with_offset_index_mask(leaves);
        metadata = indexes.read_page_indexes(&paged).and_then(|()| indexes.finish()).map_err(faulty)?;
        let has_sound_index =
            |group| Sizes { metadata: &metadata, mask: &columns.mask }.has_sound_index(group);
        if !(0..metadata.num_row_groups()).all(has_sound_index) {
            return Err(broken(path, None, "its page index does not fit its footer"));
        }
        let options = plain.with_schema(Arc::clone(&columns.hint));
        let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), options).map_err(faulty)?;
        Ok(Self { path: Arc::from(path), paged, metadata, columns })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn parquet(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    /// The rows of each row group.
    pub(super) fn group_rows(&self) -> Vec<u64> {
        let groups = self.parquet().row_groups().iter();
        groups.map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).collect()
    }

    pub(super) fn sizes(&self) -> Sizes<'_> {
        Sizes { metadata: self.parquet(), mask: &self.columns.mask }
    }

    /// The rows of a row group, which begins with the row `first_row` of the file, without the first `skip`.
    pub(super) fn rows(
        &self,
        group: usize,
        first_row: u64,
        skip: u64,
        sizes: ReadSizes,
    ) -> Result<RowGroupRows, LakeError> {
        guarded(&self.path, Some(first_row), || {
            let paged = self.paged.with_windows(self.sizes().chunks(group), sizes.read_ahead_bytes);
            let (path, next_row) = (Arc::clone(&self.path), first_row + skip);
            let rows = u64::try_from(self.parquet().row_group(group).num_rows()).unwrap_or(0);
            let (input, metadata) = (paged.clone(), self.metadata.clone());
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata)
                .with_projection(self.columns.mask.clone())
                .with_row_groups(vec![group])
                .with_batch_size(self.sizes().batch_rows(group, sizes.batch_bytes))
                .with_offset(usize::try_from(skip).unwrap_or(usize::MAX))
                .build()
                .map_err(|error| {
                    let fault = paged.take_fault();
                    fault.unwrap_or_else(|| broken(&path, Some(next_row), error.to_string()))
                })?;
            let columns = self.columns.clone();
            Ok(RowGroupRows { path, paged, columns, reader, next_row, end_row: first_row + rows })
        })?
    }
}

impl RowGroupRows {
    /// The next rows and the place of their first within the whole file.
    pub(super) fn next_batch(&mut self) -> Result<Option<(u64, RecordBatch)>, LakeError> {
        let first = self.next_row;
        let broken = |row: u64, wrong: String| broken(&self.path, Some(row), wrong);
        let reader = &mut self.reader;
        match guarded(&self.path, Some(first), || reader.next())? {
            Some(Ok(batch)) => {
                self.next_row += batch.num_rows() as u64;
                let conformed = self
                    .columns
                    .conform(&batch)
                    .map_err(|(row, wrong)| broken(first + row.unwrap_or_default() as u64, wrong))?;
                Ok(Some((first, conformed)))
            }
            Some(Err(error)) => {
                Err(self.paged.take_fault().unwrap_or_else(|| broken(first, error.to_string())))
            }
            None if first < self.end_row => {
                let missing = self.end_row - first;
                Err(broken(first, format!("{missing} rows fewer than its footer says")))
            }
            None => Ok(None),
        }
    }
}

/// The footer alone, without page indexes.
pub(super) fn read_metadata(paged: &PagedFile, path: &str) -> Result<ParquetMetaData, LakeError> {
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Skip)
        .parse_and_finish(paged)
        .map_err(|error| {
            let fault = paged.take_fault();
            fault.unwrap_or_else(|| broken(path, None, format!("it is no readable Parquet file: {error}")))
        })
}

/// Some files that contradict themselves make the Parquet crate panic. Such a file must fail its own chunk alone.
pub(super) fn guarded<T>(path: &str, row: Option<u64>, read: impl FnOnce() -> T) -> Result<T, LakeError> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let said = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
        broken(path, row, format!("it contradicts itself: {said}"))
    })
}
