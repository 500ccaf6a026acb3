//! The rows of an events slice, file after file.

use std::collections::VecDeque;
use std::sync::Arc;

use super::broken;
use super::file::{LakeParquet, ReadSizes, RowGroupRows};
use super::source::Medium;
use crate::domain::{Dataset, RowCursor, SliceFile};
use crate::ports::{LakeError, LakeRows, RowOrigins, SourcedBatch};

/// Over the network every window is a request, so it is worth its wait; all columns together stay below 25 MiB.
const SIZES: ReadSizes = ReadSizes { batch_bytes: 2 * 1024 * 1024, read_ahead_bytes: 1024 * 1024 };

/// Reads an events slice.
pub(super) struct EventRows {
    medium: Arc<Medium>,
    files: Vec<SliceFile>,
    columns: Vec<String>,
    /// The next row.
    cursor: RowCursor,
    open: Option<OpenFile>,
}

struct OpenFile {
    file: LakeParquet,
    /// Row groups that are still to be read, each with its first row within the file and the rows to pass over.
    groups: VecDeque<(usize, u64, u64)>,
    rows: Option<RowGroupRows>,
}

impl EventRows {
    pub(super) fn new(medium: Arc<Medium>, files: Vec<SliceFile>, from: RowCursor, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Self { medium, files, columns, cursor: from, open: None }
    }
}

impl LakeRows for EventRows {
    fn next_batch(&mut self) -> Result<Option<SourcedBatch>, LakeError> {
        loop {
            let Some(slice_file) = self.files.get(self.cursor.file as usize) else { return Ok(None) };
            let open = match &mut self.open {
                Some(open) => open,
                none => {
                    let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
                    none.insert(OpenFile::open(&self.medium, slice_file, self.cursor.row, &columns)?)
                }
            };
            if let Some(batch) = open.next_batch()? {
                let origins = RowOrigins::Run(self.cursor);
                self.cursor.row += batch.num_rows() as u64;
                return Ok(Some(SourcedBatch { batch, origins }));
            }
            self.open = None;
            self.cursor = RowCursor { file: self.cursor.file + 1, row: 0 };
        }
    }
}

impl OpenFile {
    /// Opens a file of the slice at a row, counted within the row groups that belong to the slice.
    fn open(
        medium: &Medium,
        slice_file: &SliceFile,
        from_row: u64,
        columns: &[&str],
    ) -> Result<Self, LakeError> {
        let path = &slice_file.path;
        let file = LakeParquet::open(medium, path, Dataset::Events, columns)?;
        let group_rows = file.group_rows();
        let (first, end) = match slice_file.row_groups {
            Some((first, end)) => (first as usize, end as usize),
            None => (0, group_rows.len()),
        };
        if first > end || end > group_rows.len() {
            let has = group_rows.len();
            let wrong = format!("it has {has} row groups, not those from {first} to {end}; it was replaced");
            return Err(broken(path, None, wrong));
        }
        if let Some(planned) = slice_file.rows {
            let has = file.rows_in_all();
            file.has_rows(planned.of_file)?;
            let (begin, own) = (group_rows[..first].iter().sum(), group_rows[first..end].iter().sum::<u64>());
            if (begin, begin + own) != (planned.first, planned.end) {
                let (from, to) = (planned.first, planned.end);
                let wrong = format!(
                    "its row groups hold other rows now: those from {first} to {end} have the rows from {begin} to \
                     {} of {has}, and had those from {from} to {to} when the run was planned; restore it with the \
                     same row groups",
                    begin + own
                );
                return Err(broken(path, None, wrong));
            }
        }
        let mut file_row: u64 = group_rows[..first].iter().sum();
        let (mut skip, mut groups) = (from_row, VecDeque::new());
        for (group, rows) in group_rows.iter().enumerate().take(end).skip(first) {
            if skip < *rows {
                groups.push_back((group, file_row, skip));
            }
            skip = skip.saturating_sub(*rows);
            file_row += rows;
        }
        if skip > 0 {
            let wrong =
                format!("it ends before row {}, where its next file begins; it was replaced", from_row + 1);
            return Err(broken(path, Some(file_row), wrong));
        }
        Ok(Self { file, groups, rows: None })
    }

    fn next_batch(&mut self) -> Result<Option<arrow_array::RecordBatch>, LakeError> {
        loop {
            if let Some(rows) = &mut self.rows
                && let Some((_, batch)) = rows.next_batch()?
            {
                return Ok(Some(batch));
            }
            let Some((group, first_row, skip)) = self.groups.pop_front() else { return Ok(None) };
            self.rows = Some(self.file.rows(group, first_row, skip, SIZES)?);
        }
    }
}
