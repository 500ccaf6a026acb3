//! Builders for the record's structs.

use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder as _, Float64Builder, ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, StringArray, StructArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::{DataType, Fields};

use super::schema;
use crate::encode::record::Value;

/// A chunk of huge or very many texts leaves no more room behind than this.
const MOST_ROOM_BYTES: usize = 256 * 1024;
const MOST_ROOM_TEXTS: usize = 64 * 1024;

/// One field's values.
#[derive(Debug)]
pub(super) enum FieldBuilder {
    Text(StringBuilder),
    Texts(ListBuilder<StringBuilder>),
    Number(Float64Builder),
}

impl FieldBuilder {
    pub(super) fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::List(_) => {
                Self::Texts(ListBuilder::new(StringBuilder::new()).with_field(schema::element()))
            }
            DataType::Float64 => Self::Number(Float64Builder::new()),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// Takes the value of a row, of the field's type; the record's layout and the schema agree on it. Absent ones are left
    /// out: most fields of most rows are, and nulls cost less together.
    #[inline]
    pub(super) fn append(&mut self, row: usize, value: &Value<'_>) {
        if value.is_absent() {
            return;
        }
        self.append_nulls(row);
        match (self, value) {
            (Self::Text(builder), Value::Text(text)) => builder.append_value(text),
            (Self::Texts(builder), Value::Texts(texts)) => {
                texts.iter().for_each(|text| builder.values().append_value(text));
                builder.append(true);
            }
            (Self::Number(builder), Value::Number(number)) => builder.append_value(*number),
            (field, value) => unreachable!("{value:?} in a field of {field:?}"),
        }
    }

    /// Nulls for the rows that were left out before `rows`.
    fn append_nulls(&mut self, rows: usize) {
        match self {
            Self::Text(builder) if builder.len() < rows => builder.append_nulls(rows - builder.len()),
            Self::Texts(builder) if builder.len() < rows => builder.append_nulls(rows - builder.len()),
            Self::Number(builder) if builder.len() < rows => builder.append_nulls(rows - builder.len()),
            _ => {}
        }
    }

    /// The values of as many rows.
    pub(super) fn finish(&mut self, rows: usize) -> ArrayRef {
        self.append_nulls(rows);
        match self {
            Self::Text(builder) => Arc::new(finish_strings(builder)),
            Self::Texts(builder) => Arc::new(builder.finish()),
            Self::Number(builder) => Arc::new(builder.finish()),
        }
    }
}

/// The strings so far. As much room as they took is kept for the next ones, which are about as many.
pub(super) fn finish_strings(builder: &mut StringBuilder) -> StringArray {
    let (items, bytes) = (builder.len(), builder.values_slice().len());
    let room = StringBuilder::with_capacity(items.min(MOST_ROOM_TEXTS), bytes.min(MOST_ROOM_BYTES));
    std::mem::replace(builder, room).finish()
}

/// A struct of fields; null where all of them are absent.
#[derive(Debug)]
pub(super) struct StructBuilder {
    fields: Fields,
    columns: Vec<FieldBuilder>,
    nulls: NullBufferBuilder,
}

impl StructBuilder {
    /// The fields that hold values; a field that is a struct itself has a builder of its own.
    pub(super) fn new(fields: Fields) -> Self {
        let columns = fields.iter().map(|field| FieldBuilder::new(field.data_type())).collect();
        Self { fields, columns, nulls: NullBufferBuilder::new(0) }
    }

    /// Takes one value a field. The struct is also there if `inner`, a further field, is.
    pub(super) fn append(&mut self, values: &[Value<'_>], inner: bool) {
        let row = self.nulls.len();
        self.columns.iter_mut().zip(values).for_each(|(column, value)| column.append(row, value));
        self.nulls.append(inner || values.iter().any(|value| !value.is_absent()));
    }

    pub(super) fn finish(&mut self) -> StructArray {
        self.finish_with(None)
    }

    /// With a further field at the end.
    pub(super) fn finish_with(&mut self, inner: Option<(&Fields, ArrayRef)>) -> StructArray {
        let rows = self.nulls.len();
        let mut arrays: Vec<ArrayRef> = self.columns.iter_mut().map(|column| column.finish(rows)).collect();
        let fields = match inner {
            Some((all, array)) => {
                arrays.push(array);
                all.clone()
            }
            None => self.fields.clone(),
        };
        StructArray::new(fields, arrays, self.nulls.finish())
    }
}
