//! A text file in the making: rows gather in a block, blocks go into the stored file, which never outgrows
//! its limit (FORMATS, The size limit).

use arrow_array::RecordBatch;

use super::stored::{Stored, UNIT_BYTES};
use super::text::PushText as _;
use super::{EncodeError, FILE_LIMIT_BYTES, FileEncoder, FileOptions, GzipLevel};
use crate::domain::Packaging;

/// Raw bytes that gather before they are compressed. Blocks end at rows, so they are the same however the rows
/// come in batches.
const BLOCK_BYTES: usize = 120 * 1024;

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
    fn head(&self, out: &mut Vec<u8>);

    /// Appends one row.
    fn row(&mut self, batch: &Self::Batch<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// What stands behind the rows.
    fn foot(&self) -> &'static str {
        ""
    }
}

/// [`FileEncoder`] of the text formats.
pub(super) struct TextFile<R> {
    rows: R,
    packaging: Packaging,
    level: GzipLevel,
    limit_bytes: u64,
    stored: Stored,
    /// Rows of which the first `written` bytes are stored; the rest is a block in the making.
    unit: Vec<u8>,
    written: usize,
    has_rows: bool,
    full: bool,
    /// The file is one large row, written whole.
    whole: bool,
}

impl<R: TextRows> TextFile<R> {
    pub(super) fn new(options: &FileOptions, rows: R) -> Self {
        let mut unit = Vec::with_capacity(UNIT_BYTES + 2 * BLOCK_BYTES);
        rows.head(&mut unit);
        let (packaging, level) = (options.packaging, options.gzip_level);
        Self {
            rows,
            packaging,
            level,
            limit_bytes: options.limit_bytes,
            stored: Stored::new(packaging, level),
            unit,
            written: 0,
            has_rows: false,
            full: false,
            whole: false,
        }
    }

    /// Whether the file surely stays within its limit if only the block and the foot follow.
    #[inline]
    fn fits(&self) -> bool {
        let raw = self.unit.len() - self.written + self.rows.foot().len();
        self.stored.worst_bytes(raw as u64) <= self.limit_bytes
    }

    /// Stores the block up to `end`.
    fn write(&mut self, end: usize, out: &mut Vec<u8>) {
        if end > self.written {
            self.stored.write(&self.unit[..end], self.written, out);
            self.written = end;
        }
    }

    /// Ends the unit where it is long enough.
    fn end_unit(&mut self, out: &mut Vec<u8>) {
        // Behind a cut in front of a row, the row itself is still to be written.
        if self.written >= UNIT_BYTES && self.written == self.unit.len() {
            self.stored.end_unit(&mut self.unit, out);
            self.written = 0;
            // One huge row must not cost its memory for the rest of the file.
            self.unit.shrink_to(UNIT_BYTES + 2 * BLOCK_BYTES);
        }
    }

    /// Makes the count exact in front of the row that begins at `start` of the unit, and tries again. Whether
    /// the row is in the file; if not, it is gone from the unit.
    fn fit_exactly(&mut self, start: usize, row: usize, out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        if !self.has_rows {
            return self.fit_first(start, row, out);
        }
        // What is still being compressed counts as if it could not be.
        self.stored.settle(&self.unit, out);
        if self.fits() {
            return Ok(true);
        }
        self.write(start, out);
        self.stored.settle(&self.unit, out);
        let fits = self.fits();
        if !fits {
            self.unit.truncate(start);
        }
        Ok(fits)
    }

    /// What the file's first row really takes is known only by doing it, so it is done beside the file: with what
    /// stands before it stored apart, so that rows may follow; else as a file of this row alone, in one piece.
    fn fit_first(&mut self, start: usize, row: usize, out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        let end = self.unit.len();
        self.unit.push_text(self.rows.foot());
        let unit = self.unit.as_slice();
        let bytes_of = |cuts: &[usize], file: &mut Vec<u8>| {
            let mut trial = Stored::new(self.packaging, self.level);
            for cut in cuts.windows(2).filter(|cut| cut[0] < cut[1]) {
                trial.write(&unit[..cut[1]], cut[0], file);
            }
            trial.finish(unit, file)
        };
        let mut file = Vec::new();
        if bytes_of(&[0, start, end, unit.len()], &mut file) <= self.limit_bytes {
            self.unit.truncate(end);
            self.write(start, out);
            self.write(end, out);
            return Ok(true);
        }
        file.clear();
        if bytes_of(&[0, unit.len()], &mut file) > self.limit_bytes {
            return Err(EncodeError::RowTooLarge { row, limit_bytes: self.limit_bytes });
        }
        out.append(&mut file);
        self.unit = Vec::new();
        self.written = 0;
        (self.full, self.whole) = (true, true);
        Ok(true)
    }
}

impl<R: TextRows> FileEncoder for TextFile<R> {
    fn push(&mut self, batch: &RecordBatch, from: usize, out: &mut Vec<u8>) -> Result<usize, EncodeError> {
        let bound = self.rows.bind(batch)?;
        for row in from..batch.num_rows() {
            if self.full {
                return Ok(row - from);
            }
            let start = self.unit.len();
            self.rows.row(&bound, row, &mut self.unit)?;
            if self.unit.len() - start > ROW_MAX_BYTES {
                return Err(EncodeError::RowTooLarge { row, limit_bytes: self.limit_bytes });
            }
            if !self.fits() && !self.fit_exactly(start, row, out)? {
                self.full = true;
                return Ok(row - from);
            }
            self.has_rows = true;
            if self.unit.len() - self.written >= BLOCK_BYTES {
                self.write(self.unit.len(), out);
            }
            self.end_unit(out);
        }
        Ok(batch.num_rows().saturating_sub(from))
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.whole {
            return Ok(());
        }
        self.unit.push_text(self.rows.foot());
        self.write(self.unit.len(), out);
        within(self.limit_bytes, self.stored.finish(&self.unit, out))
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
