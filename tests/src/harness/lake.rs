//! A lake in a folder, whose files are written by Parquet's own Arrow writer and stamped as the test says.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use jiff::{Timestamp, civil::Date};
use parquet::{
    arrow::ArrowWriter,
    file::{metadata::KeyValue, properties::WriterProperties},
};
use spillway::{
    domain::{AccountId, Dataset, PropertyScope, lake},
    encode::{FOOTER_KEY, PropertyKeys},
};

use super::rows::{EventRow, ProfileRow};

/// The folder of a lake.
#[derive(Debug)]
pub struct LakeFolder {
    root: PathBuf,
    written: AtomicU64,
}

/// Where a file goes and how it is cut.
#[derive(Debug, Clone, Copy)]
pub struct FileSpec {
    /// Whose it is.
    pub account: AccountId,
    /// When it was committed, and captured.
    pub committed: Timestamp,
    /// Rows a row group.
    pub group_rows: usize,
    /// Whether the footer lists the property keys.
    pub lists_keys: bool,
}

/// Where a file of events lies.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The event.
    pub event: &'a str,
    /// The day.
    pub date: Date,
    /// The shard.
    pub database: u8,
}

impl LakeFolder {
    /// A lake in a folder, which is made where it is missing.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn new(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        Ok(Self { root, written: AtomicU64::new(0) })
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file's place on the disk.
    #[must_use]
    pub fn on_disk(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The path of the next file of an event.
    #[must_use]
    pub fn event_path(&self, spec: &FileSpec, place: Place<'_>) -> String {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let (folder, captured) =
            (Dataset::Events.folder(spec.account), lake::captured_folder(spec.committed));
        let (event, _) = lake::event_folder(place.event);
        let Place { date, database, .. } = place;
        format!("{folder}{captured}/db={database}/event={event}/date={date}/part-{number:05}.parquet")
    }

    /// Writes a file of events, all of the first one's name, day and shard. Gives its path within the lake.
    ///
    /// # Panics
    /// Where the disk fails, or without rows.
    pub fn write_events(&self, spec: &FileSpec, rows: &[EventRow]) -> String {
        let first = rows.first().expect("a file has rows");
        let place = Place { event: &first.event, date: first.date, database: first.database };
        let path = self.event_path(spec, place);
        self.write_events_at(spec, &path, rows);
        path
    }

    /// Writes a file of events to a path, in place of what is there.
    ///
    /// # Panics
    /// Where the disk fails.
    pub fn write_events_at(&self, spec: &FileSpec, path: &str, rows: &[EventRow]) {
        let texts: Vec<_> = rows.iter().map(EventRow::event_props).collect();
        let mut metadata = Vec::new();
        if let Some(first) = rows.first().filter(|row| lake::event_folder(&row.event).1) {
            metadata.push(KeyValue::new("spillway.event_name".to_owned(), first.event.clone()));
        }
        if spec.lists_keys {
            let keys = keys(PropertyScope::Event, &texts);
            metadata.push(KeyValue::new(FOOTER_KEY.to_owned(), keys.event_footer()));
        }
        let ts = TimestampMicrosecondArray::from_iter_values(rows.iter().map(EventRow::ts_micros));
        let ids = StringArray::from_iter_values(rows.iter().map(|row| format!("user-{}", row.id)));
        let columns: [(&str, ArrayRef); 3] = [
            ("ts", Arc::new(ts.with_timezone("UTC"))),
            ("object_id", Arc::new(ids)),
            ("event_props", Arc::new(StringArray::from_iter_values(&texts))),
        ];
        self.write(path, spec, columns, metadata);
    }

    /// Writes a file of profiles, sorted as the lake wants them. Gives its path.
    ///
    /// # Panics
    /// Where the disk fails, or without rows.
    pub fn write_profiles(&self, spec: &FileSpec, rows: &[ProfileRow]) -> String {
        let database = rows.first().expect("a file has rows").database;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let (folder, captured) =
            (Dataset::Profiles.folder(spec.account), lake::captured_folder(spec.committed));
        let path = format!("{folder}{captured}/db={database}/part-{number:05}.parquet");
        let mut rows: Vec<_> = rows.iter().collect();
        rows.sort_by(|a, b| a.id.as_bytes().cmp(b.id.as_bytes()));
        let texts: Vec<_> = rows.iter().map(|row| row.profile_props()).collect();
        let mut metadata = Vec::new();
        if spec.lists_keys {
            let keys = keys(PropertyScope::Profile, &texts);
            metadata.push(KeyValue::new(FOOTER_KEY.to_owned(), keys.profile_footer()));
        }
        let updated = rows.iter().map(|row| row.updated_at.as_microsecond());
        let updated = TimestampMicrosecondArray::from_iter_values(updated).with_timezone("UTC");
        let columns: [(&str, ArrayRef); 4] = [
            ("object_id", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.id)))),
            ("updated_at", Arc::new(updated)),
            ("profile_props", Arc::new(StringArray::from_iter_values(&texts))),
            ("deleted", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.deleted))))),
        ];
        self.write(&path, spec, columns, metadata);
        path
    }

    /// Writes columns as a Parquet file, whatever they are.
    ///
    /// # Panics
    /// Where the disk fails or the columns do not fit together.
    pub fn write<'a>(
        &self,
        path: &str,
        spec: &FileSpec,
        columns: impl IntoIterator<Item = (&'a str, ArrayRef)>,
        metadata: Vec<KeyValue>,
    ) {
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(spec.group_rows.max(1)))
            .set_data_page_row_count_limit(7)
            .set_write_batch_size(5)
            .set_key_value_metadata((!metadata.is_empty()).then_some(metadata))
            .build();
        let mut bytes = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a writer");
        writer.write(&batch).expect("rows are written to memory");
        writer.close().expect("the file is closed in memory");
        self.write_raw(path, spec.committed, &bytes);
    }

    /// Writes any bytes as a file of the lake.
    ///
    /// # Panics
    /// Where the disk fails.
    pub fn write_raw(&self, path: &str, committed: Timestamp, bytes: &[u8]) {
        let on_disk = self.on_disk(path);
        fs::create_dir_all(on_disk.parent().expect("files lie in folders")).expect("folders can be made");
        fs::write(&on_disk, bytes).expect("files can be written");
        let since_1970 = Duration::from_micros(committed.as_microsecond().unsigned_abs());
        let file = File::options().write(true).open(&on_disk).expect("it was just written");
        file.set_modified(SystemTime::UNIX_EPOCH + since_1970).expect("files can be stamped");
    }

    /// The bytes of a file.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.on_disk(path)).expect("the file is there")
    }

    /// Takes a file away.
    ///
    /// # Panics
    /// Where there is none.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.on_disk(path)).expect("the file is there");
    }
}

fn keys(scope: PropertyScope, texts: &[String]) -> PropertyKeys {
    let mut keys = PropertyKeys::new();
    for text in texts {
        keys.add_text(scope, text).expect("the harness writes JSON objects");
    }
    keys
}
