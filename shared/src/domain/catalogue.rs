//! The catalogue: what an account's lake holds, a document a day and event, and added up a document an event. The list
//! of events and the estimates are served from it, so that nobody waits for the lake.
//!
//! Each lake file counts once. Files are taken in the order of their commits, and a [`CatalogueMark`] says up to which
//! one; it moves in the transaction that adds them. Those that are not settled yet are counted anew each time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{AccountId, DatabaseId, Footer};

/// The most property names that are kept of a day and event, or of an event: the lowest in the order of bytes.
pub const MAX_PROPERTIES: usize = 200;
/// Longer property names are left out: nobody could tell them apart in a list.
pub const MAX_PROPERTY_BYTES: usize = 200;

/// Which records of the lake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Records {
    /// The events of this name, as captured.
    Event(String),
    /// User profiles.
    Profiles,
}

impl Records {
    /// The event's name; none for profiles.
    #[must_use]
    pub fn event_name(&self) -> Option<&str> {
        match self {
            Self::Event(name) => Some(name),
            Self::Profiles => None,
        }
    }
}

/// What one shard holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ShardSums {
    /// Lake files.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their bytes in the lake.
    pub bytes: u64,
}

/// What some lake files hold, added up. Adding knows no order: the same files give the same sums.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sums {
    /// By shard.
    pub shards: BTreeMap<DatabaseId, ShardSums>,
    /// The oldest record's time, where the files tell: an event's `ts`, a profile's `updated_at`.
    pub first_seen: Option<Timestamp>,
    /// The newest record's.
    pub last_seen: Option<Timestamp>,
    /// Names of properties, up to [`MAX_PROPERTIES`].
    pub properties: BTreeSet<String>,
}

impl Sums {
    /// What one file holds. `properties` are the names in its footer, as far as it lists them.
    #[must_use]
    pub fn of_file<'a>(
        database: DatabaseId,
        bytes: u64,
        footer: &Footer,
        properties: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let instant = |micros: i64| Timestamp::from_microsecond(micros).ok();
        let groups = &footer.row_groups;
        let rows = groups.iter().fold(0_u64, |rows, group| rows.saturating_add(group.rows));
        let short = properties.into_iter().filter(|name| name.len() <= MAX_PROPERTY_BYTES);
        let mut sums = Self {
            shards: BTreeMap::from([(database, ShardSums { files: 1, rows, bytes })]),
            first_seen: groups.iter().filter_map(|group| group.oldest_micros).min().and_then(instant),
            last_seen: groups.iter().filter_map(|group| group.newest_micros).max().and_then(instant),
            properties: short.map(ToOwned::to_owned).collect(),
        };
        sums.bound();
        sums
    }

    /// Adds what other files hold.
    pub fn add(&mut self, other: &Self) {
        for (database, more) in &other.shards {
            let shard = self.shards.entry(*database).or_default();
            shard.files = shard.files.saturating_add(more.files);
            shard.rows = shard.rows.saturating_add(more.rows);
            shard.bytes = shard.bytes.saturating_add(more.bytes);
        }
        let firsts = [self.first_seen, other.first_seen];
        self.first_seen = firsts.into_iter().flatten().min();
        self.last_seen = self.last_seen.max(other.last_seen);
        self.properties.extend(other.properties.iter().cloned());
        self.bound();
    }

    /// The lowest names stay, whatever the order in which they came.
    fn bound(&mut self) {
        while self.properties.len() > MAX_PROPERTIES {
            self.properties.pop_last();
        }
    }

    /// Rows of all shards.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.shards.values().fold(0, |rows, shard| rows.saturating_add(shard.rows))
    }

    /// Bytes of all shards, in the lake.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shards.values().fold(0, |bytes, shard| bytes.saturating_add(shard.bytes))
    }
}

/// What the lake holds of an event on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueDay {
    /// Whose.
    pub account: AccountId,
    /// Of which event, or of profiles.
    pub records: Records,
    /// The event's day; of profiles the day, in the account's time zone, on which the lake took them.
    pub date: Date,
    /// How much.
    pub sums: Sums,
}

impl CatalogueDay {
    /// Adds up what is of one day and event; gives each once, in order.
    #[must_use]
    pub fn merged(days: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut merged: BTreeMap<(AccountId, Date, Records), Self> = BTreeMap::new();
        for day in days {
            merged
                .entry((day.account, day.date, day.records.clone()))
                .and_modify(|known| known.sums.add(&day.sums))
                .or_insert(day);
        }
        merged.into_values().collect()
    }
}

/// What the lake holds of an event on all days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueTotal {
    /// Whose.
    pub account: AccountId,
    /// Of which event, or of profiles.
    pub records: Records,
    /// The first day of which there are files.
    pub first_day: Date,
    /// The last day.
    pub last_day: Date,
    /// How much.
    pub sums: Sums,
}

impl CatalogueTotal {
    /// Adds what there is of the same event on other days, or of other files.
    pub fn add(&mut self, other: &Self) {
        self.first_day = self.first_day.min(other.first_day);
        self.last_day = self.last_day.max(other.last_day);
        self.sums.add(&other.sums);
    }

    /// Adds days to the totals of their events; gives each once, in order.
    #[must_use]
    pub fn merged<'a>(
        totals: impl IntoIterator<Item = Self>,
        days: impl IntoIterator<Item = &'a CatalogueDay>,
    ) -> Vec<Self> {
        let mut merged: BTreeMap<(AccountId, Records), Self> =
            totals.into_iter().map(|total| ((total.account, total.records.clone()), total)).collect();
        for day in days.into_iter().map(Self::from) {
            merged
                .entry((day.account, day.records.clone()))
                .and_modify(|total| total.add(&day))
                .or_insert(day);
        }
        merged.into_values().collect()
    }
}

impl From<&CatalogueDay> for CatalogueTotal {
    fn from(day: &CatalogueDay) -> Self {
        let CatalogueDay { account, records, date, sums } = day.clone();
        Self { account, records, first_day: date, last_day: date, sums }
    }
}

/// Up to which file the catalogue counts: files come in the order of their commits, those of one instant in the order of
/// their paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueMark {
    /// All that was committed before it counts.
    pub upto: Timestamp,
    /// Of those committed just then, the last one that counts; none: all of them.
    pub path: Option<String>,
}

impl CatalogueMark {
    /// Whether a file counts already.
    #[must_use]
    pub fn covers(&self, committed: Timestamp, path: &str) -> bool {
        let has_path = || self.path.as_deref().is_none_or(|last| path <= last);
        committed < self.upto || (committed == self.upto && has_path())
    }
}

/// Who defines an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The platform raises it by itself.
    System,
    /// The customer does.
    Custom,
}

/// The events that the platform raises by itself, or for which it fixes the name. The only place that names them.
pub const SYSTEM_EVENTS: [&str; 25] = [
    "App Installed",
    "App Launched",
    "App Uninstalled",
    "App Version Changed",
    "Channel Subscribed",
    "Channel Unsubscribed",
    "Charged",
    "Geocluster Entered",
    "Geocluster Exited",
    "Identity Error",
    "Identity Reset",
    "Identity Set",
    "Notification Clicked",
    "Notification Delivered",
    "Notification Dismissed",
    "Notification Sent",
    "Notification Viewed",
    "Push Impressions",
    "Push Registered",
    "Push Unregistered",
    "Reply Sent",
    "Session Concluded",
    "Session Started",
    "State Transitioned",
    "UTM Visited",
];

impl EventKind {
    /// Who defines an event of this name.
    #[must_use]
    pub fn of(event_name: &str) -> Self {
        if SYSTEM_EVENTS.contains(&event_name) { Self::System } else { Self::Custom }
    }
}

/// An event as customers choose it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueEvent {
    /// As captured.
    pub name: String,
    /// Who defines it.
    pub kind: EventKind,
    /// Rows on all days.
    pub rows: u64,
    /// When the first one happened, where the lake's files tell.
    pub first_seen: Option<Timestamp>,
    /// When the last one happened.
    pub last_seen: Option<Timestamp>,
    /// The first day on which it happened.
    pub first_day: Date,
    /// The last one.
    pub last_day: Date,
    /// Names of its properties, up to [`MAX_PROPERTIES`].
    pub properties: Vec<String>,
}

impl CatalogueEvent {
    /// The event of a total; none for profiles.
    #[must_use]
    pub fn of_total(total: CatalogueTotal) -> Option<Self> {
        let rows = total.sums.rows();
        let Records::Event(name) = total.records else { return None };
        Some(Self {
            kind: EventKind::of(&name),
            name,
            rows,
            first_seen: total.sums.first_seen,
            last_seen: total.sums.last_seen,
            first_day: total.first_day,
            last_day: total.last_day,
            properties: total.sums.properties.into_iter().collect(),
        })
    }
}

#[cfg(test)]
mod tests;
