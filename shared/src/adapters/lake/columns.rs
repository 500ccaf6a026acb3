//! The lake's columns within a Parquet file: whether they are as the contract says (FORMATS, The lake's
//! columns), and how they are read.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, ListArray, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::basic::ConvertedType;
use parquet::schema::types::SchemaDescriptor;

use crate::domain::Dataset;
use crate::encode::columns::{event_fields, must_exist, profile_fields};

/// Those of a file's columns that are read.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    /// Contract fields, in the file's order.
    schema: SchemaRef,
    /// The Parquet crate checks text for UTF-8 only where the older annotation says so; else we do.
    unchecked_text: Vec<bool>,
    /// How the crate is to read the whole file.
    pub(super) hint: SchemaRef,
    /// Which columns.
    pub(super) mask: ProjectionMask,
}

impl Columns {
    /// The wanted ones among the columns of a file, whose Arrow types are those of its Parquet schema alone.
    /// All columns of the dataset are checked, whether wanted or not.
    pub(super) fn of(
        parquet: &SchemaDescriptor,
        arrow: &Schema,
        dataset: Dataset,
        wanted: &[&str],
    ) -> Result<Self, String> {
        let contract = match dataset {
            Dataset::Events => event_fields(),
            Dataset::Profiles => profile_fields(),
        };
        let mut hint: Vec<FieldRef> = arrow.fields().iter().map(Arc::clone).collect();
        let mut chosen = Vec::new();
        for field in contract {
            let name = field.name();
            let mut places = (0..hint.len()).filter(|at| arrow.field(*at).name() == name);
            let (place, second) = (places.next(), places.next());
            if second.is_some() {
                return Err(format!("it has two columns `{name}`"));
            }
            let Some(at) = place else {
                if !must_exist(&field) {
                    continue;
                }
                return Err(format!("it has no column `{name}`, which every file of {dataset:?} must have"));
            };
            let found = arrow.field(at);
            let read_as = readable(found.data_type(), field.data_type()).ok_or_else(|| {
                let must = contract_name(field.data_type());
                format!("its column `{name}` is of the type {}, it must be {must}", found.data_type())
            })?;
            hint[at] = Arc::new(found.clone().with_data_type(read_as));
            if wanted.contains(&name.as_str()) {
                chosen.push((at, field));
            }
        }
        chosen.sort_unstable_by_key(|(at, _)| *at);
        let roots = chosen.iter().map(|(at, _)| *at);
        let mask = ProjectionMask::roots(parquet, roots.clone());
        let unchecked_text = roots.map(|root| has_unchecked_text(parquet, root)).collect();
        let fields: Vec<Field> = chosen.into_iter().map(|(_, field)| field).collect();
        let schema = Arc::new(Schema::new(fields));
        let hint = Arc::new(Schema::new(hint));
        Ok(Self { schema, unchecked_text, hint, mask })
    }

    /// A batch as read, in the contract's types.
    ///
    /// # Errors
    /// The row within the batch and what is wrong with it.
    pub(super) fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch, (Option<usize>, String)> {
        let mut arrays = Vec::with_capacity(self.schema.fields().len());
        for (at, field) in self.schema.fields().iter().enumerate() {
            let array = batch.column(at);
            if !field.is_nullable() && array.null_count() > 0 {
                let row = (0..array.len()).find(|row| array.is_null(*row));
                return Err((row, format!("`{}` is null", field.name())));
            }
            arrays.push(self.conform_column(at, array).map_err(|row| {
                let not_text = format!("`{}` is not UTF-8", field.name());
                (row, not_text)
            })?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(|error| (None, error.to_string()))
    }

    fn conform_column(&self, at: usize, array: &ArrayRef) -> Result<ArrayRef, Option<usize>> {
        let unchecked = self.unchecked_text[at];
        match self.schema.field(at).data_type() {
            DataType::Utf8View if unchecked => Ok(Arc::new(checked_text(array.as_string_view().clone())?)),
            DataType::List(element) => {
                let (_, offsets, values, nulls) = array.as_list::<i32>().clone().into_parts();
                let values: ArrayRef = if unchecked {
                    Arc::new(checked_text(values.as_string_view().clone()).map_err(|_| None)?)
                } else {
                    values
                };
                Ok(Arc::new(ListArray::new(Arc::clone(element), offsets, values, nulls)))
            }
            _ => Ok(Arc::clone(array)),
        }
    }
}

/// Text of which the crate has not checked that it is UTF-8, checked. The error is the row.
fn checked_text(array: StringViewArray) -> Result<StringViewArray, Option<usize>> {
    let bytes = array.to_binary_view();
    let bad_row = || (0..bytes.len()).find(|row| std::str::from_utf8(bytes.value(*row)).is_err());
    bytes.clone().to_string_view().map_err(|_| bad_row())
}

fn has_unchecked_text(parquet: &SchemaDescriptor, root: usize) -> bool {
    (0..parquet.num_columns()).any(|leaf| {
        parquet.get_column_root_idx(leaf) == root
            && parquet.column(leaf).converted_type() != ConvertedType::UTF8
    })
}

/// As which type a column is read, where it has the type that the contract wants.
fn readable(found: &DataType, contract: &DataType) -> Option<DataType> {
    match (found, contract) {
        (DataType::Utf8, DataType::Utf8View) => Some(DataType::Utf8View),
        (DataType::List(found), DataType::List(_)) if found.data_type() == &DataType::Utf8 => {
            let element = Field::clone(found).with_data_type(DataType::Utf8View);
            Some(DataType::List(Arc::new(element)))
        }
        (found, contract) if found == contract => Some(found.clone()),
        _ => None,
    }
}

/// A type in the words of FORMATS.
fn contract_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Utf8View => "STRING",
        DataType::List(_) => "LIST<STRING>",
        DataType::Timestamp(..) => "TIMESTAMP(MICROS, UTC)",
        DataType::Float64 => "DOUBLE",
        _ => "BOOLEAN",
    }
}
