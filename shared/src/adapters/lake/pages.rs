//! Pages as they are handed to the Parquet crate: none that claims more than memory allows, and never so many at
//! once that a batch grows large where rows are larger than their row group's average.

use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::paged::{PagedFile, Sequential};

/// The most that a page, and what is held of a row's pages together, takes uncompressed. A row must fit into a
/// file of 100 MB, so no page of one row is larger.
pub(super) const MAX_PAGE_BYTES: u64 = 128 * 1024 * 1024;
/// No page's header is longer than this, statistics included.
const MAX_HEADER_BYTES: u64 = 1024 * 1024;
/// How much of a header is looked at: three fields of up to six bytes.
const LOOKED_AT_BYTES: u64 = 18;

/// What the columns of a row group hold while a batch is read.
#[derive(Debug, Default)]
struct Held {
    /// Of each column in turn.
    columns: Vec<Column>,
    /// Rows a batch is asked for.
    batch_rows: usize,
    /// What a batch may take of pages beyond the first of each column.
    budget_bytes: u64,
    /// The batch was given up because it would have taken more.
    is_over: bool,
}

#[derive(Debug, Default, Clone, Copy)]
struct Column {
    dictionary_bytes: u64,
    /// The page that it is at, and those of the batch before that.
    page_bytes: u64,
    /// Those beyond the first of the batch.
    more_bytes: u64,
    is_begun: bool,
}

/// Watches the pages of a row group.
#[derive(Debug, Clone)]
pub(super) struct PageBudget(Arc<Mutex<Held>>);

impl PageBudget {
    /// Batches of up to `batch_rows` rows may take `budget_bytes` of pages beyond the first of each column.
    pub(super) fn new(leaves: usize, batch_rows: usize, budget_bytes: u64) -> Self {
        let columns = vec![Column::default(); leaves];
        Self(Arc::new(Mutex::new(Held { columns, batch_rows, budget_bytes, is_over: false })))
    }

    /// The next batch begins.
    pub(super) fn begin_batch(&self) {
        for column in &mut self.lock().columns {
            (column.more_bytes, column.is_begun) = (0, false);
        }
    }

    /// Whether the batch was given up for its size.
    pub(super) fn is_over(&self) -> bool {
        self.lock().is_over
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, leaf: usize, page: &Page) -> Result<()> {
        let bytes = page.buffer().len() as u64;
        let mut held = self.lock();
        let column = &mut held.columns[leaf];
        if page.is_dictionary_page() {
            column.dictionary_bytes = bytes;
            // A word of text takes four bytes at least; the crate reserves memory for as many as the header says.
            if u64::from(page.num_values()) > bytes {
                return Err(general(format!(
                    "a dictionary of {bytes} bytes claims {} words",
                    page.num_values()
                )));
            }
        } else if column.is_begun {
            column.page_bytes = column.page_bytes.saturating_add(bytes);
            column.more_bytes = column.more_bytes.saturating_add(bytes);
        } else {
            (column.page_bytes, column.is_begun) = (bytes, true);
        }
        let more = held.columns.iter().fold(0, |sum, column| column.more_bytes.saturating_add(sum));
        let all = held.columns.iter().fold(0, |sum: u64, column| {
            sum.saturating_add(column.dictionary_bytes).saturating_add(column.page_bytes)
        });
        let is_one_row = held.batch_rows <= 1;
        if all > MAX_PAGE_BYTES && is_one_row {
            return Err(general(format!(
                "its row's pages take {all} bytes together, and {MAX_PAGE_BYTES} at most can be read; write the \
                 file with smaller pages"
            )));
        }
        if !is_one_row && (more > held.budget_bytes || all > MAX_PAGE_BYTES) {
            held.is_over = true;
            return Err(general("the batch is too large".to_owned()));
        }
        Ok(())
    }
}

fn general(wrong: String) -> ParquetError {
    ParquetError::General(wrong)
}

/// One row group of a file.
pub(super) struct OneRowGroup<'m> {
    pub(super) paged: PagedFile,
    pub(super) metadata: &'m ParquetMetaData,
    pub(super) group: usize,
    pub(super) budget: PageBudget,
}

impl RowGroups for OneRowGroup<'_> {
    fn num_rows(&self) -> usize {
        usize::try_from(self.metadata.row_group(self.group).num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        let index = self.metadata.page_index().and_then(|index| index.offset_index(self.group, leaf));
        let locations = index.map(|index| index.page_locations().clone());
        let bytes = PageBytes { file: self.paged.clone(), is_indexed: locations.is_some() };
        let column = self.metadata.row_group(self.group).column(leaf);
        let pages = SerializedPageReader::new(Arc::new(bytes), column, self.num_rows(), locations)?;
        let budget = self.budget.clone();
        Ok(Box::new(OneColumn(Some(Box::new(BoundedPages { pages, leaf, budget })))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.metadata
    }
}

struct OneColumn(Option<Box<dyn PageReader>>);

impl Iterator for OneColumn {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for OneColumn {}

/// A column's pages, counted as they are handed on.
struct BoundedPages {
    pages: SerializedPageReader<PageBytes>,
    leaf: usize,
    budget: PageBudget,
}

impl BoundedPages {
    fn counted(&self, page: Option<Page>) -> Result<Option<Page>> {
        page.map(|page| self.budget.take(self.leaf, &page).map(|()| page)).transpose()
    }
}

impl Iterator for BoundedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for BoundedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        self.counted(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.pages.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        let page = self.pages.take_deferred_dictionary()?;
        self.counted(page)
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

/// A file's bytes where pages are read: their headers are looked at before memory is given to what they claim.
struct PageBytes {
    file: PagedFile,
    /// Whether pages are fetched whole, header and all, by the page index.
    is_indexed: bool,
}

impl Length for PageBytes {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for PageBytes {
    type T = PageHeader;

    fn get_read(&self, start: u64) -> Result<PageHeader> {
        Ok(PageHeader { file: self.file.clone(), start, read: None })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if length as u64 > MAX_PAGE_BYTES + MAX_HEADER_BYTES {
            return Err(too_large(length as u64));
        }
        let bytes = self.file.get_bytes(start, length)?;
        if self.is_indexed {
            check_header(&bytes)?;
        }
        Ok(bytes)
    }
}

/// A page's header, looked at when the first byte of it is read; the Parquet crate also opens some that it does
/// not read.
struct PageHeader {
    file: PagedFile,
    start: u64,
    read: Option<Sequential>,
}

impl Read for PageHeader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = match &mut self.read {
            Some(read) => read,
            none => {
                let begin = self.file.upto(self.start, LOOKED_AT_BYTES).map_err(std::io::Error::other)?;
                check_header(&begin).map_err(std::io::Error::other)?;
                none.insert(self.file.get_read(self.start).map_err(std::io::Error::other)?)
            }
        };
        read.read(buffer)
    }
}

fn too_large(bytes: u64) -> ParquetError {
    general(format!(
        "a page of {bytes} bytes, and {MAX_PAGE_BYTES} at most can be read; write the file with smaller pages"
    ))
}

/// Checks the sizes that a page's header claims. In Thrift's compact encoding it begins with three numbers: the
/// page's type, its size uncompressed and its size compressed.
fn check_header(header: &[u8]) -> Result<()> {
    /// The next field, a number of 32 bits.
    const NEXT_I32: u8 = 0x15;
    let unreadable = || general("a page's header that cannot be read".to_owned());
    let mut rest = header;
    for field in 0..3 {
        let (&begin, after) = rest.split_first().ok_or_else(unreadable)?;
        let length = after.iter().take(5).position(|byte| byte & 0x80 == 0).ok_or_else(unreadable)? + 1;
        let coded = (0..length).fold(0_u64, |number, at| number | (u64::from(after[at] & 0x7f) << (7 * at)));
        // Zigzag: even numbers are not negative.
        if begin != NEXT_I32 || coded % 2 == 1 {
            return Err(unreadable());
        }
        if field > 0 && coded / 2 > MAX_PAGE_BYTES {
            return Err(too_large(coded / 2));
        }
        rest = &after[length..];
    }
    Ok(())
}
