//! A lake that grows by a few files an hour, each of one row.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use spillway::{
    domain::{DatabaseId, Dataset, EventFolder, Footer, LakeFile, LakePath, Slice, lake::captured_folder},
    ports::{Lake, LakeError, LakeQuery, LakeRows, SourcedBatch},
};

use super::{
    super::row::{broken, files_left, footer, number_of, row},
    clocks::Clocks,
};

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
            event: Some((EventFolder::Named("Charged".into()), date)),
        },
    }
}

fn place_of(path: &str) -> Option<usize> {
    number_of(path).and_then(|number| usize::try_from(number).ok())
}

fn vanished(path: &str) -> LakeError {
    broken(path, "it was never committed")
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
        place_of(path).and_then(|number| self.state().get(number).copied()).ok_or_else(|| vanished(path))
    }

    async fn footer(&self, _path: &str) -> Result<Footer, LakeError> {
        Ok(footer(FILE_BYTES))
    }

    fn rows(&self, slice: &Slice, _columns: &[&str]) -> Box<dyn LakeRows> {
        let rows = self.state();
        let paths = files_left(slice).map(|(place, file)| {
            let number = place_of(&file.path);
            (place, number.and_then(|number| Some((number, *rows.get(number)?))))
        });
        Box::new(Rows(paths.collect::<Vec<_>>().into_iter()))
    }
}

struct Rows(std::vec::IntoIter<(u32, Option<(usize, Timestamp)>)>);

impl LakeRows for Rows {
    fn next_batch(&mut self) -> Result<Option<SourcedBatch>, LakeError> {
        let Some((file, found)) = self.0.next() else { return Ok(None) };
        let (number, committed) = found.ok_or_else(|| vanished("of a slice"))?;
        row(file, "of a slice", number as u64, committed).map(Some)
    }
}
