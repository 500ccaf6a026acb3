//! The record that all formats write (FORMATS, Records), bound to the columns of one batch.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, Float64Array, ListArray, PrimitiveArray, RecordBatch, StringViewArray, TimestampMicrosecondArray,
};

use super::text::Short;
use super::{EncodeError, columns};
use crate::domain::{IdentityKind, IdentityPriority};

/// A field's name in each dress, so that writers append one text.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) plain: &'static str,
    /// `,"name":`
    pub(super) json: Short,
    /// `,"name":"`
    pub(super) json_text: Short,
    /// `<name>`
    pub(super) open: Short,
    /// `</name>`
    pub(super) close: Short,
}

macro_rules! names {
    ($($name:literal),*) => {
        [$(Name {
            plain: $name,
            json: Short::new(concat!(",\"", $name, "\":")),
            json_text: Short::new(concat!(",\"", $name, "\":\"")),
            open: Short::new(concat!("<", $name, ">")),
            close: Short::new(concat!("</", $name, ">")),
        }),*]
    };
}

/// The fields of an event's `profile`.
pub(super) static PROFILE: [Name; 8] =
    names!["identity", "objectId", "all_identities", "platform", "phone", "name", "email", "push_token"];
/// The fields of `deviceInfo` before its `dimensions`.
pub(super) static DEVICE: [Name; 7] =
    names!["make", "model", "appVersion", "sdkVersion", "osVersion", "browser", "dpi"];
/// The fields of `deviceInfo.dimensions`.
pub(super) static DIMENSIONS: [Name; 3] = names!["width", "height", "unit"];
/// The fields of a user profile beside its properties.
pub(super) static USER: [Name; 5] = names!["identity", "objectId", "all_identities", "Email", "Phone"];

/// The value of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Absent,
    Text(&'a str),
    /// Never empty.
    Texts(Texts<'a>),
    /// Always finite.
    Number(f64),
}

impl<'a> Value<'a> {
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// Some strings of a list column; nulls among them do not count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts<'a> {
    values: &'a StringViewArray,
    start: usize,
    end: usize,
}

impl<'a> Texts<'a> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let Self { values, start, end } = *self;
        (start..end).filter(|at| values.is_valid(*at)).map(|at| values.value(at))
    }
}

/// A column that may be missing from the file.
#[derive(Debug)]
struct Strings<'a>(Option<&'a StringViewArray>);

impl<'a> Strings<'a> {
    #[inline]
    fn get(&self, row: usize) -> Option<&'a str> {
        self.0.filter(|column| column.is_valid(row)).map(|column| column.value(row))
    }

    #[inline]
    fn value(&self, row: usize) -> Value<'a> {
        self.get(row).map_or(Value::Absent, Value::Text)
    }
}

#[derive(Debug)]
struct Lists<'a>(Option<(&'a ListArray, &'a StringViewArray)>);

impl<'a> Lists<'a> {
    fn value(&self, row: usize) -> Value<'a> {
        let Some((lists, values)) = self.0.filter(|(lists, _)| lists.is_valid(row)) else {
            return Value::Absent;
        };
        let offsets = lists.value_offsets();
        let bound = |at: usize| usize::try_from(offsets[at]).expect("offsets of a list are never negative");
        let texts = Texts { values, start: bound(row), end: bound(row + 1) };
        if texts.iter().next().is_some() { Value::Texts(texts) } else { Value::Absent }
    }
}

#[derive(Debug)]
struct Numbers<'a>(Option<&'a Float64Array>);

impl<'a> Numbers<'a> {
    #[inline]
    fn value(&self, row: usize) -> Value<'a> {
        let value = self.0.filter(|column| column.is_valid(row)).map(|column| column.value(row));
        value.filter(|number| number.is_finite()).map_or(Value::Absent, Value::Number)
    }
}

/// The columns that events and profiles share.
#[derive(Debug)]
struct User<'a> {
    identity: Strings<'a>,
    object_id: Strings<'a>,
    all_identities: Lists<'a>,
    email: Strings<'a>,
    phone: Strings<'a>,
}

impl<'a> User<'a> {
    fn bind(batch: &'a RecordBatch) -> Result<Self, EncodeError> {
        Ok(Self {
            identity: strings(batch, columns::IDENTITY)?,
            object_id: strings(batch, columns::OBJECT_ID)?,
            all_identities: lists(batch, columns::ALL_IDENTITIES)?,
            email: strings(batch, "email")?,
            phone: strings(batch, "phone")?,
        })
    }

    fn chosen(&self, row: usize, priority: &IdentityPriority) -> Value<'a> {
        let of = |kind| match kind {
            IdentityKind::Identity => self.identity.get(row),
            IdentityKind::Email => self.email.get(row),
            IdentityKind::Phone => self.phone.get(row),
        };
        priority.choose(of).map_or(Value::Absent, Value::Text)
    }
}

/// A batch of events.
#[derive(Debug)]
pub(super) struct Events<'a> {
    ts: &'a TimestampMicrosecondArray,
    event_props: &'a StringViewArray,
    session_props: Strings<'a>,
    user: User<'a>,
    platform: Strings<'a>,
    name: Strings<'a>,
    push_token: Strings<'a>,
    /// make, model, app version, SDK version, OS version, browser
    device: [Strings<'a>; 6],
    dpi: Numbers<'a>,
    width: Numbers<'a>,
    height: Numbers<'a>,
    unit: Strings<'a>,
    control_group_name: Strings<'a>,
}

impl<'a> Events<'a> {
    /// Finds the columns.
    ///
    /// # Errors
    /// [`EncodeError::Internal`] when a column has another type than [`columns`] says, or a required one is
    /// missing.
    pub(super) fn bind(batch: &'a RecordBatch) -> Result<Self, EncodeError> {
        let text = |name| strings(batch, name);
        Ok(Self {
            ts: required(
                typed::<PrimitiveArray<TimestampMicrosecondType>>(batch, columns::TS)?,
                columns::TS,
            )?,
            event_props: required(text(columns::EVENT_PROPS)?.0, columns::EVENT_PROPS)?,
            session_props: text(columns::SESSION_PROPS)?,
            user: User::bind(batch)?,
            platform: text("platform")?,
            name: text("name")?,
            push_token: text("push_token")?,
            device: [
                text("make")?,
                text("model")?,
                text("app_version")?,
                text("sdk_version")?,
                text("os_version")?,
                text("browser")?,
            ],
            dpi: numbers(batch, "dpi")?,
            width: numbers(batch, "width")?,
            height: numbers(batch, "height")?,
            unit: text("unit")?,
            control_group_name: text("control_group_name")?,
        })
    }

    /// The instant, in microseconds since 1970.
    pub(super) fn ts_micros(&self, row: usize) -> Result<i64, EncodeError> {
        if self.ts.is_null(row) {
            return Err(EncodeError::Internal(format!("row {row}: `{}` is null", columns::TS)));
        }
        Ok(self.ts.value(row))
    }

    /// The text of the event's properties.
    pub(super) fn event_props(&self, row: usize) -> Result<&'a str, EncodeError> {
        properties(self.event_props, row, columns::EVENT_PROPS)
    }

    /// The text of the session's properties. A session without any may say so by an empty text or a JSON null;
    /// FORMATS wants an object of the event's only.
    pub(super) fn session_props(&self, row: usize) -> Option<&'a str> {
        self.session_props.get(row).filter(|text| !matches!(text.trim_ascii(), "" | "null"))
    }

    /// The values of [`PROFILE`].
    #[inline]
    pub(super) fn profile(&self, row: usize, priority: &IdentityPriority) -> [Value<'a>; 8] {
        [
            self.user.chosen(row, priority),
            self.user.object_id.value(row),
            self.user.all_identities.value(row),
            self.platform.value(row),
            self.user.phone.value(row),
            self.name.value(row),
            self.user.email.value(row),
            self.push_token.value(row),
        ]
    }

    /// The values of [`DEVICE`].
    #[inline]
    pub(super) fn device(&self, row: usize) -> [Value<'a>; 7] {
        let [make, model, app, sdk, os, browser] = &self.device;
        let text = |column: &Strings<'a>| column.value(row);
        [text(make), text(model), text(app), text(sdk), text(os), text(browser), self.dpi.value(row)]
    }

    /// The values of [`DIMENSIONS`].
    #[inline]
    pub(super) fn dimensions(&self, row: usize) -> [Value<'a>; 3] {
        [self.width.value(row), self.height.value(row), self.unit.value(row)]
    }

    /// The value of `controlGroupName`.
    pub(super) fn control_group_name(&self, row: usize) -> Value<'a> {
        self.control_group_name.value(row)
    }
}

/// A batch of user profiles. Which rows are delivered (newest, not deleted) is decided before.
#[derive(Debug)]
pub(super) struct Profiles<'a> {
    user: User<'a>,
    profile_props: &'a StringViewArray,
}

impl<'a> Profiles<'a> {
    /// Finds the columns.
    ///
    /// # Errors
    /// As [`Events::bind`].
    pub(super) fn bind(batch: &'a RecordBatch) -> Result<Self, EncodeError> {
        let props = strings(batch, columns::PROFILE_PROPS)?.0;
        Ok(Self { user: User::bind(batch)?, profile_props: required(props, columns::PROFILE_PROPS)? })
    }

    /// The text of the profile's properties; without any where it is null.
    pub(super) fn profile_props(&self, row: usize) -> &'a str {
        if self.profile_props.is_null(row) { "{}" } else { self.profile_props.value(row) }
    }

    /// The values of [`USER`].
    pub(super) fn user(&self, row: usize, priority: &IdentityPriority) -> [Value<'a>; 5] {
        [
            self.user.chosen(row, priority),
            self.user.object_id.value(row),
            self.user.all_identities.value(row),
            self.user.email.value(row),
            self.user.phone.value(row),
        ]
    }
}

fn properties<'a>(
    texts: &'a StringViewArray,
    row: usize,
    column: &'static str,
) -> Result<&'a str, EncodeError> {
    if texts.is_null(row) {
        return Err(EncodeError::BadProperties { row, column, at_byte: 0, reason: "it is null" });
    }
    Ok(texts.value(row))
}

fn typed<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<Option<&'a A>, EncodeError> {
    let Some(column) = batch.column_by_name(name) else { return Ok(None) };
    let found = column.as_any().downcast_ref::<A>();
    found.map(Some).ok_or_else(|| wrong_type(name, column))
}

fn wrong_type(name: &str, column: &dyn Array) -> EncodeError {
    EncodeError::Internal(format!("the column `{name}` is {}", column.data_type()))
}

fn required<T>(column: Option<T>, name: &str) -> Result<T, EncodeError> {
    column.ok_or_else(|| EncodeError::Internal(format!("the column `{name}` is missing")))
}

fn strings<'a>(batch: &'a RecordBatch, name: &str) -> Result<Strings<'a>, EncodeError> {
    typed(batch, name).map(Strings)
}

fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> Result<Numbers<'a>, EncodeError> {
    typed::<PrimitiveArray<Float64Type>>(batch, name).map(Numbers)
}

fn lists<'a>(batch: &'a RecordBatch, name: &str) -> Result<Lists<'a>, EncodeError> {
    let Some(lists) = typed::<ListArray>(batch, name)? else { return Ok(Lists(None)) };
    let values = lists.values().as_string_view_opt().ok_or_else(|| wrong_type(name, lists.values()))?;
    Ok(Lists(Some((lists, values))))
}
