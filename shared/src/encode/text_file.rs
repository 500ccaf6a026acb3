//! A text file in the making: rows gather in a block, blocks go into the stored file, which never outgrows
//! its limit (FORMATS, The size limit).

use arrow_array::RecordBatch;

use super::stored::Stored;
use super::{EncodeError, FILE_LIMIT_BYTES, FileEncoder, FileOptions};
use crate::domain::Packaging;

/// Raw bytes that gather before they are compressed. Blocks end at rows, so they are the same however the rows
/// come in batches.
const BLOCK_BYTES: usize = 128 * 1024;

/// A row's text may not be longer, even if it could be compressed into a file: an encoder's memory is bounded.
pub(super) const ROW_MAX_BYTES: usize = {
    assert!(FILE_LIMIT_BYTES <= u32::MAX as u64);
    #[expect(clippy::cast_possible_truncation, reason = "asserted")]
    {
        FILE_LIMIT_BYTES as usize
    }
};

/// One text format of one content.
pub(super) trait TextRows: Send {
    /// A batch whose columns have been found.
    type Batch<'b>;

    /// Finds the columns of a batch.
    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Self::Batch<'b>, EncodeError>;

    /// What stands before the rows.
    fn head(&self, out: &mut String);

    /// Appends one row.
    fn row(&mut self, batch: &Self::Batch<'_>, row: usize, out: &mut String) -> Result<(), EncodeError>;

    /// What stands behind the rows.
    fn foot(&self) -> &'static str {
        ""
    }
}

/// [`FileEncoder`] of the text formats.
pub(super) struct TextFile<R> {
    rows: R,
    packaging: Packaging,
    limit_bytes: u64,
    stored: Stored,
    block: String,
    has_rows: bool,
    full: bool,
    /// The file is one large row, written whole.
    whole: bool,
}

impl<R: TextRows> TextFile<R> {
    pub(super) fn new(options: &FileOptions, rows: R) -> Self {
        let mut block = String::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 4);
        rows.head(&mut block);
        let (packaging, limit_bytes) = (options.packaging, options.limit_bytes);
        let stored = Stored::new(packaging);
        Self { rows, packaging, limit_bytes, stored, block, has_rows: false, full: false, whole: false }
    }

    /// Whether the file surely stays within its limit if only the block and the foot follow.
    #[inline]
    fn fits(&self) -> bool {
        let raw = self.block.len() + self.rows.foot().len();
        self.stored.worst_bytes(raw as u64) <= self.limit_bytes
    }

    /// Makes the count exact in front of the row that begins at `start` of the block, and tries again. Whether
    /// the row is in the file; if not, it is gone from the block.
    fn fit_exactly(&mut self, start: usize, row: usize, out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        if !self.has_rows {
            return self.fit_first(start, row, out);
        }
        let rest = self.block.split_off(start);
        write_flushed(&mut self.stored, &self.block, out);
        self.block = rest;
        let fits = self.fits();
        if !fits {
            self.block.clear();
        }
        Ok(fits)
    }

    /// What the file's first row really takes is known only by doing it, so it is done beside the file: flushed,
    /// so that rows may follow; else as a file of this row alone, in which no flush costs a byte.
    fn fit_first(&mut self, start: usize, row: usize, out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        let mut file = Vec::new();
        let mut trial = Stored::new(self.packaging);
        let parts = self.block.split_at(start);
        write_flushed(&mut trial, parts.0, &mut file);
        write_flushed(&mut trial, parts.1, &mut file);
        write(&mut trial, self.rows.foot(), &mut file);
        if trial.finish(&mut file) <= self.limit_bytes {
            write_flushed(&mut self.stored, parts.0, out);
            write_flushed(&mut self.stored, parts.1, out);
            self.block.clear();
            return Ok(true);
        }
        file.clear();
        let mut alone = Stored::new(self.packaging);
        write(&mut alone, &self.block, &mut file);
        write(&mut alone, self.rows.foot(), &mut file);
        if alone.finish(&mut file) > self.limit_bytes {
            return Err(EncodeError::RowTooLarge { row, limit_bytes: self.limit_bytes });
        }
        out.append(&mut file);
        self.block.clear();
        (self.full, self.whole) = (true, true);
        Ok(true)
    }
}

fn write(stored: &mut Stored, raw: &str, out: &mut Vec<u8>) {
    if !raw.is_empty() {
        stored.write(raw.as_bytes(), out);
    }
}

fn write_flushed(stored: &mut Stored, raw: &str, out: &mut Vec<u8>) {
    write(stored, raw, out);
    stored.flush(out);
}

impl<R: TextRows> FileEncoder for TextFile<R> {
    fn push(&mut self, batch: &RecordBatch, from: usize, out: &mut Vec<u8>) -> Result<usize, EncodeError> {
        let bound = self.rows.bind(batch)?;
        for row in from..batch.num_rows() {
            if self.full {
                return Ok(row - from);
            }
            let start = self.block.len();
            self.rows.row(&bound, row, &mut self.block)?;
            if self.block.len() - start > ROW_MAX_BYTES {
                return Err(EncodeError::RowTooLarge { row, limit_bytes: self.limit_bytes });
            }
            if !self.fits() && !self.fit_exactly(start, row, out)? {
                self.full = true;
                return Ok(row - from);
            }
            self.has_rows = true;
            if self.block.len() >= BLOCK_BYTES {
                self.stored.write(self.block.as_bytes(), out);
                self.block.clear();
                // One huge row must not cost its memory for the rest of the file.
                self.block.shrink_to(16 * BLOCK_BYTES);
            }
        }
        Ok(batch.num_rows().saturating_sub(from))
    }

    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.whole {
            return Ok(());
        }
        let Self { rows, mut stored, block, limit_bytes, .. } = *self;
        write(&mut stored, &block, out);
        write(&mut stored, rows.foot(), out);
        within(limit_bytes, stored.finish(out))
    }
}

/// The last look at a finished file.
pub(super) fn within(limit_bytes: u64, stored_bytes: u64) -> Result<(), EncodeError> {
    if stored_bytes > limit_bytes {
        let message = format!("the file has {stored_bytes} bytes, its limit is {limit_bytes}");
        return Err(EncodeError::Internal(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
