//! How many rows a batch of a row group takes: few where rows are large, whatever the row group's size.

use std::ops::Range;

use parquet::arrow::ProjectionMask;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;

/// No batch has more rows.
const MAX_ROWS: u64 = 4096;
/// How much more than the average batch one may hold where a page's rows are larger than its row group's.
const DENSE: u64 = 8;
/// What a page holds, and a dictionary, where a file does not say.
const USUAL_PAGE_BYTES: u64 = 1024 * 1024;

/// The row groups' columns that are read.
pub(super) struct Sizes<'m> {
    pub(super) metadata: &'m ParquetMetaData,
    pub(super) mask: &'m ProjectionMask,
}

impl Sizes<'_> {
    /// The rows of a batch that holds `target_bytes` on average.
    pub(super) fn batch_rows(&self, group: usize, target_bytes: u64) -> usize {
        let rows = non_negative(self.metadata.row_group(group).num_rows()).max(1);
        let (mut total, mut densest) = (0, 0);
        for (_, column, index) in self.columns(group) {
            let plain = plain_bytes(column);
            total += plain;
            densest += index.map_or(0, |index| densest_row_bytes(column, index, plain, rows));
        }
        let average = (target_bytes.saturating_mul(rows) / total.max(1)).clamp(1, MAX_ROWS);
        let dense = (target_bytes * DENSE) / densest.max(1);
        usize::try_from(average.min(dense.max(1))).unwrap_or(1)
    }

    /// How much memory a reader of this row group holds beside its batch: of every column a page and the
    /// dictionary.
    pub(super) fn reader_bytes(&self, group: usize) -> u64 {
        let held = |(_, column, index): (usize, &ColumnChunkMetaData, Option<&OffsetIndexMetaData>)| {
            let plain = plain_bytes(column);
            let compressed = non_negative(column.compressed_size()).max(1);
            let expanded = |bytes: u64| bytes.saturating_mul(plain) / compressed;
            let Some(pages) = index.map(OffsetIndexMetaData::page_locations) else {
                return plain.min(2 * USUAL_PAGE_BYTES);
            };
            let largest = pages.iter().map(|page| non_negative(page.compressed_page_size.into())).max();
            let first = pages.first().map_or(0, |page| non_negative(page.offset));
            let dictionary = first.saturating_sub(column.byte_range().0);
            2 * expanded(largest.unwrap_or(0)) + expanded(dictionary)
        };
        self.columns(group).map(held).sum()
    }

    /// Where the columns lie in the file.
    pub(super) fn chunks(&self, group: usize) -> Vec<Range<u64>> {
        let range = |(start, bytes): (u64, u64)| start..start.saturating_add(bytes);
        self.columns(group).map(|(_, column, _)| range(column.byte_range())).collect()
    }

    /// Whether the pages lie one behind the other within their columns, as the Parquet crate takes for granted.
    pub(super) fn has_sound_index(&self, group: usize) -> bool {
        let rows = self.metadata.row_group(group).num_rows();
        self.columns(group).all(|(_, column, index)| {
            let Some(index) = index else { return true };
            let (start, bytes) = column.byte_range();
            let (mut at, mut row) = (start, 0);
            for (place, page) in index.page_locations().iter().enumerate() {
                let follows = non_negative(page.offset) >= at && page.compressed_page_size > 0;
                let rises = if place == 0 { page.first_row_index == 0 } else { page.first_row_index >= row };
                if page.offset < 0 || !follows || !rises || page.first_row_index >= rows {
                    return false;
                }
                at = non_negative(page.offset).saturating_add(non_negative(page.compressed_page_size.into()));
                row = page.first_row_index;
            }
            at <= start.saturating_add(bytes)
        })
    }

    fn columns(
        &self,
        group: usize,
    ) -> impl Iterator<Item = (usize, &ColumnChunkMetaData, Option<&OffsetIndexMetaData>)> {
        let columns = self.metadata.row_group(group).columns().iter().enumerate();
        columns.filter(|(leaf, _)| self.mask.leaf_included(*leaf)).map(move |(leaf, column)| {
            let index = self.metadata.page_index().and_then(|index| index.offset_index(group, leaf));
            (leaf, column, index)
        })
    }
}

/// The column's bytes as an encoder sees them: a dictionary's words are counted as often as they occur, where
/// the file tells.
fn plain_bytes(column: &ColumnChunkMetaData) -> u64 {
    let unencoded = column.unencoded_byte_array_data_bytes().unwrap_or(0);
    non_negative(column.uncompressed_size()).max(non_negative(unencoded))
}

/// The bytes of a row on the page where rows are largest.
fn densest_row_bytes(
    column: &ColumnChunkMetaData,
    index: &OffsetIndexMetaData,
    plain: u64,
    group_rows: u64,
) -> u64 {
    let compressed = non_negative(column.compressed_size()).max(1);
    let pages = index.page_locations();
    let unencoded = index.unencoded_byte_array_data_bytes();
    let row_bytes = |at: usize| {
        let first = non_negative(pages[at].first_row_index);
        let next = pages.get(at + 1).map_or(group_rows, |page| non_negative(page.first_row_index));
        let bytes = match unencoded.and_then(|bytes| bytes.get(at)) {
            Some(bytes) => non_negative(*bytes),
            None => non_negative(pages[at].compressed_page_size.into()).saturating_mul(plain) / compressed,
        };
        bytes / next.saturating_sub(first).max(1)
    };
    (0..pages.len()).map(row_bytes).max().unwrap_or(0)
}

fn non_negative(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
