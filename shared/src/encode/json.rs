//! JSON files: one object a line, for events below a first line with the event's name (FORMATS, JSON).

use arrow_array::RecordBatch;

use super::json_text::{Kind, Member, MemberReader, Minifier, push_json_string, push_json_text};
use super::record::{DEVICE, DIMENSIONS, Events, Name, PROFILE, Profiles, USER, Value};
use super::text::{PushText as _, push_integer, push_number};
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
    event_name: Vec<u8>,
    props: Props,
}

impl JsonEvents {
    pub(super) fn new(options: &FileOptions, name: &str) -> Self {
        let mut event_name = b",\"eventName\":".to_vec();
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

    fn head(&self, out: &mut Vec<u8>) {
        out.push_text(&self.first_line);
    }

    fn row(&mut self, batch: &Events<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let ts_micros = batch.ts_micros(row)?;
        let ts = self.time.number(ts_micros).ok_or(EncodeError::BadTime { row, ts_micros })?;
        out.push_text("{\"profile\":");
        if push_fields(&PROFILE, &batch.profile(row, &self.identities), out) {
            out.push_text("},\"ts\":");
        } else {
            out.truncate(out.len() - "\"profile\":".len());
            out.push_text("\"ts\":");
        }
        push_integer(ts, out);
        out.extend_from_slice(&self.event_name);

        let device = out.len();
        out.push_text(",\"deviceInfo\":");
        let mut any = push_fields(&DEVICE, &batch.device(row), out);
        let dimensions = batch.dimensions(row);
        if dimensions.iter().any(|value| !value.is_absent()) {
            out.push_text(if any { ",\"dimensions\":" } else { "{\"dimensions\":" });
            any = push_fields(&DIMENSIONS, &dimensions, out);
            out.push(b'}');
        }
        if any {
            out.push(b'}');
        } else {
            out.truncate(device);
        }
        if let Value::Text(group) = batch.control_group_name(row) {
            out.push_text(",\"controlGroupName\":");
            push_json_string(group, out);
        }
        out.push_text(",\"eventProps\":");
        self.props.object(batch.event_props(row)?, row, columns::EVENT_PROPS, out)?;
        if let Some(text) = batch.session_props(row) {
            let before = out.len();
            out.push_text(",\"sessionProps\":");
            let start = out.len();
            self.props.object(text, row, columns::SESSION_PROPS, out)?;
            if &out[start..] == b"{}" {
                out.truncate(before);
            }
        }
        out.push_text("}\n");
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

    fn head(&self, _: &mut Vec<u8>) {}

    fn row(&mut self, batch: &Profiles<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let any = push_fields(&USER, &batch.user(row, &self.identities), out);
        if !any {
            out.push(b'{');
        }
        self.props.members(batch.profile_props(row), row, any, out)?;
        out.push_text("}\n");
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
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let done = if self.as_string {
            self.minifier.object_as_string(text, out)
        } else {
            self.minifier.object(text, out)
        };
        done.map_err(|fault| fault.in_row(row, column))
    }

    /// A profile's properties without the braces, and without those that are named like a field of the
    /// profile; they give way to it whether the profile has the field or not, so that the field's type is
    /// always the same.
    fn members(&mut self, text: &str, row: usize, comma: bool, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let members = self.reader.object(text).map_err(|fault| fault.in_row(row, columns::PROFILE_PROPS))?;
        let kept = members.all().filter(|member| !USER.iter().any(|field| field.plain == member.key));
        for (at, member) in kept.enumerate() {
            push_member(&member, self.as_string, comma || at > 0, out);
        }
        Ok(())
    }
}

fn push_member(member: &Member<'_>, as_string: bool, comma: bool, out: &mut Vec<u8>) {
    out.push_text(if comma { ",\"" } else { "\"" });
    out.push_text(member.raw_key);
    out.push_text("\":");
    match member.kind {
        Kind::Bool | Kind::Number if as_string => {
            out.push(b'"');
            out.push_text(member.value);
            out.push(b'"');
        }
        Kind::Object | Kind::Array if as_string => push_json_string(member.value, out),
        _ => out.push_text(member.value),
    }
}

/// Appends `{` and the fields that are there; nothing at all, and false, if none is. Each field comes with the comma
/// before it, so that it is one constant text; the first comma then becomes the brace.
#[inline(always)]
fn push_fields<const N: usize>(names: &[Name; N], values: &[Value<'_>; N], out: &mut Vec<u8>) -> bool {
    let begin = out.len();
    for (name, value) in names.iter().zip(values) {
        match value {
            Value::Absent => {}
            Value::Text(text) => {
                name.json_text.push(out);
                push_json_text(text, out);
                out.push(b'"');
            }
            Value::Number(number) => {
                name.json.push(out);
                push_number(*number, out);
            }
            Value::Texts(texts) => {
                name.json.push(out);
                for (at, text) in texts.iter().enumerate() {
                    out.push(if at == 0 { b'[' } else { b',' });
                    push_json_string(text, out);
                }
                out.push(b']');
            }
        }
    }
    match out.get_mut(begin) {
        Some(comma) => {
            *comma = b'{';
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests;
