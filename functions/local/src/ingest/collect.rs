//! Rows collected by lake file to be, within a budget of memory.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;

use jiff::civil::Date;
use spillway::domain::DatabaseId;

use super::IngestOptions;
use super::parse::Parsed;
use super::rows::Rows;

/// Rows for one lake file.
pub(super) struct Flush {
    /// Which one of the ingest, in the order of the input.
    pub(super) number: u64,
    pub(super) place: Place,
    pub(super) rows: Rows,
}

/// Which folder, but for the hour.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) database: DatabaseId,
    /// None for profiles.
    pub(super) event: Option<(String, Date)>,
}

/// One flush is not more than this part of the budget.
const GROUP_SHARE: usize = 4;

/// Collects rows and hands groups of them on.
pub(super) struct Collector<'a> {
    options: &'a IngestOptions<'a>,
    events: BTreeMap<String, BTreeMap<(Date, DatabaseId), Rows>>,
    profiles: BTreeMap<DatabaseId, Rows>,
    memory_bytes: usize,
    handed_on: u64,
    /// None once the writer has gone.
    flushes: Option<SyncSender<Flush>>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(options: &'a IngestOptions<'a>, flushes: SyncSender<Flush>) -> Self {
        Self {
            options,
            events: BTreeMap::new(),
            profiles: BTreeMap::new(),
            memory_bytes: 0,
            handed_on: 0,
            flushes: Some(flushes),
        }
    }

    /// Whether the writer has gone, because it failed.
    pub(super) fn is_stopped(&self) -> bool {
        self.flushes.is_none()
    }

    /// Takes the rows of a block.
    pub(super) fn take(&mut self, parsed: &Parsed) {
        // Out of the maps meanwhile, so that each group is looked up twice a block and not once a row.
        let mut groups: Vec<Rows> =
            parsed.places.iter().map(|place| std::mem::take(self.group(place))).collect();
        self.memory_bytes -= groups.iter().map(Rows::memory_bytes).sum::<usize>();
        for (place, micros, columns, row) in parsed.rows() {
            groups[place].push(micros, columns, row);
        }
        for (place, rows) in parsed.places.iter().zip(groups) {
            let memory_bytes = rows.memory_bytes();
            if memory_bytes > self.options.memory_bytes / GROUP_SHARE {
                self.hand_on(place.clone(), rows);
            } else {
                self.memory_bytes += memory_bytes;
                *self.group(place) = rows;
            }
        }
        if self.memory_bytes > self.options.memory_bytes {
            self.flush_largest(self.options.memory_bytes / 2);
        }
    }

    fn group(&mut self, place: &Place) -> &mut Rows {
        let Some((name, date)) = &place.event else {
            return self.profiles.entry(place.database).or_default();
        };
        // Not `entry` alone, which wants a name of its own each time.
        if !self.events.contains_key(name) {
            self.memory_bytes += name.len();
            self.events.insert(name.clone(), BTreeMap::new());
        }
        let days = self.events.get_mut(name).expect("it was put there, if it was not there");
        days.entry((*date, place.database)).or_default()
    }

    /// Hands on all that is left, and lets the writer end.
    pub(super) fn finish(&mut self) {
        self.flush_at_least(0);
        self.flushes = None;
    }

    /// Hands on the largest groups until the rest takes no more than `rest_bytes`.
    fn flush_largest(&mut self, rest_bytes: usize) {
        let events = self.events.values().flat_map(BTreeMap::values);
        let mut sizes: Vec<usize> = events.chain(self.profiles.values()).map(Rows::memory_bytes).collect();
        sizes.sort_unstable_by_key(|size| std::cmp::Reverse(*size));
        let mut rest = self.memory_bytes;
        let smallest = sizes.iter().find(|size| {
            rest = rest.saturating_sub(**size);
            rest <= rest_bytes
        });
        self.flush_at_least(smallest.copied().unwrap_or(0));
    }

    fn flush_at_least(&mut self, size: usize) {
        let (mut events, mut profiles) =
            (std::mem::take(&mut self.events), std::mem::take(&mut self.profiles));
        events.retain(|name, days| {
            days.retain(|(date, database), rows| {
                let place = || Place { database: *database, event: Some((name.clone(), *date)) };
                self.keep_or_hand_on(rows, size, place)
            });
            if days.is_empty() {
                self.memory_bytes = self.memory_bytes.saturating_sub(name.len());
            }
            !days.is_empty()
        });
        profiles.retain(|database, rows| {
            self.keep_or_hand_on(rows, size, || Place { database: *database, event: None })
        });
        (self.events, self.profiles) = (events, profiles);
    }

    /// Whether the group is kept.
    fn keep_or_hand_on(&mut self, rows: &mut Rows, size: usize, place: impl Fn() -> Place) -> bool {
        let memory_bytes = rows.memory_bytes();
        if memory_bytes < size {
            return true;
        }
        if rows.len() > 0 {
            self.memory_bytes = self.memory_bytes.saturating_sub(memory_bytes);
            self.hand_on(place(), std::mem::take(rows));
        }
        false
    }

    fn hand_on(&mut self, place: Place, rows: Rows) {
        let number = self.handed_on;
        self.handed_on += 1;
        let flush = Flush { number, place, rows };
        if self.flushes.as_ref().is_none_or(|flushes| flushes.send(flush).is_err()) {
            self.flushes = None;
        }
    }
}
