//! A lake of made-up files, each a chunk of its own by the planner's estimate, each with one row.

use async_trait::async_trait;
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
};
use spillway::{
    domain::{AccountId, DatabaseId, DateRange, EventFolder, Footer, LakeFile, LakePath, Slice},
    ports::{Lake, LakeError, LakeQuery, LakeRows, SourcedBatch},
};

use super::row::{broken, files_left, footer, number_of, row};

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
            event: Some((EventFolder::Named(format!("Event{event:02}").into()), date)),
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
        Ok(footer(FILE_BYTES))
    }

    fn rows(&self, slice: &Slice, _columns: &[&str]) -> Box<dyn LakeRows> {
        let paths = files_left(slice).map(|(place, file)| (file.path.clone(), place));
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
        let number = number_of(&path).ok_or_else(|| broken(&path, "it has no number"))?;
        row(file, &path, number, self.ts).map(Some)
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
