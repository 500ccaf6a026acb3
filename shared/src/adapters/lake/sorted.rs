//! One sorted profiles file as a source of the merge: the versions it holds of the profiles of a range.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array as _, RecordBatch, StringViewArray, new_null_array};
use arrow_schema::SchemaRef;

use super::broken;
use super::file::{LakeParquet, ReadSizes, RowGroupRows};
use super::footer::last_object_id;
use super::merge::{Held, Version};
use super::source::Medium;
use crate::domain::{Dataset, ProfileFile, ProfileRole, RowCursor};
use crate::encode::columns::{DELETED, OBJECT_ID, UPDATED_AT};
use crate::ports::LakeError;

/// Profiles whose id is greater than `after` and not greater than `upto`.
#[derive(Debug, Clone, Default)]
pub(super) struct IdRange {
    pub(super) after: Option<String>,
    pub(super) upto: Option<String>,
}

impl IdRange {
    fn is_before(&self, id: &str) -> bool {
        self.after.as_deref().is_some_and(|after| id <= after)
    }

    pub(super) fn is_behind(&self, id: &str) -> bool {
        self.upto.as_deref().is_some_and(|upto| id > upto)
    }
}

/// A file's place in the slice.
#[derive(Debug, Clone)]
pub(super) struct Ranked {
    pub(super) file: ProfileFile,
    /// Index into the slice's files.
    pub(super) index: u32,
    /// Its place in the order of commit time, then path.
    pub(super) rank: u32,
}

/// What a source delivers.
#[derive(Debug, Clone)]
pub(super) struct Output {
    /// The columns of every batch; those that a file has not are null.
    pub(super) schema: SchemaRef,
}

/// A file that has profiles of the range, perhaps.
pub(super) struct SortedFile {
    ranked: Ranked,
    range: IdRange,
    output: Output,
    file: LakeParquet,
    groups: VecDeque<(usize, u64)>,
    rows: Option<RowGroupRows>,
    batch: Option<Batch>,
    last_id: Option<String>,
}

struct Batch {
    first_row: u64,
    at: usize,
    ids: StringViewArray,
    rows: RecordBatch,
    output: Option<Arc<RecordBatch>>,
}

impl SortedFile {
    /// Opens a file; none where its statistics tell that it has nothing of the range.
    pub(super) fn open(
        medium: &Medium,
        ranked: Ranked,
        range: IdRange,
        output: Output,
    ) -> Result<Option<Self>, LakeError> {
        let path = &ranked.file.path;
        let columns = wanted(&output, ranked.file.role);
        let file = LakeParquet::open(medium, path, Dataset::Profiles, &columns)?;
        if let Some(rows) = ranked.file.rows {
            file.has_rows(rows)?;
        }
        let parquet = file.parquet();
        let mut first_row = 0;
        let mut groups = VecDeque::new();
        for (group, rows) in file.group_rows().into_iter().enumerate() {
            let last = last_object_id(parquet.file_metadata(), parquet.row_group(group));
            if rows > 0 && !last.is_some_and(|last| range.is_before(&last)) {
                groups.push_back((group, first_row));
            }
            first_row += rows;
        }
        let nothing = groups.is_empty();
        let sorted = Self { ranked, range, output, file, groups, rows: None, batch: None, last_id: None };
        Ok((!nothing).then_some(sorted))
    }

    /// How much memory it takes while it is read, beside its batches.
    pub(super) fn reader_bytes(&self) -> u64 {
        let sizes = self.file.sizes();
        self.groups.iter().map(|(group, _)| sizes.reader_bytes(*group)).max().unwrap_or(0)
    }

    /// The next version of the range.
    pub(super) fn next(&mut self, medium: &Medium, sizes: ReadSizes) -> Result<Option<Version>, LakeError> {
        loop {
            let Some(batch) = &mut self.batch else {
                if self.load(medium, sizes)? {
                    continue;
                }
                return Ok(None);
            };
            if batch.at == batch.ids.len() {
                self.batch = None;
                continue;
            }
            let at = batch.at;
            batch.at += 1;
            let (id, row) = (batch.ids.value(at), batch.first_row + at as u64);
            if let Some(last) = self.last_id.as_deref().filter(|last| *last >= id) {
                let wrong = if last == id {
                    format!("the `object_id` `{id}` stands in the row before, too")
                } else {
                    format!("its rows are not sorted by `object_id`: `{id}` follows `{last}`")
                };
                return Err(broken(&self.ranked.file.path, Some(row), wrong));
            }
            let last = self.last_id.get_or_insert_default();
            last.clear();
            last.push_str(id);
            within_bounds(&self.ranked.file, id, row)?;
            if self.range.is_before(id) {
                continue;
            }
            if self.range.is_behind(id) {
                self.groups.clear();
                (self.rows, self.batch) = (None, None);
                return Ok(None);
            }
            let version = Version {
                id: id.to_owned(),
                micros: batch.rows[UPDATED_AT].as_primitive::<TimestampMicrosecondType>().value(at),
                rank: self.ranked.rank,
                origin: RowCursor { file: self.ranked.index, row },
                held: self.held(at),
            };
            return Ok(Some(version));
        }
    }

    fn held(&mut self, at: usize) -> Held {
        if self.ranked.file.role == ProfileRole::Delivered {
            return Held::Delivered;
        }
        let Some(batch) = &mut self.batch else { return Held::Delivered };
        let deleted = batch.rows.column_by_name(DELETED).map(|deleted| deleted.as_boolean());
        if deleted.is_some_and(|deleted| deleted.is_valid(at) && deleted.value(at)) {
            return Held::Deleted;
        }
        let (rows, schema) = (&batch.rows, &self.output.schema);
        let output = batch.output.get_or_insert_with(|| Arc::new(fill_up(rows, schema)));
        Held::Row(Arc::clone(output), at)
    }

    /// Loads the next batch; whether there was one.
    fn load(&mut self, medium: &Medium, sizes: ReadSizes) -> Result<bool, LakeError> {
        loop {
            if let Some(rows) = &mut self.rows
                && let Some((first_row, rows)) = rows.next_batch()?
            {
                let ids = rows[OBJECT_ID].as_string_view().clone();
                self.batch = Some(Batch { first_row, at: 0, ids, rows, output: None });
                return Ok(true);
            }
            let Some((group, first_row)) = self.groups.pop_front() else { return Ok(false) };
            let skip = if self.last_id.is_none() { self.seek(medium, group, first_row, sizes)? } else { 0 };
            self.rows = Some(self.file.rows(group, first_row, skip, sizes)?);
        }
    }

    /// How many rows of the row group lie before the range, by its ids alone.
    fn seek(
        &mut self,
        medium: &Medium,
        group: usize,
        first_row: u64,
        sizes: ReadSizes,
    ) -> Result<u64, LakeError> {
        if self.range.after.is_none() {
            return Ok(0);
        }
        let ids = LakeParquet::open(medium, self.file.path(), Dataset::Profiles, &[OBJECT_ID])?;
        let mut rows = ids.rows(group, first_row, 0, sizes)?;
        let mut before = 0;
        while let Some((first_of_batch, batch)) = rows.next_batch()? {
            let ids = batch[OBJECT_ID].as_string_view();
            for (id, row) in ids.iter().zip(first_of_batch..) {
                within_bounds(&self.ranked.file, id.unwrap_or_default(), row)?;
            }
            let inside = ids.iter().flatten().position(|id| !self.range.is_before(id));
            before += inside.unwrap_or(ids.len()) as u64;
            if inside.is_some() {
                break;
            }
        }
        Ok(before)
    }
}

/// The chunks of other ranges have passed the file over for the bounds of its ids, so they must hold.
fn within_bounds(file: &ProfileFile, id: &str, row: u64) -> Result<(), LakeError> {
    let is_before = file.first_id.as_deref().is_some_and(|first| id < first);
    let is_behind = file.last_id.as_deref().is_some_and(|last| id > last);
    if is_before || is_behind {
        let wrong = format!(
            "the `object_id` `{id}` lies outside what its footer said when the run was planned; restore it with \
             the same rows"
        );
        return Err(broken(&file.path, Some(row), wrong));
    }
    Ok(())
}

/// The columns that are read of a file: of delivered ones only what suppresses.
fn wanted(output: &Output, role: ProfileRole) -> Vec<&str> {
    let mut columns = vec![OBJECT_ID, UPDATED_AT];
    if role == ProfileRole::Deliver {
        columns.push(DELETED);
        columns.extend(output.schema.fields().iter().map(|field| field.name().as_str()));
    }
    columns
}

/// The output's columns of a batch, null where the file has none.
fn fill_up(rows: &RecordBatch, schema: &SchemaRef) -> RecordBatch {
    let column = |field: &Arc<arrow_schema::Field>| match rows.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), rows.num_rows()),
    };
    let columns = schema.fields().iter().map(column).collect();
    RecordBatch::try_new(Arc::clone(schema), columns)
        .expect("the columns have been brought to the contract's types, and required ones are there")
}
