//! How many rows a batch of a row group takes on average; `pages` bounds those that are larger than that.

use std::ops::Range;

use parquet::arrow::ProjectionMask;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;

use super::pages::MAX_PAGE_BYTES;

/// No batch has more rows.
const MAX_ROWS: u64 = 4096;

/// The row groups' columns that are read.
pub(super) struct Sizes<'m> {
    pub(super) metadata: &'m ParquetMetaData,
    pub(super) mask: &'m ProjectionMask,
}

impl Sizes<'_> {
    /// The rows of a batch that holds `target_bytes` on average.
    pub(super) fn batch_rows(&self, group: usize, target_bytes: u64) -> usize {
        let rows = non_negative(self.metadata.row_group(group).num_rows()).max(1);
        let bytes = self.columns(group).map(|(_, column, _)| plain_bytes(column));
        let total = bytes.fold(0, u64::saturating_add).max(1);
        usize::try_from((target_bytes.saturating_mul(rows) / total).clamp(1, MAX_ROWS)).unwrap_or(1)
    }

    /// How much memory a reader of this row group holds beside its batch: of every column a page and the
    /// dictionary.
    pub(super) fn reader_bytes(&self, group: usize) -> u64 {
        let held = |(_, column, index): (usize, &ColumnChunkMetaData, Option<&OffsetIndexMetaData>)| {
            let plain = plain_bytes(column);
            let compressed = non_negative(column.compressed_size()).max(1);
            let expanded = |bytes: u64| bytes.saturating_mul(plain) / compressed;
            let Some(pages) = index.map(OffsetIndexMetaData::page_locations) else {
                // How large its pages are is not known: all of it may be one, up to the largest that is read.
                return plain.min(MAX_PAGE_BYTES);
            };
            let largest = pages.iter().map(|page| non_negative(page.compressed_page_size.into())).max();
            let first = pages.first().map_or(0, |page| non_negative(page.offset));
            let dictionary = first.saturating_sub(column.byte_range().0);
            expanded(largest.unwrap_or(0)).saturating_mul(2).saturating_add(expanded(dictionary))
        };
        self.columns(group).map(held).fold(0, u64::saturating_add)
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

    pub(super) fn columns(
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

fn non_negative(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
