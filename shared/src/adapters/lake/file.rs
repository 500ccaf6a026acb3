//! One Parquet file of the lake: opened, checked against the contract, read row group by row group.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, RowGroups as _, RowSelection,
    RowSelector,
};
use parquet::arrow::{FieldLevels, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMask, PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetStatisticsPolicy,
};
use parquet::schema::types::SchemaDescPtr;

use super::batches::Sizes;
use super::broken;
use super::columns::Columns;
use super::merge::{row_bytes, text_bytes};
use super::paged::PagedFile;
use super::pages::{OneRowGroup, PageBudget};
use super::source::Medium;
use crate::domain::Dataset;
use crate::ports::LakeError;

/// How many times the average a batch may hold before it is given up and read again with fewer rows.
const SKEW: u64 = 8;
/// How many times fewer.
const SHRINK: usize = 16;

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
    levels: Arc<FieldLevels>,
}

/// The rest of a row group.
pub(super) struct RowGroupRows {
    path: Arc<str>,
    paged: PagedFile,
    columns: Columns,
    metadata: ArrowReaderMetadata,
    levels: Arc<FieldLevels>,
    group: usize,
    reader: ParquetRecordBatchReader,
    budget: PageBudget,
    batch_rows: usize,
    sizes: ReadSizes,
    /// What is left of the batch that was read last.
    left: Option<RecordBatch>,
    first_row: u64,
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
        let faulty =
            |error: ParquetError| paged.take_fault().unwrap_or_else(|| broken(path, None, error.to_string()));
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
        let levels = parquet_to_arrow_field_levels(
            metadata.parquet_schema(),
            columns.mask.clone(),
            Some(columns.hint.fields()),
        )
        .map_err(faulty)?;
        let mut rows = metadata.metadata().row_groups().iter().map(|group| u64::try_from(group.num_rows()));
        // Whoever adds them up later need not look again.
        if rows.try_fold(0_u64, |sum, rows| sum.checked_add(rows.ok()?)).is_none() {
            return Err(broken(path, None, "its footer's row counts cannot be"));
        }
        Ok(Self { path: Arc::from(path), paged, metadata, columns, levels: Arc::new(levels) })
    }

    pub(super) fn rows_in_all(&self) -> u64 {
        self.group_rows().iter().sum()
    }

    /// Fails where a file has been mended, and not with as many rows as it had.
    pub(super) fn has_rows(&self, planned: u64) -> Result<(), LakeError> {
        let has = self.rows_in_all();
        if has == planned {
            return Ok(());
        }
        let wrong = format!(
            "it has {has} rows now, and had {planned} when the run was planned; restore it with the same rows and \
             row groups"
        );
        Err(broken(&self.path, None, wrong))
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
        let next_row = first_row + skip;
        guarded(&self.path, Some(next_row), || {
            let paged = self.paged.with_windows(self.sizes().chunks(group), sizes.read_ahead_bytes);
            let rows = u64::try_from(self.parquet().row_group(group).num_rows()).unwrap_or(0);
            let batch_rows = self.sizes().batch_rows(group, sizes.batch_bytes);
            let opening = Opening { metadata: &self.metadata, levels: &self.levels, paged: &paged, group };
            let (reader, budget) = opening.reader(skip, batch_rows, sizes).map_err(|error| {
                let fault = paged.take_fault();
                fault.unwrap_or_else(|| broken(&self.path, Some(next_row), error.to_string()))
            })?;
            Ok(RowGroupRows {
                path: Arc::clone(&self.path),
                paged,
                columns: self.columns.clone(),
                metadata: self.metadata.clone(),
                levels: Arc::clone(&self.levels),
                group,
                reader,
                budget,
                batch_rows,
                sizes,
                left: None,
                first_row,
                next_row,
                end_row: first_row + rows,
            })
        })?
    }
}

/// How a row group's rows are opened.
struct Opening<'f> {
    metadata: &'f ArrowReaderMetadata,
    levels: &'f FieldLevels,
    paged: &'f PagedFile,
    group: usize,
}

impl Opening<'_> {
    fn reader(
        &self,
        skip: u64,
        batch_rows: usize,
        sizes: ReadSizes,
    ) -> Result<(ParquetRecordBatchReader, PageBudget), ParquetError> {
        let metadata = self.metadata.metadata();
        let budget_bytes = sizes.batch_bytes.saturating_mul(SKEW);
        let leaves = metadata.row_group(self.group).num_columns();
        let budget = PageBudget::new(leaves, batch_rows, budget_bytes);
        let (paged, group) = (self.paged.clone(), self.group);
        let rows = OneRowGroup { paged, metadata, group, budget: budget.clone() };
        let skip = usize::try_from(skip)?;
        let rest = rows.num_rows().saturating_sub(skip);
        let selection =
            (skip > 0).then(|| RowSelection::from(vec![RowSelector::skip(skip), RowSelector::select(rest)]));
        let reader =
            ParquetRecordBatchReader::try_new_with_row_groups(self.levels, &rows, batch_rows, selection)?;
        Ok((reader, budget))
    }
}

impl RowGroupRows {
    /// The next rows and the place of their first within the whole file.
    pub(super) fn next_batch(&mut self) -> Result<Option<(u64, RecordBatch)>, LakeError> {
        let first = self.next_row;
        let batch = match self.left.take() {
            Some(batch) => batch,
            None => match self.read()? {
                Some(batch) => batch,
                None if first < self.end_row => {
                    let missing = self.end_row - first;
                    let wrong = format!("{missing} rows fewer than its footer says");
                    return Err(broken(&self.path, Some(first), wrong));
                }
                None => return Ok(None),
            },
        };
        // Words of a dictionary are stored once and count as often as they occur: such a batch is handed on in parts.
        let rows = rows_within(&batch, self.sizes.batch_bytes.saturating_mul(SKEW));
        self.next_row += rows as u64;
        if rows == batch.num_rows() {
            return Ok(Some((first, batch)));
        }
        self.left = Some(batch.slice(rows, batch.num_rows() - rows));
        Ok(Some((first, batch.slice(0, rows))))
    }

    fn read(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        loop {
            let first = self.next_row;
            let failed = |error: String, paged: &PagedFile| {
                paged.take_fault().unwrap_or_else(|| broken(&self.path, Some(first), error))
            };
            self.budget.begin_batch();
            let reader = &mut self.reader;
            match guarded(&self.path, Some(first), || reader.next())? {
                Some(Ok(batch)) => {
                    let conformed = self.columns.conform(&batch).map_err(|(row, wrong)| {
                        broken(&self.path, Some(first + row.unwrap_or_default() as u64), wrong)
                    })?;
                    return Ok(Some(conformed));
                }
                // Rows are far larger here than on average: from here on fewer are read at once.
                Some(Err(_)) if self.budget.is_over() => {
                    let opening = Opening {
                        metadata: &self.metadata,
                        levels: &self.levels,
                        paged: &self.paged,
                        group: self.group,
                    };
                    let batch_rows = (self.batch_rows / SHRINK).max(1);
                    let skip = first - self.first_row;
                    let opened =
                        guarded(&self.path, Some(first), || opening.reader(skip, batch_rows, self.sizes))?;
                    (self.reader, self.budget) =
                        opened.map_err(|error| failed(error.to_string(), &self.paged))?;
                    self.batch_rows = batch_rows;
                }
                Some(Err(error)) => return Err(failed(error.to_string(), &self.paged)),
                None => return Ok(None),
            }
        }
    }
}

/// How many rows from the first on stay within some bytes; one at least.
fn rows_within(batch: &RecordBatch, limit_bytes: u64) -> usize {
    if text_bytes(batch) <= limit_bytes {
        return batch.num_rows();
    }
    let mut bytes = 0_u64;
    for row in 0..batch.num_rows() {
        bytes = bytes.saturating_add(row_bytes(batch, row));
        if bytes > limit_bytes && row > 0 {
            return row;
        }
    }
    batch.num_rows()
}

/// The footer alone, without page indexes.
pub(super) fn read_metadata(paged: &PagedFile, path: &str) -> Result<ParquetMetaData, LakeError> {
    parse_metadata(paged, path, None)
}

/// The footer without what it tells of the columns' values, and without its schema where one is given.
pub(super) fn read_row_groups(
    paged: &PagedFile,
    path: &str,
    schema: Option<SchemaDescPtr>,
) -> Result<ParquetMetaData, LakeError> {
    let none = || ParquetStatisticsPolicy::SkipAll;
    let mut options = ParquetMetaDataOptions::new()
        .with_column_stats_policy(none())
        .with_encoding_stats_policy(none())
        .with_size_stats_policy(none());
    if let Some(schema) = schema {
        options.set_schema(schema);
    }
    parse_metadata(paged, path, Some(options))
}

fn parse_metadata(
    paged: &PagedFile,
    path: &str,
    options: Option<ParquetMetaDataOptions>,
) -> Result<ParquetMetaData, LakeError> {
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Skip)
        .with_metadata_options(options)
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
