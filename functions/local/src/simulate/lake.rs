//! A lake of made-up files, each a chunk of its own by the planner's estimate, each with one row.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow_schema::{Field, Schema};
use async_trait::async_trait;
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
};
use spillway::{
    domain::{
        AccountId, DatabaseId, DateRange, EventFolder, Footer, LakeFile, LakePath, RowCursor, RowGroup, Slice,
    },
    encode::columns,
    ports::{Lake, LakeError, LakeQuery, LakeRows, RowOrigins, SourcedBatch},
};

/// The property in which a row carries the number of its file.
pub(super) const NUMBER: &str = "n";
/// Ten times as much is guessed of plain JSON: the 85 MB that a chunk should fill.
const FILE_BYTES: u64 = 8_500_000;
/// A month of days, every shard, and so many events: what an export of all events meets.
const DAYS: u64 = 30;
const EVENTS: u64 = 50;
pub(super) const SHARDS: u8 = 24;
const FIRST_DAY: Date = date(2025, 6, 1);
/// All files were committed in the hour after.
const CAPTURED: &str = "captured=2025-07-01-00";
const COMMITTED: Timestamp = Timestamp::constant(1_751_328_000, 0);

/// The lake.
pub(super) struct SimulatedLake {
    files: u64,
    committed: Timestamp,
}

impl SimulatedLake {
    /// A lake of so many files.
    pub(super) fn new(files: u64) -> Self {
        Self { files, committed: COMMITTED }
    }

    /// The days of its events.
    pub(super) fn days(&self) -> anyhow::Result<DateRange> {
        Ok(DateRange::new(FIRST_DAY, FIRST_DAY.checked_add((DAYS.cast_signed() - 1).days())?)?)
    }

    /// The files of a day, shard and event, numbered from the last group's end on.
    fn group(&self, account: AccountId, group: Group, numbers: std::ops::Range<u64>) -> Vec<LakeFile> {
        let Group { date, shard, event } = group;
        let folder =
            format!("account={account}/events/{CAPTURED}/db={shard}/event=Event{event:02}/date={date}");
        let place = LakePath {
            database: DatabaseId(shard),
            event: Some((EventFolder::Named(format!("Event{event:02}")), date)),
        };
        let file = |number| LakeFile {
            path: format!("{folder}/{number:010}.parquet"),
            bytes: FILE_BYTES,
            committed: self.committed,
            place: place.clone(),
        };
        numbers.map(file).collect()
    }
}

#[derive(Clone, Copy)]
struct Group {
    date: Date,
    shard: u8,
    event: u64,
}

/// Every group, in the order of their paths.
fn groups() -> impl Iterator<Item = Group> {
    let mut shards: Vec<u8> = (0..SHARDS).collect();
    shards.sort_by_key(|shard| format!("{shard}/"));
    shards.into_iter().flat_map(|shard| {
        (0..EVENTS).flat_map(move |event| {
            let days = FIRST_DAY.series(1.day()).zip(0..DAYS);
            days.map(move |(date, _)| Group { date, shard, event })
        })
    })
}

fn broken(path: &str, wrong: impl Into<String>) -> LakeError {
    LakeError::Broken { path: path.to_owned(), row: None, wrong: wrong.into() }
}

#[async_trait]
impl Lake for SimulatedLake {
    async fn now(&self) -> Result<Timestamp, LakeError> {
        Ok(self.committed)
    }

    async fn list(&self, query: &LakeQuery) -> Result<Vec<LakeFile>, LakeError> {
        let count = DAYS * EVENTS * u64::from(SHARDS);
        let (each, rest) = (self.files / count, self.files % count);
        let mut files = Vec::new();
        for (at, group) in (0..).zip(groups()) {
            let first = at * each + rest.min(at);
            let many = each + u64::from(at < rest);
            files.append(&mut self.group(query.account, group, first..first + many));
        }
        Ok(files)
    }

    async fn committed(&self, _path: &str) -> Result<Timestamp, LakeError> {
        Ok(self.committed)
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
        let paths = files.iter().map(|file| file.path.clone()).zip(0..).skip(from.file as usize);
        Box::new(Rows { paths: paths.collect::<Vec<_>>().into_iter(), ts: self.committed })
    }
}

struct Rows {
    paths: std::vec::IntoIter<(String, u32)>,
    ts: Timestamp,
}

impl LakeRows for Rows {
    fn next_batch(&mut self) -> Result<Option<SourcedBatch>, LakeError> {
        let Some((path, file)) = self.paths.next() else { return Ok(None) };
        let number = path.rsplit('/').next().and_then(|name| name.strip_suffix(".parquet")?.parse().ok());
        let number: u64 = number.ok_or_else(|| broken(&path, "it has no number"))?;
        let ts = TimestampMicrosecondArray::from(vec![self.ts.as_microsecond()]).with_timezone("UTC");
        let props = StringViewArray::from_iter_values([format!("{{\"{NUMBER}\":{number}}}")]);
        let fields = columns::event_fields();
        let fields = fields
            .into_iter()
            .filter(|field| [columns::TS, columns::EVENT_PROPS].contains(&field.name().as_str()));
        let schema = Schema::new(fields.collect::<Vec<Field>>());
        let arrays: Vec<ArrayRef> = vec![Arc::new(ts), Arc::new(props)];
        let batch = RecordBatch::try_new(Arc::new(schema), arrays);
        let batch = batch.map_err(|error| broken(&path, error.to_string()))?;
        Ok(Some(SourcedBatch { batch, origins: RowOrigins::Run(RowCursor { file, row: 0 }) }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn files_come_in_order_and_each_has_its_number() {
        for count in [1, 500, 36_001] {
            let lake = SimulatedLake::new(count);
            let hour = lake.committed;
            let (account, dataset) = (AccountId(1), spillway::domain::Dataset::Events);
            let query = LakeQuery { account, dataset, first_hour: hour, last_hour: hour };
            let paths: Vec<_> = lake.list(&query).await.unwrap().into_iter().map(|file| file.path).collect();
            assert!(paths.is_sorted());
            let number = |path: &String| path[path.len() - 18..path.len() - 8].parse::<u64>().unwrap();
            assert!(paths.iter().map(number).eq(0..count));
            for path in &paths[..1] {
                assert!(LakePath::parse(path).unwrap().event.is_some(), "{path}");
            }
        }
    }
}
