//! Rows on their way to a lake file, packed one behind the other.

use spillway::encode::columns::{EVENT_NUMBERS, IDENTITY};
use spillway::encode::columns::{EVENT_PROPS, EVENT_STRINGS, OBJECT_ID, PROFILE_PROPS, SESSION_PROPS};

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

/// Packed rows of one lake file to be.
#[derive(Debug, Default)]
pub(super) struct Rows {
    bytes: Vec<u8>,
    /// Of each row its time in microseconds and where it begins.
    index: Vec<(i64, usize)>,
}

/// What a group takes beside its rows, about: a node of the map of its event, mostly.
const GROUP_BYTES: usize = 1024;

/// Packs a record behind `bytes`.
pub(super) fn pack(bytes: &mut Vec<u8>, record: &Record<'_>, origin: Origin) {
    pack_count(bytes, origin.0.into());
    pack_count(bytes, origin.1);
    for text in &record.texts {
        pack_text(bytes, text.as_deref());
    }
    pack_count(bytes, record.identities.len() as u64);
    for identity in &record.identities {
        pack_text(bytes, Some(identity));
    }
    match &record.kind {
        Kind::Event { numbers, .. } => {
            for number in numbers {
                bytes.push(u8::from(number.is_some()));
                bytes.extend(number.iter().flat_map(|number| number.to_le_bytes()));
            }
        }
        Kind::Profile { deleted } => bytes.push(u8::from(*deleted)),
    }
}

fn pack_text(bytes: &mut Vec<u8>, text: Option<&str>) {
    pack_count(bytes, text.map_or(0, |text| text.len() as u64 + 1));
    bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
}

/// Seven bits a byte, the lowest first.
fn pack_count(bytes: &mut Vec<u8>, mut count: u64) {
    while count >= 0x80 {
        bytes.push((count & 0x7f) as u8 | 0x80);
        count >>= 7;
    }
    bytes.push(count as u8);
}

impl Rows {
    /// Adds a packed row of so many text columns, at `micros`.
    pub(super) fn push(&mut self, micros: i64, row: &[u8], texts: usize) {
        self.index.push((micros, self.bytes.len()));
        if self.bytes.capacity() - self.bytes.len() >= row.len() {
            self.bytes.extend_from_slice(row);
        } else {
            self.grow_by(row, texts);
        }
    }

    /// Adds a row field by field. How much room that makes decides when a file is full, and as rows have always been
    /// added so, files still end where they did.
    fn grow_by(&mut self, row: &[u8], texts: usize) {
        let (mut left, mut added) = (Row { bytes: row }, 0);
        let mut add = |left: &Row<'_>, text: Option<&str>| {
            let end = row.len() - left.bytes.len();
            let before = end - text.map_or(0, str::len);
            row[added..before].iter().for_each(|byte| self.bytes.push(*byte));
            self.bytes.extend_from_slice(&row[before..end]);
            added = end;
        };
        // The origin.
        left.count();
        left.count();
        for _ in 0..texts {
            let text = left.text();
            add(&left, text);
        }
        for _ in 0..left.count() {
            let text = left.text();
            add(&left, text);
        }
        add(&Row { bytes: &[] }, None);
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// What they take in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        GROUP_BYTES + self.bytes.capacity() + self.index.capacity() * size_of::<(i64, usize)>()
    }

    /// A row's bytes, on average.
    pub(super) fn average_bytes(&self) -> usize {
        self.bytes.len() / self.len().max(1)
    }

    /// Sorts events by time; rows of one time keep their order.
    pub(super) fn sort_events(&mut self) {
        self.index.sort_by_key(|(micros, _)| *micros);
    }

    /// Sorts profiles by id, and of each leaves the newest version, the later line where times are equal.
    /// Returns how many versions were left out.
    pub(super) fn sort_profiles(&mut self) -> u64 {
        let bytes = &self.bytes;
        let id = |at: usize| Row::begin(&bytes[at..]).1.text().unwrap_or_default();
        let mut keyed: Vec<(&str, i64, usize)> =
            self.index.iter().map(|(micros, at)| (id(*at), *micros, *at)).collect();
        keyed.sort_unstable_by(|a, b| a.0.cmp(b.0).then_with(|| (b.1, b.2).cmp(&(a.1, a.2))));
        keyed.dedup_by(|older, newer| older.0 == newer.0);
        let before = self.index.len();
        self.index = keyed.into_iter().map(|(_, micros, at)| (micros, at)).collect();
        (before - self.index.len()) as u64
    }

    /// The rows with their times and origins.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, Origin, Row<'_>)> {
        self.index.iter().map(|(micros, at)| {
            let (origin, row) = Row::begin(&self.bytes[*at..]);
            (*micros, origin, row)
        })
    }
}

/// Unpacks a row, field after field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'r> {
    bytes: &'r [u8],
}

impl<'r> Row<'r> {
    fn begin(bytes: &'r [u8]) -> (Origin, Self) {
        let mut row = Self { bytes };
        let origin = (u32::try_from(row.count()).unwrap_or_default(), row.count());
        (origin, row)
    }

    pub(super) fn text(&mut self) -> Option<&'r str> {
        let length = usize::try_from(self.count().checked_sub(1)?).ok()?;
        let (text, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        Some(std::str::from_utf8(text).expect("it was text when it was packed"))
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
        let (number, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(f64::from_le_bytes(*number))
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() != 0
    }

    fn byte(&mut self) -> u8 {
        let byte = self.bytes[0];
        self.bytes = &self.bytes[1..];
        byte
    }
}
