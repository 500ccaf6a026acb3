//! What rows and row groups can cost at most, before it is known what they do cost.

use std::ops::AddAssign;

use crate::encode::json_text::Members;
use crate::encode::record::Value;

/// Levels, lengths, dictionary indexes and numbers of a row's columns beside its texts and its properties.
const ROW_BYTES: u64 = 512;
/// The same for a property: the key's column and the six of the union.
const PROPERTY_BYTES: u64 = 64;
/// A column's part of a row group beside the values: two page headers (64 bytes each), the column's metadata
/// with statistics, its column index and offset index (minima and maxima cut to 64 bytes each).
const COLUMN_BYTES: u64 = 768;
/// A further page: its header, and what the indexes say of it.
const PAGE_BYTES: u64 = 320;
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
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.raw_bytes += other.raw_bytes;
        self.worst_bytes += other.worst_bytes;
    }
}

impl Cost {
    /// A row of these parts.
    pub(super) fn of_row(
        values: &[&[Value<'_>]],
        texts: &[&str],
        properties: &[Option<Members<'_>>],
    ) -> Self {
        let values = values.iter().copied().flatten().map(Value::text_bytes).sum::<usize>();
        let texts = texts.iter().map(|text| text.len()).sum::<usize>();
        let properties = || properties.iter().flatten();
        let data = (values + texts + properties().map(|members| members.text().len()).sum::<usize>()) as u64;
        let entries = properties().map(Members::len).sum::<usize>() as u64;
        let plain = data + ROW_BYTES + PROPERTY_BYTES * entries;
        // Values that do not compress grow by up to one part in 256; pages hold up to 1 MiB or 20,000 rows.
        let pages = PAGE_BYTES * plain / (1 << 19);
        Self { raw_bytes: data + 64 + 8 * entries, worst_bytes: plain + plain / 128 + pages }
    }
}

/// The most that everything but the values of `groups` row groups takes: page headers, indexes, footer.
pub(super) fn frame_bytes(groups: usize) -> u64 {
    FILE_BYTES + groups as u64 * COLUMNS * COLUMN_BYTES
}
