//! A lake that grows by a few files an hour, each of one row.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow_schema::{Field, Schema};
use async_trait::async_trait;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use spillway::{
    domain::{
        DatabaseId, Dataset, EventFolder, Footer, LakeFile, LakePath, RowCursor, RowGroup, Slice,
        lake::captured_folder,
    },
    encode::columns,
    ports::{Lake, LakeError, LakeQuery, LakeRows, RowOrigins, SourcedBatch},
};

use super::clocks::Clocks;

/// The property in which a row carries its number.
pub(super) const NUMBER: &str = "n";
const FILE_BYTES: u64 = 1_000;

/// The lake; clones are the same.
#[derive(Clone)]
pub(super) struct GrowingLake {
    clocks: Clocks,
    /// When each row was committed; its number is its place.
    rows: Arc<Mutex<Vec<Timestamp>>>,
}

impl GrowingLake {
    pub(super) fn new(clocks: Clocks) -> Self {
        Self { clocks, rows: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, Vec<Timestamp>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A row is committed now.
    pub(super) fn commit(&self) {
        let now = self.clocks.truth();
        self.state().push(now);
    }

    /// When each row was committed.
    pub(super) fn rows_committed(&self) -> Vec<Timestamp> {
        self.state().clone()
    }
}

/// The day of a row, which is that of its commit.
pub(super) fn date_of(committed: Timestamp) -> Date {
    committed.to_zoned_datetime(TimeZone::UTC).date()
}

fn file(folder: &str, number: usize, committed: Timestamp) -> LakeFile {
    let date = date_of(committed);
    let captured = captured_folder(committed);
    LakeFile {
        path: format!("{folder}{captured}/db=0/event=Charged/date={date}/{number:010}.parquet"),
        bytes: FILE_BYTES,
        committed,
        place: LakePath {
            database: DatabaseId(0),
            event: Some((EventFolder::Named("Charged".to_owned()), date)),
        },
    }
}

fn number_of(path: &str) -> Option<usize> {
    path.rsplit('/').next()?.strip_suffix(".parquet")?.parse().ok()
}

fn vanished(path: &str) -> LakeError {
    LakeError::Broken { path: path.to_owned(), row: None, wrong: "it was never committed".to_owned() }
}

#[async_trait]
impl Lake for GrowingLake {
    async fn now(&self) -> Result<Timestamp, LakeError> {
        Ok(self.clocks.truth())
    }

    async fn list(&self, query: &LakeQuery) -> Result<Vec<LakeFile>, LakeError> {
        if query.dataset == Dataset::Profiles {
            return Ok(Vec::new());
        }
        let hours = captured_folder(query.first_hour)..=captured_folder(query.last_hour);
        let folder = query.dataset.folder(query.account);
        let rows = self.state();
        let files = rows.iter().enumerate();
        let listed = files.filter(|(_, committed)| hours.contains(&captured_folder(**committed)));
        Ok(listed.map(|(number, committed)| file(&folder, number, *committed)).collect())
    }

    async fn committed(&self, path: &str) -> Result<Timestamp, LakeError> {
        number_of(path).and_then(|number| self.state().get(number).copied()).ok_or_else(|| vanished(path))
    }

    async fn footer(&self, _path: &str) -> Result<Footer, LakeError> {
        let group = RowGroup { rows: 1, bytes: FILE_BYTES, ..RowGroup::default() };
        Ok(Footer { row_groups: vec![group], ..Footer::default() })
    }

    fn rows(&self, slice: &Slice, _columns: &[&str]) -> Box<dyn LakeRows> {
        let (files, from) = match slice {
            Slice::Events { files, from } => (files.as_slice(), *from),
            Slice::Profiles { .. } => (&[][..], RowCursor::default()),
        };
        let rows = self.state();
        let paths = files.iter().zip(0..).skip(from.file as usize).map(|(file, at)| {
            let number = number_of(&file.path);
            (at, number.and_then(|number| Some((number, *rows.get(number)?))))
        });
        Box::new(Rows(paths.collect::<Vec<_>>().into_iter()))
    }
}

struct Rows(std::vec::IntoIter<(u32, Option<(usize, Timestamp)>)>);

impl LakeRows for Rows {
    fn next_batch(&mut self) -> Result<Option<SourcedBatch>, LakeError> {
        let Some((file, row)) = self.0.next() else { return Ok(None) };
        let (number, committed) = row.ok_or_else(|| vanished("of a slice"))?;
        let ts = TimestampMicrosecondArray::from(vec![committed.as_microsecond()]).with_timezone("UTC");
        let props = StringViewArray::from_iter_values([format!("{{\"{NUMBER}\":{number}}}")]);
        let fields = columns::event_fields();
        let fields = fields
            .into_iter()
            .filter(|field| [columns::TS, columns::EVENT_PROPS].contains(&field.name().as_str()));
        let schema = Schema::new(fields.collect::<Vec<Field>>());
        let arrays: Vec<ArrayRef> = vec![Arc::new(ts), Arc::new(props)];
        let batch = RecordBatch::try_new(Arc::new(schema), arrays).map_err(|error| LakeError::Broken {
            path: "of a slice".to_owned(),
            row: None,
            wrong: error.to_string(),
        })?;
        Ok(Some(SourcedBatch { batch, origins: RowOrigins::Run(RowCursor { file, row: 0 }) }))
    }
}
