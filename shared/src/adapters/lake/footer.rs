//! What planning and the catalogue read of a file: its footer.

use parquet::basic::{ColumnOrder, ConvertedType, LogicalType, SortOrder, TimeUnit};
use parquet::file::metadata::{FileMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use parquet::schema::types::SchemaDescPtr;

use super::file::{guarded, read_metadata, read_row_groups};
use super::paged::PagedFile;
use super::source::Medium;
use crate::domain::{Footer, RowGroup};
use crate::encode::columns::{OBJECT_ID, TS, UPDATED_AT};
use crate::ports::LakeError;

/// Reads a file's end. Blocking.
pub(super) fn read(medium: &Medium, path: &str) -> Result<Footer, LakeError> {
    let paged = PagedFile::new(medium.open(path)?);
    guarded(path, None, || read_footer(&paged, path))?
}

/// How many rows each of some files has; none where that cannot be read. Blocking.
pub(super) fn row_counts(medium: &Medium, paths: &[String]) -> Result<Vec<Option<u64>>, LakeError> {
    let mut schema = None;
    let count = |path: &String| match row_count(medium, path, &mut schema) {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if error.is_passing() => Err(error),
        Err(_) => Ok(None),
    };
    paths.iter().map(count).collect()
}

/// Most of the time goes into reading a schema, and the files of a lake have the same one. Of a count it does not matter
/// whether that is so: with too many or too few columns the footer is refused, and read with its own.
fn row_count(medium: &Medium, path: &str, schema: &mut Option<SchemaDescPtr>) -> Result<u64, LakeError> {
    let paged = PagedFile::new(medium.open(path)?);
    let read = |schema: Option<SchemaDescPtr>| guarded(path, None, || read_row_groups(&paged, path, schema))?;
    let metadata = match schema.clone().map(|schema| read(Some(schema))) {
        Some(Ok(metadata)) => metadata,
        _ => read(None)?,
    };
    *schema = Some(metadata.file_metadata().schema_descr_ptr());
    let rows = |group: &RowGroupMetaData| u64::try_from(group.num_rows()).unwrap_or(0);
    Ok(metadata.row_groups().iter().map(rows).fold(0, u64::saturating_add))
}

fn read_footer(paged: &PagedFile, path: &str) -> Result<Footer, LakeError> {
    let metadata = read_metadata(paged, path)?;
    let file = metadata.file_metadata();
    let value = |key: &str| {
        let entry = file.key_value_metadata()?.iter().find(|entry| entry.key == key)?;
        entry.value.clone()
    };
    Ok(Footer {
        event_name: value("spillway.event_name"),
        property_keys: value("spillway.property_keys"),
        row_groups: metadata.row_groups().iter().map(|group| row_group(file, group)).collect(),
    })
}

fn row_group(file: &FileMetaData, group: &RowGroupMetaData) -> RowGroup {
    let is_profiles = group.columns().iter().any(|column| column.column_path().parts() == [UPDATED_AT]);
    let times = micros(group, if is_profiles { UPDATED_AT } else { TS });
    RowGroup {
        rows: u64::try_from(group.num_rows()).unwrap_or(0),
        bytes: u64::try_from(group.compressed_size()).unwrap_or(0),
        first_object_id: is_profiles.then(|| first_object_id(file, group)).flatten(),
        last_object_id: is_profiles.then(|| last_object_id(file, group)).flatten(),
        newest_micros: times.map(|(_, newest)| newest),
        oldest_micros: times.map(|(oldest, _)| oldest),
    }
}

fn column<'g>(group: &'g RowGroupMetaData, name: &str) -> Option<(usize, &'g Statistics)> {
    let leaf = group.columns().iter().position(|column| column.column_path().parts() == [name])?;
    Some((leaf, group.column(leaf).statistics()?))
}

/// Longer bounds of ids are not used: plans keep them.
const MAX_ID_BYTES: usize = 1024;

/// A lower bound of the row group's ids in the order of bytes.
fn first_object_id(file: &FileMetaData, group: &RowGroupMetaData) -> Option<String> {
    id_bound(id_statistics(file, group)?.min_bytes_opt()?)
}

/// An upper bound of the row group's ids in the order of bytes. Cut-off maxima are bounds too; those of writers
/// that did not say in which order they compare are not.
pub(super) fn last_object_id(file: &FileMetaData, group: &RowGroupMetaData) -> Option<String> {
    id_bound(id_statistics(file, group)?.max_bytes_opt()?)
}

fn id_statistics<'g>(file: &FileMetaData, group: &'g RowGroupMetaData) -> Option<&'g Statistics> {
    let (leaf, statistics) = column(group, OBJECT_ID)?;
    let ordered = file.column_order(leaf) == ColumnOrder::TYPE_DEFINED_ORDER(SortOrder::UNSIGNED);
    let usable =
        ordered && !statistics.is_min_max_deprecated() && matches!(statistics, Statistics::ByteArray(_));
    usable.then_some(statistics)
}

fn id_bound(bytes: &[u8]) -> Option<String> {
    (bytes.len() <= MAX_ID_BYTES).then(|| String::from_utf8(bytes.to_vec()).ok()).flatten()
}

/// The oldest and the newest time of a column, where they are microseconds.
fn micros(group: &RowGroupMetaData, name: &str) -> Option<(i64, i64)> {
    let (leaf, statistics) = column(group, name)?;
    let description = group.column(leaf).column_descr();
    let is_micros = match description.logical_type_ref() {
        Some(LogicalType::Timestamp(timestamp)) => timestamp.unit == TimeUnit::MICROS,
        _ => description.converted_type() == ConvertedType::TIMESTAMP_MICROS,
    };
    match statistics {
        Statistics::Int64(values) if is_micros => Some((*values.min_opt()?, *values.max_opt()?)),
        _ => None,
    }
}
