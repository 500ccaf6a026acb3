//! Builders for the record's structs.

use std::sync::Arc;

use arrow_array::builder::{Float64Builder, ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, StructArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::{DataType, Fields};

use super::schema;
use crate::encode::record::Value;

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

    /// Takes a value of the field's type; the record's layout and the schema agree on it.
    #[inline]
    pub(super) fn append(&mut self, value: &Value<'_>) {
        match (self, value) {
            (Self::Text(builder), Value::Text(text)) => builder.append_value(text),
            (Self::Texts(builder), Value::Texts(texts)) => {
                texts.iter().for_each(|text| builder.values().append_value(text));
                builder.append(true);
            }
            (Self::Number(builder), Value::Number(number)) => builder.append_value(*number),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Texts(builder), _) => builder.append_null(),
            (Self::Number(builder), _) => builder.append_null(),
        }
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Texts(builder) => Arc::new(builder.finish()),
            Self::Number(builder) => Arc::new(builder.finish()),
        }
    }
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
        self.columns.iter_mut().zip(values).for_each(|(column, value)| column.append(value));
        self.nulls.append(inner || values.iter().any(|value| !value.is_absent()));
    }

    pub(super) fn finish(&mut self) -> StructArray {
        self.finish_with(None)
    }

    /// With a further field at the end.
    pub(super) fn finish_with(&mut self, inner: Option<(&Fields, ArrayRef)>) -> StructArray {
        let mut arrays: Vec<ArrayRef> = self.columns.iter_mut().map(FieldBuilder::finish).collect();
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
