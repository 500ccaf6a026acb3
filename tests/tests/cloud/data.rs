//! What is in the lake, and what therefore has to be in the bucket.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use jiff::{Timestamp, civil::Date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::domain::{AccountId, Window};
use spillway_tests::harness::{EventRow, FileSpec, LakeFolder};

/// A row and when the lake took it.
#[derive(Debug, Clone)]
struct Taken {
    account: AccountId,
    committed: Timestamp,
    row: EventRow,
}

/// The lake with a ledger of its rows.
pub(crate) struct Data {
    pub(crate) lake: LakeFolder,
    taken: Mutex<Vec<Taken>>,
    next: AtomicUsize,
}

/// Events of the same account, taken at the same instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) account: AccountId,
    pub(crate) committed: Timestamp,
    pub(crate) events: &'a [&'a str],
    pub(crate) days: &'a [Date],
    pub(crate) databases: u8,
    /// In each file: one an event, day and database.
    pub(crate) rows: usize,
}

impl Data {
    pub(crate) fn new(lake: LakeFolder) -> Self {
        Self { lake, taken: Mutex::default(), next: AtomicUsize::new(0) }
    }

    /// Writes files.
    pub(crate) fn write(&self, batch: &Batch<'_>) {
        let Batch { account, committed, .. } = *batch;
        let spec = FileSpec { account, committed, group_rows: 50, lists_keys: true };
        for event in batch.events {
            for day in batch.days {
                for database in 0..batch.databases {
                    let row = |_| {
                        let number = self.next.fetch_add(1, Ordering::Relaxed);
                        let mut rng = StdRng::seed_from_u64(number as u64);
                        EventRow::random(&mut rng, format!("row-{number}"), event, *day, database)
                    };
                    let rows: Vec<_> = (0..batch.rows).map(row).collect();
                    self.lake.write_events(&spec, &rows);
                    self.remember(account, committed, rows);
                }
            }
        }
    }

    /// Notes rows that the lake got otherwise.
    pub(crate) fn remember(&self, account: AccountId, committed: Timestamp, rows: Vec<EventRow>) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.extend(rows.into_iter().map(|row| Taken { account, committed, row }));
    }

    /// The rows that belong to a run of all events.
    pub(crate) fn of(&self, account: AccountId, window: Window) -> Vec<EventRow> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let belongs =
            |taken: &&Taken| taken.account == account && window.takes(taken.committed, Some(taken.row.date));
        taken.iter().filter(belongs).map(|taken| taken.row.clone()).collect()
    }
}
