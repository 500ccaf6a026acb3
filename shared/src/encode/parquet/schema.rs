//! The schemas, with the inner names that every reader knows (`key_value.key`, `.value`, `list.element`).

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

use crate::encode::record::{DEVICE, DIMENSIONS, Name, PROFILE, USER};

/// The columns of an events file. `ts`, `eventTime`, `eventName` and `eventProps` are always there.
pub(super) fn events(as_string: bool) -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("ts", DataType::Int64, false),
        Field::new("eventTime", event_time(), false),
        Field::new("eventName", DataType::Utf8, false),
        Field::new("profile", DataType::Struct(fields(&PROFILE)), true),
        Field::new("deviceInfo", DataType::Struct(device()), true),
        Field::new("controlGroupName", DataType::Utf8, true),
        Field::new("eventProps", properties(as_string), false),
        Field::new("sessionProps", properties(as_string), true),
    ]))
}

/// The columns of a profiles file.
pub(super) fn profiles(as_string: bool) -> SchemaRef {
    let mut columns: Vec<FieldRef> = fields(&USER).iter().map(Arc::clone).collect();
    columns.push(Arc::new(Field::new("profileProps", properties(as_string), false)));
    Arc::new(Schema::new(columns))
}

/// Milliseconds since 1970, UTC.
pub(super) fn event_time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some(Arc::from("UTC")))
}

/// The fields of `deviceInfo`, its `dimensions` last.
pub(super) fn device() -> Fields {
    let dimensions = Field::new("dimensions", DataType::Struct(fields(&DIMENSIONS)), true);
    fields(&DEVICE).iter().map(Arc::clone).chain([Arc::new(dimensions)]).collect()
}

/// Optional fields of the record's names.
pub(super) fn fields(names: &[Name]) -> Fields {
    let field = |name: &Name| {
        let data_type = match name.plain {
            "all_identities" => DataType::List(element()),
            "dpi" | "width" | "height" => DataType::Float64,
            _ => DataType::Utf8,
        };
        Field::new(name.plain, data_type, true)
    };
    names.iter().map(field).collect()
}

/// An element of `all_identities`.
pub(super) fn element() -> FieldRef {
    Arc::new(Field::new("element", DataType::Utf8, true))
}

/// A map of properties.
fn properties(as_string: bool) -> DataType {
    DataType::Map(key_value(as_string), false)
}

/// An entry of a map of properties.
pub(super) fn key_value(as_string: bool) -> FieldRef {
    Arc::new(Field::new("key_value", DataType::Struct(entry(as_string)), false))
}

/// The key and the value of an entry.
pub(super) fn entry(as_string: bool) -> Fields {
    let value = if as_string { DataType::Utf8 } else { DataType::Struct(union()) };
    Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", value, true)])
}

/// The union in which the product's readers find a property's value: exactly one member is not null, and
/// `member3` never.
pub(super) fn union() -> Fields {
    let types = [
        DataType::Boolean,
        DataType::Int32,
        DataType::Int64,
        DataType::Float32,
        DataType::Float64,
        DataType::Utf8,
    ];
    let member = |(number, data_type)| Field::new(format!("member{number}"), data_type, true);
    types.into_iter().enumerate().map(member).collect()
}
