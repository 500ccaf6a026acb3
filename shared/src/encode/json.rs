//! JSON files: one object a line, for events below a first line with the event's name (FORMATS, JSON).

use arrow_array::RecordBatch;

use super::json_text::{Kind, Member, MemberReader, Minifier, push_json_string};
use super::record::{DEVICE, DIMENSIONS, Events, Name, PROFILE, Profiles, USER, Value};
use super::text::{push_integer, push_number};
use super::text_file::TextRows;
use super::time::LocalTime;
use super::{EncodeError, FileOptions, columns};
use crate::domain::IdentityPriority;

/// The lines of an events file.
pub(super) struct JsonEvents {
    identities: IdentityPriority,
    time: LocalTime,
    /// The first line with its end, or nothing.
    first_line: String,
    /// `,"eventName":…`
    event_name: String,
    props: Props,
}

impl JsonEvents {
    pub(super) fn new(options: &FileOptions, name: &str) -> Self {
        let mut event_name = String::from(",\"eventName\":");
        push_json_string(name, &mut event_name);
        let mut first_line = String::new();
        if options.header_line {
            // All of Cc, TAB and line ends too: this is one line.
            first_line.extend(name.chars().map(|c| if c.is_control() { '?' } else { c }));
            first_line.push('\n');
        }
        let (identities, time) = (options.identities.clone(), LocalTime::new(options.time_zone.clone()));
        Self { identities, time, first_line, event_name, props: Props::new(options) }
    }
}

impl TextRows for JsonEvents {
    type Batch<'b> = Events<'b>;

    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Events<'b>, EncodeError> {
        Events::bind(batch)
    }

    fn head(&self, out: &mut String) {
        out.push_str(&self.first_line);
    }

    fn row(&mut self, batch: &Events<'_>, row: usize, out: &mut String) -> Result<(), EncodeError> {
        let ts_micros = batch.ts_micros(row)?;
        let ts = self.time.number(ts_micros).ok_or(EncodeError::BadTime { row, ts_micros })?;
        out.push('{');
        push_object("\"profile\":{", &PROFILE, &batch.profile(row, &self.identities), "},", out);
        out.push_str("\"ts\":");
        push_integer(ts, out);
        out.push_str(&self.event_name);

        let (device, dimensions) = (batch.device(row), batch.dimensions(row));
        if push_object(",\"deviceInfo\":{", &DEVICE, &device, "", out) {
            push_object(",\"dimensions\":{", &DIMENSIONS, &dimensions, "}", out);
            out.push('}');
        } else {
            push_object(",\"deviceInfo\":{\"dimensions\":{", &DIMENSIONS, &dimensions, "}}", out);
        }
        if let Value::Text(group) = batch.control_group_name(row) {
            out.push_str(",\"controlGroupName\":");
            push_json_string(group, out);
        }
        out.push_str(",\"eventProps\":");
        self.props.object(batch.event_props(row)?, row, columns::EVENT_PROPS, out)?;
        if let Some(text) = batch.session_props(row) {
            let before = out.len();
            out.push_str(",\"sessionProps\":");
            let start = out.len();
            self.props.object(text, row, columns::SESSION_PROPS, out)?;
            if &out[start..] == "{}" {
                out.truncate(before);
            }
        }
        out.push_str("}\n");
        Ok(())
    }
}

/// The lines of a profiles file.
pub(super) struct JsonProfiles {
    identities: IdentityPriority,
    props: Props,
}

impl JsonProfiles {
    pub(super) fn new(options: &FileOptions) -> Self {
        Self { identities: options.identities.clone(), props: Props::new(options) }
    }
}

impl TextRows for JsonProfiles {
    type Batch<'b> = Profiles<'b>;

    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Profiles<'b>, EncodeError> {
        Profiles::bind(batch)
    }

    fn head(&self, _: &mut String) {}

    fn row(&mut self, batch: &Profiles<'_>, row: usize, out: &mut String) -> Result<(), EncodeError> {
        let any = push_object("{", &USER, &batch.user(row, &self.identities), "", out);
        if !any {
            out.push('{');
        }
        self.props.members(batch.profile_props(row), row, any, out)?;
        out.push_str("}\n");
        Ok(())
    }
}

/// Writes property objects.
struct Props {
    as_string: bool,
    minifier: Minifier,
    reader: MemberReader,
}

impl Props {
    fn new(options: &FileOptions) -> Self {
        Self { as_string: options.as_string, minifier: Minifier::default(), reader: MemberReader::default() }
    }

    /// A whole object.
    fn object(
        &mut self,
        text: &str,
        row: usize,
        column: &'static str,
        out: &mut String,
    ) -> Result<(), EncodeError> {
        if !self.as_string {
            return self.minifier.object(text, out).map_err(|fault| fault.in_row(row, column));
        }
        let members = self.reader.object(text).map_err(|fault| fault.in_row(row, column))?;
        out.push('{');
        for (at, member) in members.all().enumerate() {
            push_member(&member, true, at > 0, out);
        }
        out.push('}');
        Ok(())
    }

    /// A profile's properties without the braces, and without those that are named like a field of the
    /// profile; they give way to it whether the profile has the field or not, so that the field's type is
    /// always the same.
    fn members(&mut self, text: &str, row: usize, comma: bool, out: &mut String) -> Result<(), EncodeError> {
        let members = self.reader.object(text).map_err(|fault| fault.in_row(row, columns::PROFILE_PROPS))?;
        let kept = members.all().filter(|member| !USER.iter().any(|field| field.plain == member.key));
        for (at, member) in kept.enumerate() {
            push_member(&member, self.as_string, comma || at > 0, out);
        }
        Ok(())
    }
}

fn push_member(member: &Member<'_>, as_string: bool, comma: bool, out: &mut String) {
    out.push_str(if comma { ",\"" } else { "\"" });
    out.push_str(member.raw_key);
    out.push_str("\":");
    match member.kind {
        Kind::Bool | Kind::Number if as_string => {
            out.push('"');
            out.push_str(member.value);
            out.push('"');
        }
        Kind::Object | Kind::Array if as_string => push_json_string(member.value, out),
        _ => out.push_str(member.value),
    }
}

/// Appends the fields that are there between `open` and `close`; nothing at all, and false, if none is.
fn push_object(open: &str, names: &[Name], values: &[Value<'_>], close: &str, out: &mut String) -> bool {
    let mut any = false;
    for (name, value) in names.iter().zip(values).filter(|(_, value)| !value.is_absent()) {
        out.push_str(if any { "," } else { open });
        any = true;
        out.push_str(name.json);
        match value {
            Value::Absent => {}
            Value::Text(text) => push_json_string(text, out),
            Value::Number(number) => push_number(*number, out),
            Value::Texts(texts) => {
                for (at, text) in texts.iter().enumerate() {
                    out.push(if at == 0 { '[' } else { ',' });
                    push_json_string(text, out);
                }
                out.push(']');
            }
        }
    }
    if any {
        out.push_str(close);
    }
    any
}

#[cfg(test)]
mod tests;
