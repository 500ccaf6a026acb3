//! What rows and row groups can cost at most, before it is known what they do cost.

use std::ops::AddAssign;

use crate::encode::json_text::{Kind, Members};
use crate::encode::record::Value;

/// Levels, lengths, dictionary indexes and numbers of a row's columns beside its texts and its properties.
const ROW_BYTES: u64 = 512;
/// The same for a property: the key's column and the six of the union.
const PROPERTY_BYTES: u64 = 64;
/// Bytes that an element of `all_identities` takes beside its text.
const ELEMENT_BYTES: u64 = 16;
/// A column's part of a row group beside the values: two page headers (64 bytes each), the column's metadata
/// with statistics, its column index and offset index (minima and maxima cut to 64 bytes each).
const COLUMN_BYTES: u64 = 768;
/// A further page: its header, what compression adds to it, and what the indexes say of it.
const PAGE_BYTES: u64 = 320;
/// Half the size at which a page is ended; pages end at 20,000 rows too, whose `ROW_BYTES` are far more.
const PAGE_LEAST_BYTES: u64 = 512 * 1024;
/// Statistics and column index cut texts to this.
const STATISTICS_BYTES: usize = 64;
/// The leaf columns of an events file, the wider one.
const COLUMNS: u64 = 36;
/// Magic, schema, `created_by`.
const FILE_BYTES: u64 = 4096;

/// What rows cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::encode) struct Cost {
    /// About the bytes of their values; by this the row groups are cut.
    pub(super) raw_bytes: u64,
    /// They never take more than this in the row group before gzip.
    pub(super) worst_bytes: u64,
    /// What can come on top of the writer's own estimate of a row group.
    around_bytes: u64,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.raw_bytes += other.raw_bytes;
        self.worst_bytes += other.worst_bytes;
        self.around_bytes += other.around_bytes;
    }
}

impl Cost {
    /// A row of these parts.
    pub(super) fn of_row(
        fields: &[&[Value<'_>]],
        texts: &[&str],
        properties: &[Option<Members<'_>>],
    ) -> Self {
        let (mut data, mut statistics, mut fixed, mut entries) = (0, 0, 0, 0);
        let mut add_text = |text: &str| {
            data += text.len() as u64 + ELEMENT_BYTES;
            statistics += statistics_bytes(text);
            fixed += 1;
        };
        texts.iter().copied().for_each(&mut add_text);
        for value in fields.iter().copied().flatten() {
            match value {
                Value::Text(text) => add_text(text),
                Value::Texts(texts) => texts.iter().for_each(&mut add_text),
                Value::Absent | Value::Number(_) => {}
            }
        }
        for members in properties.iter().flatten() {
            data += members.text().len() as u64;
            entries += members.len() as u64;
            for member in members.longer_than(STATISTICS_BYTES) {
                statistics += statistics_bytes(member.raw_key);
                if member.kind == Kind::String {
                    statistics += statistics_bytes(&member.value[1..]);
                }
            }
        }
        let fields: usize = fields.iter().map(|fields| fields.len()).sum();

        let plain = data + ROW_BYTES + PROPERTY_BYTES * entries + statistics;
        // Values that do not compress grow by up to one part in 256.
        let pages = PAGE_BYTES * plain / PAGE_LEAST_BYTES;
        // The estimate has no levels: up to three bits each and the runs' lengths. And the dictionary indexes
        // that it has can still become wider, up to twenty bits, for all values that are not null.
        let values = fixed + fields as u64 + 3 + 2 * entries;
        let levels = COLUMNS / 2 + values + 6 * entries;
        Self {
            raw_bytes: data + 64 + 8 * entries,
            worst_bytes: plain + plain / 128 + pages,
            around_bytes: statistics + pages + levels + values * 5 / 2,
        }
    }

    /// The most that rows of this cost take, of which the writer says that they take `estimate_bytes`.
    pub(super) fn with_estimate(self, estimate_bytes: usize) -> u64 {
        let estimate = estimate_bytes as u64;
        self.worst_bytes.min(estimate + estimate / 128 + self.around_bytes)
    }
}

/// What a text adds to statistics and column index when it is a page's maximum. They cut it to 64 bytes and
/// count its last character up, which fails when none of the 64 bytes' characters has a successor of its own
/// length; then they keep all of it, in both places. Looking at the first character (or at an escape, which
/// may be anything) is enough for a bound.
#[inline]
fn statistics_bytes(raw_text: &str) -> u64 {
    let cannot_grow =
        |first| matches!(first, '\\' | '\u{7F}' | '\u{7FF}' | '\u{D7FF}' | '\u{FFFF}' | '\u{10FFFF}');
    if raw_text.len() > STATISTICS_BYTES && raw_text.starts_with(cannot_grow) {
        2 * raw_text.len() as u64
    } else {
        0
    }
}

/// The most that everything but the values of `groups` row groups takes: page headers, indexes, footer.
pub(super) fn frame_bytes(groups: usize) -> u64 {
    FILE_BYTES + groups as u64 * COLUMNS * COLUMN_BYTES
}
