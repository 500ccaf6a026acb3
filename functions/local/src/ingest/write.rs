//! Collected rows as the lake's Parquet files.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::builder::{
    ArrayBuilder as _, BooleanBuilder, Float64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use spillway::domain::lake::event_folder;
use spillway::encode::FOOTER_KEY;
use spillway::encode::columns::{DELETED, TS, UPDATED_AT};

use super::collect::{Flush, Place};
use super::keys::RowKeys;
use super::publish::Publisher;
use super::rows::{MAX_TEXTS, Origin, Row, Rows, text_columns};
use super::schema::LakeSchema;
use super::{IngestError, IngestOptions, IngestReport, shown};

/// Rows go to the Parquet writer in batches of about this size, which is still in the core's cache when it gets there.
const BATCH_BYTES: usize = 1024 * 1024;
const BATCH_ROWS: usize = 8192;

/// What a writer did.
#[derive(Default)]
pub(super) struct Written {
    pub(super) report: IngestReport,
    /// The first rows that were left out after all.
    pub(super) told_bad_rows: Vec<BadRow>,
    /// How many were left out.
    pub(super) bad_rows: u64,
}

/// A row that was left out.
pub(super) struct BadRow {
    /// The number of its file.
    file: u64,
    pub(super) origin: Origin,
    pub(super) reason: String,
}

impl Written {
    /// What several writers did, in the order of the files.
    pub(super) fn add(&mut self, other: Self) {
        let (sum, more) = (&mut self.report, &other.report);
        sum.events += more.events;
        sum.profiles += more.profiles;
        sum.older_profiles += more.older_profiles;
        sum.files += more.files;
        sum.bytes_written += more.bytes_written;
        self.bad_rows += other.bad_rows;
        self.told_bad_rows.extend(other.told_bad_rows);
        self.told_bad_rows.sort_by_key(|row| row.file);
    }
}

/// What writers share.
pub(super) struct Shared<'a> {
    pub(super) options: &'a IngestOptions<'a>,
    pub(super) publisher: Publisher<'a>,
    /// Set by a writer that fails, for the others.
    pub(super) has_failed: AtomicBool,
}

/// Writes flushes, beside others.
pub(super) struct LakeWriter<'a> {
    shared: &'a Shared<'a>,
    written: Written,
}

impl<'a> LakeWriter<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, written: Written::default() }
    }

    /// Writes what comes until nothing more does; nobody sees it before it is published.
    pub(super) fn write_all(mut self, flushes: &Mutex<Receiver<Flush>>) -> Result<Written, IngestError> {
        let next = || flushes.lock().unwrap_or_else(PoisonError::into_inner).recv();
        while let Ok(flush) = next() {
            if self.shared.options.call_off.is_called_off() {
                return Err(IngestError::CalledOff);
            }
            if self.shared.has_failed.load(Ordering::Relaxed) {
                break;
            }
            self.write(flush).map_err(|reason| {
                self.shared.has_failed.store(true, Ordering::Relaxed);
                let path = self.shared.options.lake_root.clone();
                IngestError::Write { path, reason }
            })?;
        }
        Ok(self.written)
    }

    fn write(&mut self, Flush { number, place, mut rows }: Flush) -> Result<(), String> {
        let is_event = place.event.is_some();
        if is_event {
            rows.sort_events();
        } else {
            self.written.report.older_profiles += rows.sort_profiles();
        }
        let publisher = &self.shared.publisher;
        let hidden = publisher.hidden_file().map_err(|error| error.to_string())?;
        let filled = self.fill(&hidden, number, &place, &rows).map_err(|error| error.to_string())?;
        if filled == 0 {
            return Ok(());
        }
        let bytes = hidden.as_file().metadata().map_err(|error| error.to_string())?.len();
        publisher.stage(number, hidden, &place).map_err(|error| error.to_string())?;
        let report = &mut self.written.report;
        report.files += 1;
        report.bytes_written += bytes;
        let count = if is_event { &mut report.events } else { &mut report.profiles };
        *count += filled;
        Ok(())
    }

    /// Writes the file and returns how many rows it has.
    fn fill(
        &mut self,
        hidden: &tempfile::NamedTempFile,
        number: u64,
        place: &Place,
        rows: &Rows,
    ) -> Result<u64, ParquetError> {
        let is_event = place.event.is_some();
        let schema = LakeSchema::of(is_event)?;
        let options = ArrowWriterOptions::new()
            .with_properties(schema.properties(rows))
            .with_parquet_schema(schema.parquet.clone())
            .with_skip_arrow_metadata(true);
        let file = hidden.as_file();
        let mut writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema.arrow), options)?;
        let mut keys = RowKeys::new(is_event);
        let mut table = Table::new(is_event, rows);
        let mut count = 0;
        for (micros, origin, row) in rows.iter() {
            if let Err(reason) = table.push(micros, row, &mut keys) {
                self.written.bad_rows += 1;
                // Its files come in order, so that no later row of its can be among the first of all.
                if self.written.bad_rows <= self.shared.options.told_bad_lines {
                    let reason = shown(&reason);
                    self.written.told_bad_rows.push(BadRow { file: number, origin, reason });
                }
                continue;
            }
            count += 1;
            if table.is_full() {
                writer.write(&table.take(&schema)?)?;
            }
        }
        if table.micros.len() > 0 {
            writer.write(&table.take(&schema)?)?;
        }
        writer.append_key_value_metadata(KeyValue::new(FOOTER_KEY.to_owned(), keys.footer()));
        if let Some((name, _)) = place.event.as_ref().filter(|(name, _)| event_folder(name).1) {
            writer.append_key_value_metadata(KeyValue::new("spillway.event_name".to_owned(), name.clone()));
        }
        writer.close()?;
        Ok(count)
    }
}

/// Rows becoming a batch.
struct Table {
    is_event: bool,
    micros: TimestampMicrosecondBuilder,
    /// None for a column in which no row has a value.
    texts: Vec<Option<StringBuilder>>,
    identities: ListBuilder<StringBuilder>,
    numbers: Vec<Option<Float64Builder>>,
    deleted: BooleanBuilder,
    bytes: usize,
}

impl Table {
    fn new(is_event: bool, rows: &Rows) -> Self {
        let mut used = rows.used_columns(is_event);
        Self {
            is_event,
            micros: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            texts: used
                .by_ref()
                .take(text_columns(is_event).len())
                .map(|used| used.then(StringBuilder::new))
                .collect(),
            identities: ListBuilder::new(StringBuilder::new()).with_field(LakeSchema::element()),
            numbers: used.map(|used| used.then(Float64Builder::new)).collect(),
            deleted: BooleanBuilder::new(),
            bytes: 0,
        }
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.micros.len() >= BATCH_ROWS
    }

    /// Adds a row and its property keys; a row of which the properties are no JSON object is left out.
    fn push(&mut self, micros: i64, mut row: Row<'_>, keys: &mut RowKeys) -> Result<(), String> {
        let mut texts = [None; MAX_TEXTS];
        let texts = &mut texts[..self.texts.len()];
        texts.fill_with(|| row.text());
        keys.add(texts)?;
        self.micros.append_value(micros);
        for (column, text) in self.texts.iter_mut().zip(texts) {
            self.bytes += text.map_or(0, str::len);
            if let Some(column) = column {
                column.append_option(*text);
            }
        }
        let identities = row.count();
        for _ in 0..identities {
            self.identities.values().append_option(row.text());
        }
        self.identities.append(identities > 0);
        for column in &mut self.numbers {
            let number = row.number();
            if let Some(column) = column {
                column.append_option(number);
            }
        }
        if !self.is_event {
            self.deleted.append_value(row.flag());
        }
        Ok(())
    }

    fn take(&mut self, schema: &LakeSchema) -> Result<RecordBatch, ParquetError> {
        self.bytes = 0;
        let rows = self.micros.len();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.micros.finish())];
        columns.extend(self.texts.iter_mut().map(|column| match column {
            Some(column) => {
                let values = column.finish();
                // The next batch will need about as much room, unless this one had a huge text.
                *column = StringBuilder::with_capacity(rows, values.value_data().len().min(BATCH_BYTES));
                Arc::new(values) as ArrayRef
            }
            None => new_null_array(&DataType::Utf8, rows),
        }));
        columns.push(Arc::new(self.identities.finish()));
        columns.extend(self.numbers.iter_mut().map(|column| match column {
            Some(column) => Arc::new(column.finish()) as ArrayRef,
            None => new_null_array(&DataType::Float64, rows),
        }));
        if !self.is_event {
            columns.push(Arc::new(self.deleted.finish()));
        }
        Ok(RecordBatch::try_new(Arc::clone(&schema.arrow), columns)?)
    }
}

/// The column of the rows' times.
pub(super) fn time_column(is_event: bool) -> &'static str {
    if is_event { TS } else { UPDATED_AT }
}

/// The columns of flags.
pub(super) fn flag_columns(is_event: bool) -> &'static [&'static str] {
    if is_event { &[] } else { &[DELETED] }
}
