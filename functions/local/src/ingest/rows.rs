//! Rows on their way to a lake file, packed one behind the other.

use std::collections::HashSet;

use spillway::encode::columns::{EVENT_NUMBERS, IDENTITY};
use spillway::encode::columns::{EVENT_PROPS, EVENT_STRINGS, OBJECT_ID, PROFILE_PROPS, SESSION_PROPS};

use xxhash_rust::xxh3::xxh3_64;

use super::record::{Kind, Record};

/// The text columns of a profile, in the order in which records carry them.
const PROFILE_TEXTS: [&str; 5] = [OBJECT_ID, IDENTITY, "email", "phone", PROFILE_PROPS];

/// The text columns of a dataset, in the order in which records carry them.
pub(super) fn text_columns(is_event: bool) -> Vec<&'static str> {
    if is_event {
        EVENT_STRINGS.into_iter().chain([EVENT_PROPS, SESSION_PROPS]).collect()
    } else {
        PROFILE_TEXTS.to_vec()
    }
}

/// How many of them there are at most.
pub(super) const MAX_TEXTS: usize = EVENT_STRINGS.len() + 2;

/// The number columns of a dataset.
pub(super) fn number_columns(is_event: bool) -> &'static [&'static str] {
    if is_event { &EVENT_NUMBERS } else { &[] }
}

/// Where a row comes from: the input's index and the line, for messages.
pub(super) type Origin = (u32, u64);

/// Packed rows, one behind the other. Their texts are kept as text, so that nobody has to ask again whether they are.
#[derive(Debug, Default)]
pub(super) struct Packed {
    texts: String,
    /// All else: origins, lengths of the texts, numbers, flags.
    rest: Vec<u8>,
}

/// Where a row begins or ends.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct At {
    texts: usize,
    rest: usize,
}

impl Packed {
    /// Room for rows of about so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { texts: String::with_capacity(bytes), rest: Vec::with_capacity(bytes / 4) }
    }

    pub(super) fn end(&self) -> At {
        At { texts: self.texts.len(), rest: self.rest.len() }
    }

    /// The row between two places.
    pub(super) fn row(&self, begin: At, end: At) -> Row<'_> {
        Row { texts: &self.texts[begin.texts..end.texts], rest: &self.rest[begin.rest..end.rest] }
    }

    /// Adds a record. Returns which of its columns have a value.
    pub(super) fn pack(&mut self, record: &Record<'_>, origin: Origin) -> Columns {
        let mut columns = Columns::default();
        self.pack_count(origin.0.into());
        self.pack_count(origin.1);
        for (column, text) in record.texts.iter().enumerate() {
            columns.add(column, text.is_some());
            self.pack_text(text.as_deref());
        }
        self.pack_count(record.identities.len() as u64);
        for identity in &record.identities {
            self.pack_text(Some(identity));
        }
        match &record.kind {
            Kind::Event { numbers, .. } => {
                for (column, number) in numbers.iter().enumerate() {
                    columns.add(record.texts.len() + column, number.is_some());
                    self.rest.push(u8::from(number.is_some()));
                    self.rest.extend(number.iter().flat_map(|number| number.to_le_bytes()));
                }
            }
            Kind::Profile { deleted } => self.rest.push(u8::from(*deleted)),
        }
        columns
    }

    fn pack_text(&mut self, text: Option<&str>) {
        self.pack_count(text.map_or(0, |text| text.len() as u64 + 1));
        self.texts.push_str(text.unwrap_or_default());
    }

    /// Seven bits a byte, the lowest first.
    fn pack_count(&mut self, mut count: u64) {
        while count >= 0x80 {
            self.rest.push((count & 0x7f) as u8 | 0x80);
            count >>= 7;
        }
        self.rest.push(count as u8);
    }

    fn memory_bytes(&self) -> usize {
        self.texts.capacity() + self.rest.capacity()
    }
}

/// Some of a dataset's columns of text and, behind them, of numbers.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Columns(u32);

impl Columns {
    fn add(&mut self, column: usize, is_one: bool) {
        self.0 |= u32::from(is_one) << column;
    }
}

/// The rows of one lake file to be.
#[derive(Debug, Default)]
pub(super) struct Rows {
    packed: Packed,
    /// Those that have a value in any row.
    columns: Columns,
    /// Of each row its time in microseconds and where it begins.
    index: Vec<(i64, At)>,
}

/// What a group takes beside its rows, about: a node of the map of its event, mostly.
const GROUP_BYTES: usize = 1024;

impl Rows {
    /// Adds a row, at `micros`, with values in some columns.
    pub(super) fn push(&mut self, micros: i64, columns: Columns, row: Row<'_>) {
        self.columns.0 |= columns.0;
        self.index.push((micros, self.packed.end()));
        self.packed.texts.push_str(row.texts);
        self.packed.rest.extend_from_slice(row.rest);
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// What they take in memory; nothing before the first one.
    pub(super) fn memory_bytes(&self) -> usize {
        if self.index.is_empty() {
            return 0;
        }
        GROUP_BYTES + self.packed.memory_bytes() + self.index.capacity() * size_of::<(i64, At)>()
    }

    /// A row's bytes, on average.
    pub(super) fn average_bytes(&self) -> usize {
        let At { texts, rest } = self.packed.end();
        (texts + rest) / self.len().max(1)
    }

    /// Of each column of text, and then of numbers, whether any row has a value in it.
    pub(super) fn used_columns(&self, is_event: bool) -> impl Iterator<Item = bool> {
        let Columns(used) = self.columns;
        (0..text_columns(is_event).len() + number_columns(is_event).len())
            .map(move |column| used >> column & 1 == 1)
    }

    /// Whether users come again: two rows a user or more, judged by an eighth of the users.
    pub(super) fn repeat_users(&self) -> bool {
        let (mut rows, mut users) = (0, HashSet::new());
        for (_, _, mut row) in self.iter() {
            let user = xxh3_64(row.text().unwrap_or_default().as_bytes());
            if user.is_multiple_of(8) {
                rows += 1;
                users.insert(user);
            }
        }
        rows >= 2 * users.len()
    }

    /// Sorts events by time; rows of one time keep their order.
    pub(super) fn sort_events(&mut self) {
        self.index.sort_by_key(|(micros, _)| *micros);
    }

    /// Sorts profiles by id, and of each leaves the newest version, the later line where times are equal.
    /// Returns how many versions were left out.
    pub(super) fn sort_profiles(&mut self) -> u64 {
        let id = |at: At| self.unpack(at).1.text().unwrap_or_default();
        // Of two rows the later one begins behind the other in `rest`.
        let mut keyed: Vec<(&str, i64, At)> =
            self.index.iter().map(|(micros, at)| (id(*at), *micros, *at)).collect();
        keyed.sort_unstable_by(|a, b| a.0.cmp(b.0).then_with(|| (b.1, b.2.rest).cmp(&(a.1, a.2.rest))));
        keyed.dedup_by(|older, newer| older.0 == newer.0);
        let before = self.index.len();
        self.index = keyed.into_iter().map(|(_, micros, at)| (micros, at)).collect();
        (before - self.index.len()) as u64
    }

    /// The rows with their times and origins.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, Origin, Row<'_>)> {
        self.index.iter().map(|(micros, at)| {
            let (origin, row) = self.unpack(*at);
            (*micros, origin, row)
        })
    }

    /// The row that begins there, behind its origin.
    fn unpack(&self, begin: At) -> (Origin, Row<'_>) {
        let mut row = self.packed.row(begin, self.packed.end());
        let origin = (u32::try_from(row.count()).unwrap_or_default(), row.count());
        (origin, row)
    }
}

/// Unpacks a row, field after field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'r> {
    texts: &'r str,
    rest: &'r [u8],
}

impl<'r> Row<'r> {
    pub(super) fn text(&mut self) -> Option<&'r str> {
        let length = usize::try_from(self.count().checked_sub(1)?).ok()?;
        let (text, rest) = self.texts.split_at(length);
        self.texts = rest;
        Some(text)
    }

    pub(super) fn count(&mut self) -> u64 {
        let (mut count, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            count |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return count;
            }
        }
    }

    pub(super) fn number(&mut self) -> Option<f64> {
        if self.byte() == 0 {
            return None;
        }
        let (number, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(f64::from_le_bytes(*number))
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() != 0
    }

    fn byte(&mut self) -> u8 {
        let byte = self.rest[0];
        self.rest = &self.rest[1..];
        byte
    }
}
