//! The one row of each made-up lake file: a time, and a number by which it is found again in what was delivered.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow_schema::{Field, Schema};
use jiff::Timestamp;
use spillway::{
    domain::{Footer, RowCursor, RowGroup, Slice, SliceFile},
    encode::columns,
    ports::{LakeError, RowOrigins, SourcedBatch},
};

/// The property in which a row carries its number.
pub(super) const NUMBER: &str = "n";

/// A file that is not as it should be.
pub(super) fn broken(path: &str, wrong: impl Into<String>) -> LakeError {
    LakeError::Broken { path: path.to_owned(), row: None, wrong: wrong.into() }
}

/// The number in the name of a row's file.
pub(super) fn number_of(path: &str) -> Option<u64> {
    path.rsplit('/').next()?.strip_suffix(".parquet")?.parse().ok()
}

/// The footer of a file of one row.
pub(super) fn footer(bytes: u64) -> Footer {
    let group = RowGroup { rows: 1, bytes, ..RowGroup::default() };
    Footer { row_groups: vec![group], ..Footer::default() }
}

/// The files of a slice that are still to be read, and their places in it.
pub(super) fn files_left(slice: &Slice) -> impl Iterator<Item = (u32, &SliceFile)> {
    let (files, from) = match slice {
        Slice::Events { files, from } => (files.as_slice(), *from),
        Slice::Profiles { .. } => (&[][..], RowCursor::default()),
    };
    (0..).zip(files).skip(from.file as usize)
}

/// The row of the file at this place of a slice.
pub(super) fn row(file: u32, path: &str, number: u64, ts: Timestamp) -> Result<SourcedBatch, LakeError> {
    let ts = TimestampMicrosecondArray::from(vec![ts.as_microsecond()]).with_timezone("UTC");
    let props = StringViewArray::from_iter_values([format!("{{\"{NUMBER}\":{number}}}")]);
    let fields = columns::event_fields();
    let fields = fields
        .into_iter()
        .filter(|field| [columns::TS, columns::EVENT_PROPS].contains(&field.name().as_str()));
    let schema = Schema::new(fields.collect::<Vec<Field>>());
    let arrays: Vec<ArrayRef> = vec![Arc::new(ts), Arc::new(props)];
    let batch = RecordBatch::try_new(Arc::new(schema), arrays);
    let batch = batch.map_err(|error| broken(path, error.to_string()))?;
    Ok(SourcedBatch { batch, origins: RowOrigins::Run(RowCursor { file, row: 0 }) })
}
