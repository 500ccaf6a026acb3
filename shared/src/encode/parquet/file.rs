//! A Parquet file in the making: rows gather in a chunk, chunks in a row group, and a row group goes into the
//! stored file, which never outgrows its limit (FORMATS, The size limit).

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::cost::{Cost, frame_bytes};
use super::rows::ColumnRows;
use crate::domain::Packaging;
use crate::encode::stored::Stored;
use crate::encode::text_file::within;
use crate::encode::{EncodeError, FileEncoder, FileOptions, GzipLevel};

/// A row group ends with the row that brings it to this. It bounds the encoder's memory.
const GROUP_RAW_BYTES: u64 = 16 * 1024 * 1024;
/// Rows become columns in chunks, so that they cost no calls each.
const CHUNK_RAW_BYTES: u64 = 512 * 1024;
const CHUNK_ROWS: usize = 1024;
/// The file is full when the limit ended a row group and less than one part in this many is left of it: what a
/// group really takes is a fraction of its bound, so the groups at the end would become smaller and smaller.
const LEFT_OVER_PART: u64 = 20;
/// The columns that nearly always have few values. For the others a dictionary is mostly given up half-way, and where it is
/// not, ZSTD finds what repeats itself too: in all, files are smaller without, and made faster.
pub(super) const WITH_DICTIONARY: [&str; 16] = [
    "eventName",
    "profile.platform",
    "deviceInfo.make",
    "deviceInfo.model",
    "deviceInfo.appVersion",
    "deviceInfo.sdkVersion",
    "deviceInfo.osVersion",
    "deviceInfo.browser",
    "deviceInfo.dpi",
    "deviceInfo.dimensions.width",
    "deviceInfo.dimensions.height",
    "deviceInfo.dimensions.unit",
    "controlGroupName",
    "eventProps.key_value.key",
    "sessionProps.key_value.key",
    "profileProps.key_value.key",
];
/// Constant, so that the bytes do not change with a library's version.
const CREATED_BY: &str = "spillway version 1";

/// [`FileEncoder`] of Parquet.
pub(in crate::encode) struct ParquetFile<R> {
    rows: R,
    schema: SchemaRef,
    packaging: Packaging,
    level: GzipLevel,
    limit_bytes: u64,
    writer: ArrowWriter<Vec<u8>>,
    stored: Stored,
    groups: usize,
    /// The rows of the current group that the writer has, and the most that they take there.
    written: Cost,
    written_worst_bytes: u64,
    written_rows: usize,
    /// The rows of the current group that are still to be handed to the writer.
    chunk: Cost,
    chunk_rows: usize,
    full: bool,
    /// The file is one large row, written whole.
    whole: bool,
}

impl<R: ColumnRows> ParquetFile<R> {
    pub(in crate::encode) fn new(options: &FileOptions, rows: R) -> Result<Self, EncodeError> {
        let schema = rows.schema();
        Ok(Self {
            writer: writer(&schema, options.packaging)?,
            rows,
            schema,
            packaging: options.packaging,
            level: options.gzip_level,
            limit_bytes: options.limit_bytes,
            stored: Stored::new(options.packaging, options.gzip_level),
            groups: 0,
            written: Cost::default(),
            written_worst_bytes: 0,
            written_rows: 0,
            chunk: Cost::default(),
            chunk_rows: 0,
            full: false,
            whole: false,
        })
    }

    /// Takes the row if the file surely stays within its limit.
    fn append(&mut self, batch: &R::Batch<'_>, row: usize) -> Result<bool, EncodeError> {
        let Self { rows, stored, groups, limit_bytes, .. } = self;
        let group_bytes = self.written_worst_bytes + self.chunk.worst_bytes + frame_bytes(*groups + 1);
        let fits = |cost: Cost| stored.worst_bytes(group_bytes + cost.worst_bytes) <= *limit_bytes;
        let Some(cost) = rows.append(batch, row, fits)? else { return Ok(false) };
        self.chunk += cost;
        self.chunk_rows += 1;
        Ok(true)
    }

    /// Hands the gathered rows to the writer.
    fn close_chunk(&mut self) -> Result<(), EncodeError> {
        if self.chunk_rows > 0 {
            let batch = RecordBatch::try_new(SchemaRef::clone(&self.schema), self.rows.take());
            let batch = batch.map_err(|error| EncodeError::Internal(error.to_string()))?;
            self.writer.write(&batch).map_err(internal)?;
            self.written += std::mem::take(&mut self.chunk);
            self.written_rows += std::mem::take(&mut self.chunk_rows);
            self.written_worst_bytes = self.written.with_estimate(self.writer.in_progress_size());
        }
        Ok(())
    }

    /// Ends the row group.
    fn close_group(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.close_chunk()?;
        if self.written_rows > 0 {
            self.writer.flush().map_err(internal)?;
            self.store(out)?;
            self.groups += 1;
            (self.written, self.written_worst_bytes, self.written_rows) = (Cost::default(), 0, 0);
        }
        Ok(())
    }

    /// Lets bounds give way to what the rows really take, and takes the row if it fits then.
    fn make_room(
        &mut self,
        batch: &R::Batch<'_>,
        row: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, EncodeError> {
        // First the chunk, by the writer's estimate of what it has; this may do for some thousand rows more.
        if self.chunk.worst_bytes > self.limit_bytes / LEFT_OVER_PART {
            self.close_chunk()?;
            if self.append(batch, row)? {
                return Ok(true);
            }
        }
        self.close_group(out)?;
        let taken = self.stored.worst_bytes(frame_bytes(self.groups + 1));
        let left = self.limit_bytes.saturating_sub(taken);
        Ok(left >= self.limit_bytes / LEFT_OVER_PART && self.append(batch, row)?)
    }

    /// Stores what the writer has made.
    fn store(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.writer.sync().map_err(|error| internal(error.into()))?;
        let made = std::mem::take(self.writer.inner_mut());
        self.stored.write_units(&made, out);
        // What fits is decided by the exact count, never by how far somebody is with compressing.
        self.stored.settle(&[], out);
        Ok(())
    }

    /// The file's first row could be too large. What it really takes is known only by writing a file of it
    /// alone, so that is done; if it fits, it is the whole file.
    fn write_whole(
        &mut self,
        batch: &R::Batch<'_>,
        row: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.writer = writer(&self.schema, self.packaging)?;
        self.rows.append(batch, row, |_| true)?;
        let rows = RecordBatch::try_new(SchemaRef::clone(&self.schema), self.rows.take());
        let rows = rows.map_err(|error| EncodeError::Internal(error.to_string()))?;
        self.writer.write(&rows).map_err(internal)?;
        // Stored piece by piece as any file is, so that it is as long as that.
        let mut file = Vec::new();
        self.writer.flush().map_err(internal)?;
        self.store(&mut file)?;
        self.writer.finish().map_err(internal)?;
        self.store(&mut file)?;
        let stored = std::mem::replace(&mut self.stored, Stored::new(self.packaging, self.level));
        if stored.finish(&[], &mut file) > self.limit_bytes {
            return Err(EncodeError::RowTooLarge { row, limit_bytes: self.limit_bytes });
        }
        out.append(&mut file);
        (self.full, self.whole) = (true, true);
        Ok(())
    }
}

impl<R: ColumnRows> FileEncoder for ParquetFile<R> {
    fn push(&mut self, batch: &RecordBatch, from: usize, out: &mut Vec<u8>) -> Result<usize, EncodeError> {
        let bound = self.rows.bind(batch)?;
        for row in from..batch.num_rows() {
            if self.full {
                return Ok(row - from);
            }
            if !self.append(&bound, row)? {
                if self.groups == 0 && self.written_rows == 0 && self.chunk_rows == 0 {
                    self.write_whole(&bound, row, out)?;
                    continue;
                }
                if !self.make_room(&bound, row, out)? {
                    self.full = true;
                    return Ok(row - from);
                }
            }
            if self.written.raw_bytes + self.chunk.raw_bytes >= GROUP_RAW_BYTES {
                self.close_group(out)?;
            } else if self.chunk_rows >= CHUNK_ROWS || self.chunk.raw_bytes >= CHUNK_RAW_BYTES {
                self.close_chunk()?;
            }
        }
        Ok(batch.num_rows().saturating_sub(from))
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.whole {
            return Ok(());
        }
        self.close_group(out)?;
        self.writer.finish().map_err(internal)?;
        self.store(out)?;
        within(self.limit_bytes, self.stored.finish(&[], out))
    }
}

/// A column's path by its name with points.
fn path(name: &str) -> ColumnPath {
    ColumnPath::new(name.split('.').map(str::to_owned).collect())
}

fn writer(schema: &SchemaRef, packaging: Packaging) -> Result<ArrowWriter<Vec<u8>>, EncodeError> {
    let compression = match packaging {
        Packaging::Plain => Compression::ZSTD(ZstdLevel::default()),
        // The gzip around the file would find nothing more in compressed pages.
        Packaging::Gzip => Compression::UNCOMPRESSED,
    };
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(compression)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(None);
    for column in WITH_DICTIONARY {
        properties = properties.set_column_dictionary_enabled(path(column), true);
    }
    let properties = properties.build();
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true)
        .with_schema_root("schema".to_owned());
    ArrowWriter::try_new_with_options(Vec::new(), SchemaRef::clone(schema), options).map_err(internal)
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function for `map_err`")]
fn internal(error: ParquetError) -> EncodeError {
    EncodeError::Internal(format!("Parquet: {error}"))
}
