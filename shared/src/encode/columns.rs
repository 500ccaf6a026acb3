//! The lake's columns as the encoders receive them (FORMATS, The lake's columns).
//!
//! Whoever reads the lake delivers batches with exactly these names and types, a subset of them where an
//! optional column is absent from the file or not asked for; the order of columns does not matter.

use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};

use super::FileContent;

/// `ts`: microseconds, UTC; must exist.
pub const TS: &str = "ts";
/// The user.
pub const OBJECT_ID: &str = "object_id";
/// The platform's own identity of the user.
pub const IDENTITY: &str = "identity";
/// All identities of the user.
pub const ALL_IDENTITIES: &str = "all_identities";
/// JSON text; must exist.
pub const EVENT_PROPS: &str = "event_props";
/// JSON text.
pub const SESSION_PROPS: &str = "session_props";
/// JSON text; must exist. A null is a profile without properties, as the last version of a deleted one often is.
pub const PROFILE_PROPS: &str = "profile_props";
/// When this version of the profile was made; must exist.
pub const UPDATED_AT: &str = "updated_at";
/// Whether this version is the profile's end.
pub const DELETED: &str = "deleted";

/// The string columns of an event beside its properties.
pub const EVENT_STRINGS: [&str; 15] = [
    OBJECT_ID,
    IDENTITY,
    "email",
    "phone",
    "name",
    "platform",
    "push_token",
    "make",
    "model",
    "app_version",
    "sdk_version",
    "os_version",
    "browser",
    "unit",
    "control_group_name",
];

/// The number columns of an event.
pub const EVENT_NUMBERS: [&str; 3] = ["dpi", "width", "height"];

/// Every column of an events file.
#[must_use]
pub fn event_fields() -> Vec<Field> {
    let mut fields = vec![required(TS, timestamp()), required(EVENT_PROPS, DataType::Utf8View)];
    fields.push(optional(ALL_IDENTITIES, string_list()));
    fields.push(optional(SESSION_PROPS, DataType::Utf8View));
    fields.extend(EVENT_STRINGS.map(|name| optional(name, DataType::Utf8View)));
    fields.extend(EVENT_NUMBERS.map(|name| optional(name, DataType::Float64)));
    fields
}

/// Every column of a profiles file.
#[must_use]
pub fn profile_fields() -> Vec<Field> {
    vec![
        required(OBJECT_ID, DataType::Utf8View),
        required(UPDATED_AT, timestamp()),
        optional(PROFILE_PROPS, DataType::Utf8View),
        optional(IDENTITY, DataType::Utf8View),
        optional(ALL_IDENTITIES, string_list()),
        optional("email", DataType::Utf8View),
        optional("phone", DataType::Utf8View),
        optional(DELETED, DataType::Boolean),
    ]
}

/// Whether every file must have the column. One that is missing is told from one that is null: a misspelt name must not
/// lose all values in silence.
#[must_use]
pub fn must_exist(field: &Field) -> bool {
    !field.is_nullable() || field.name() == PROFILE_PROPS
}

/// The names of the columns that a file's content is made of.
#[must_use]
pub fn needed(content: &FileContent) -> Vec<String> {
    let fields = match content {
        FileContent::Events { .. } => event_fields(),
        FileContent::Profiles { .. } => profile_fields(),
    };
    fields.iter().map(|field| field.name().clone()).collect()
}

/// Microseconds since 1970, UTC.
#[must_use]
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

/// A list of strings.
#[must_use]
pub fn string_list() -> DataType {
    DataType::List(Arc::new(Field::new("element", DataType::Utf8View, true)))
}

/// A column that must be there, without nulls. Its values may still be null in a faulty file; readers check.
fn required(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, false)
}

fn optional(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}
