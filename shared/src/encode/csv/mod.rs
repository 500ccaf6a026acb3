//! CSV files: fixed columns, then one for every property that the plan knows (FORMATS, CSV).

mod cell;
mod cells;

use arrow_array::RecordBatch;

use super::flatten::Flattener;
use super::record::{Events, Profiles, Value};
use super::text::{is_replaced, push_integer, push_number};
use super::text_file::TextRows;
use super::time::LocalTime;
use super::{EncodeError, FileOptions, PropertyColumn, PropertyScope, columns};
use crate::domain::IdentityPriority;
use cell::push_cell;
use cells::RowCells;

#[cfg(test)]
mod tests;

/// The columns of every events file.
const EVENT_COLUMNS: &str = "ts,eventName,profile.identity,profile.objectId,profile.all_identities,\
    profile.platform,profile.phone,profile.name,profile.email,profile.push_token,deviceInfo.make,\
    deviceInfo.model,deviceInfo.appVersion,deviceInfo.sdkVersion,deviceInfo.osVersion,deviceInfo.browser,\
    deviceInfo.dpi,deviceInfo.dimensions.width,deviceInfo.dimensions.height,deviceInfo.dimensions.unit,\
    controlGroupName";
/// The columns of every profiles file that come from the lake's columns.
const USER_COLUMNS: [&str; 5] = ["identity", "objectId", "all_identities", "Email", "Phone"];
/// The columns of every profiles file that properties of these names fill.
const FIXED_PROPERTIES: [&str; 8] =
    ["Name", "Gender", "DOB", "Photo", "MSG-push", "MSG-email", "MSG-sms", "MSG-whatsapp"];

/// Whether a flattened profile property has no column after the fixed ones: its name is that of a fixed one.
#[must_use]
pub fn is_fixed_profile_column(key: &str) -> bool {
    USER_COLUMNS.contains(&key) || FIXED_PROPERTIES.contains(&key)
}

/// A property's column as the header names it: control characters replaced.
#[must_use]
pub fn column_name(key: &str) -> String {
    key.chars().map(|c| if is_replaced(c) { '?' } else { c }).collect()
}

/// The rows of an events file.
pub(super) struct CsvEvents {
    identities: IdentityPriority,
    time: LocalTime,
    /// `,name`
    event_name: Vec<u8>,
    header: Vec<u8>,
    flattener: Flattener,
    cells: RowCells,
    scratch: Scratch,
}

impl CsvEvents {
    /// `known` in the order of the plan; a column named twice stands once.
    pub(super) fn new(options: &FileOptions, name: &str, known: &[PropertyColumn]) -> Self {
        let mut scratch = String::new();
        let mut event_name = vec![b','];
        push_cell(name, &mut scratch, &mut event_name);
        let mut cells = RowCells::default();
        let mut header = EVENT_COLUMNS.as_bytes().to_vec();
        for column in known {
            let prefix = match column.scope {
                PropertyScope::Event => "eventProps.",
                PropertyScope::Session => "sessionProps.",
                PropertyScope::Profile => continue,
            };
            if cells.add(column.scope, &column.key) {
                header.push(b',');
                push_cell(&format!("{prefix}{}", column.key), &mut scratch, &mut header);
            }
        }
        header.push(b'\n');
        let (identities, time) = (options.identities.clone(), LocalTime::new(options.time_zone.clone()));
        Self {
            identities,
            time,
            event_name,
            header,
            flattener: Flattener::default(),
            cells,
            scratch: Scratch::default(),
        }
    }
}

impl TextRows for CsvEvents {
    type Batch<'b> = Events<'b>;

    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Events<'b>, EncodeError> {
        Events::bind(batch)
    }

    fn head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header);
    }

    fn row(&mut self, batch: &Events<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let ts_micros = batch.ts_micros(row)?;
        let ts = self.time.number(ts_micros).ok_or(EncodeError::BadTime { row, ts_micros })?;
        push_integer(ts, out);
        out.extend_from_slice(&self.event_name);
        let scratch = &mut self.scratch;
        push_values(&batch.profile(row, &self.identities), scratch, out);
        push_values(&batch.device(row), scratch, out);
        push_values(&batch.dimensions(row), scratch, out);
        push_values(&[batch.control_group_name(row)], scratch, out);

        let mut cells = self.cells.begin(out);
        let found = self.flattener.flatten(batch.event_props(row)?, cells.scope(PropertyScope::Event));
        found.map_err(|fault| fault.in_row(row, columns::EVENT_PROPS))?;
        if let Some(text) = batch.session_props(row) {
            let found = self.flattener.flatten(text, cells.scope(PropertyScope::Session));
            found.map_err(|fault| fault.in_row(row, columns::SESSION_PROPS))?;
        }
        cells.end();
        out.push(b'\n');
        Ok(())
    }
}

/// The rows of a profiles file.
pub(super) struct CsvProfiles {
    identities: IdentityPriority,
    header: Vec<u8>,
    flattener: Flattener,
    cells: RowCells,
    scratch: Scratch,
}

impl CsvProfiles {
    /// `known` in the order of the plan; a column named twice, or like a fixed one, stands once.
    pub(super) fn new(options: &FileOptions, known: &[PropertyColumn]) -> Self {
        let (mut scratch, mut header) = (String::new(), USER_COLUMNS.join(",").into_bytes());
        let mut cells = RowCells::default();
        USER_COLUMNS.iter().for_each(|name| cells.ignore(PropertyScope::Profile, name));
        let properties = known.iter().map(|column| column.key.as_str());
        for key in FIXED_PROPERTIES.into_iter().chain(properties) {
            if cells.add(PropertyScope::Profile, key) {
                header.push(b',');
                push_cell(key, &mut scratch, &mut header);
            }
        }
        header.push(b'\n');
        let identities = options.identities.clone();
        let scratch = Scratch::default();
        Self { identities, header, flattener: Flattener::default(), cells, scratch }
    }
}

impl TextRows for CsvProfiles {
    type Batch<'b> = Profiles<'b>;

    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Profiles<'b>, EncodeError> {
        Profiles::bind(batch)
    }

    fn head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header);
    }

    fn row(&mut self, batch: &Profiles<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let [first, others @ ..] = batch.user(row, &self.identities);
        push_value(&first, &mut self.scratch, out);
        push_values(&others, &mut self.scratch, out);
        let mut cells = self.cells.begin(out);
        let found = self.flattener.flatten(batch.profile_props(row), cells.scope(PropertyScope::Profile));
        found.map_err(|fault| fault.in_row(row, columns::PROFILE_PROPS))?;
        cells.end();
        out.push(b'\n');
        Ok(())
    }
}

/// Buffers of [`push_values`].
#[derive(Default)]
struct Scratch {
    list: String,
    cleaned: String,
}

/// Appends a comma and the value's cell for each; blank where absent.
#[inline(always)]
fn push_values(values: &[Value<'_>], scratch: &mut Scratch, out: &mut Vec<u8>) {
    for value in values {
        out.push(b',');
        push_value(value, scratch, out);
    }
}

#[inline(always)]
fn push_value(value: &Value<'_>, scratch: &mut Scratch, out: &mut Vec<u8>) {
    match value {
        Value::Absent => {}
        Value::Text(text) => push_cell(text, &mut scratch.cleaned, out),
        Value::Number(number) => push_number(*number, out),
        Value::Texts(texts) => {
            scratch.list.clear();
            for (at, text) in texts.iter().enumerate() {
                scratch.list.push_str(if at == 0 { "[" } else { ", " });
                scratch.list.push_str(text);
            }
            scratch.list.push(']');
            push_cell(&scratch.list, &mut scratch.cleaned, out);
        }
    }
}
