//! Blocks of lines, parsed: on several threads, but what comes of each block depends on nothing but the block.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use spillway::domain::DatabaseId;

use super::collect::Place;
use super::input::Block;
use super::record::{Kind, Record};
use super::rows::{At, Columns, Packed, Row};
use super::user::shard;
use super::{IngestOptions, MAX_LINE_BYTES, shown};

/// A block, and where to what comes of it goes.
pub(super) type Job = (Block, SyncSender<Parsed>);

/// What comes of a block.
#[derive(Default)]
pub(super) struct Parsed {
    pub(super) source: u32,
    pub(super) bytes_read: u64,
    /// Lines that are not empty.
    pub(super) lines: u64,
    /// The first lines that are left out, with the reasons.
    pub(super) told_bad_lines: Vec<(u64, String)>,
    /// How many are left out.
    pub(super) bad_lines: u64,
    /// Where its rows go.
    pub(super) places: Vec<Place>,
    packed: Packed,
    rows: Vec<ParsedRow>,
}

struct ParsedRow {
    place: usize,
    micros: i64,
    columns: Columns,
    /// Where it ends.
    end: At,
}

impl Parsed {
    /// The rows in the order of their lines: each one's place (an index), its time, which columns it has, and itself.
    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = (usize, i64, Columns, Row<'_>)> {
        let mut begin = At::default();
        self.rows.iter().map(move |row| {
            let packed = self.packed.row(begin, row.end);
            begin = row.end;
            (row.place, row.micros, row.columns, packed)
        })
    }
}

/// Parses blocks.
pub(super) struct Parser {
    shards: u8,
    time_zone: TimeZone,
    /// The time of profiles that tell none.
    started: Timestamp,
    told_bad_lines: u64,
    /// Where each of the block's places stands.
    events: BTreeMap<String, BTreeMap<(Date, DatabaseId), usize>>,
    profiles: BTreeMap<DatabaseId, usize>,
}

impl Parser {
    pub(super) fn new(options: &IngestOptions<'_>, started: Timestamp) -> Self {
        Self {
            shards: options.account.shards,
            time_zone: options.account.time_zone.time_zone(),
            started,
            told_bad_lines: options.told_bad_lines,
            events: BTreeMap::new(),
            profiles: BTreeMap::new(),
        }
    }

    /// Parses what comes until nothing more does.
    pub(super) fn parse_all(mut self, jobs: &Mutex<Receiver<Job>>) {
        let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        while let Ok((block, parsed)) = next() {
            // Nobody waits for it where the ingest has ended early.
            drop(parsed.send(self.parse(&block)));
        }
    }

    fn parse(&mut self, block: &Block) -> Parsed {
        self.events.clear();
        self.profiles.clear();
        let Block { source, bytes_read, .. } = *block;
        let packed = Packed::with_capacity(block.bytes.len());
        let mut parsed = Parsed { source, bytes_read, packed, ..Parsed::default() };
        for (number, line) in block.lines() {
            if line.is_some_and(<[u8]>::is_empty) {
                continue;
            }
            parsed.lines += 1;
            let taken = line
                .ok_or_else(|| format!("it has more than {MAX_LINE_BYTES} bytes"))
                .and_then(Record::parse)
                .and_then(|record| self.take(&mut parsed, &record, number));
            if let Err(reason) = taken {
                parsed.bad_lines += 1;
                if parsed.bad_lines <= self.told_bad_lines {
                    parsed.told_bad_lines.push((number, shown(&reason)));
                }
            }
        }
        parsed
    }

    fn take(&mut self, parsed: &mut Parsed, record: &Record<'_>, line: u64) -> Result<(), String> {
        let database = shard(&record.object_id, self.shards);
        let micros = record.micros.unwrap_or_else(|| self.started.as_microsecond());
        let places = &mut parsed.places;
        let mut new_place = |event| {
            places.push(Place { database, event });
            places.len() - 1
        };
        let place = match &record.kind {
            Kind::Event { name, .. } => {
                let time = Timestamp::from_microsecond(micros).map_err(|error| error.to_string())?;
                let date = self.time_zone.to_datetime(time).date();
                let days = match self.events.get_mut(&**name) {
                    Some(days) => days,
                    None => self.events.entry(name.clone().into_owned()).or_default(),
                };
                *days
                    .entry((date, database))
                    .or_insert_with(|| new_place(Some((name.clone().into_owned(), date))))
            }
            Kind::Profile { .. } => *self.profiles.entry(database).or_insert_with(|| new_place(None)),
        };
        let columns = parsed.packed.pack(record, (parsed.source, line));
        parsed.rows.push(ParsedRow { place, micros, columns, end: parsed.packed.end() });
        Ok(())
    }
}
