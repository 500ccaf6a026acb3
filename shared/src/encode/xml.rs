//! XML files: one element a line below `<root>` (FORMATS, XML).

use arrow_array::RecordBatch;

use super::json_text::{Kind, MemberReader};
use super::record::{DEVICE, DIMENSIONS, Events, Name, PROFILE, Profiles, USER, Value};
use super::text::{PushText as _, any_byte, is_replaced, push_integer, push_number};
use super::text_file::TextRows;
use super::time::LocalTime;
use super::{EncodeError, FileOptions, columns};
use crate::domain::IdentityPriority;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<root>\n";
const FOOT: &str = "</root>\n";

/// The lines of an events file.
pub(super) struct XmlEvents {
    identities: IdentityPriority,
    time: LocalTime,
    /// `<eventName>…</eventName>`
    event_name: Vec<u8>,
    props: Props,
}

impl XmlEvents {
    pub(super) fn new(options: &FileOptions, name: &str) -> Self {
        let mut event_name = b"<eventName>".to_vec();
        push_escaped(name, &mut event_name);
        event_name.push_text("</eventName>");
        let (identities, time) = (options.identities.clone(), LocalTime::new(options.time_zone.clone()));
        Self { identities, time, event_name, props: Props::default() }
    }
}

impl TextRows for XmlEvents {
    type Batch<'b> = Events<'b>;

    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Events<'b>, EncodeError> {
        Events::bind(batch)
    }

    fn head(&self, out: &mut Vec<u8>) {
        out.push_text(HEAD);
    }

    fn row(&mut self, batch: &Events<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let ts_micros = batch.ts_micros(row)?;
        let ts = self.time.number(ts_micros).ok_or(EncodeError::BadTime { row, ts_micros })?;
        out.push_text("<Event><ts>");
        push_integer(ts, out);
        out.push_text("</ts>");
        out.extend_from_slice(&self.event_name);
        push_fields("<profile>", &PROFILE, &batch.profile(row, &self.identities), "</profile>", out);

        let (device, dimensions) = (batch.device(row), batch.dimensions(row));
        let (open, close) = ("<dimensions>", "</dimensions></deviceInfo>");
        if push_fields("<deviceInfo>", &DEVICE, &device, "", out) {
            if !push_fields(open, &DIMENSIONS, &dimensions, close, out) {
                out.push_text("</deviceInfo>");
            }
        } else {
            push_fields("<deviceInfo><dimensions>", &DIMENSIONS, &dimensions, close, out);
        }
        if let Value::Text(group) = batch.control_group_name(row) {
            out.push_text("<controlGroupName>");
            push_escaped(group, out);
            out.push_text("</controlGroupName>");
        }
        let found = self.props.entries("<eventProps>", batch.event_props(row)?, "</eventProps>", out);
        if !found.map_err(|fault| fault.in_row(row, columns::EVENT_PROPS))? {
            out.push_text("<eventProps/>");
        }
        if let Some(text) = batch.session_props(row) {
            let found = self.props.entries("<sessionProps>", text, "</sessionProps>", out);
            found.map_err(|fault| fault.in_row(row, columns::SESSION_PROPS))?;
        }
        out.push_text("</Event>\n");
        Ok(())
    }

    fn foot(&self) -> &'static str {
        FOOT
    }
}

/// The lines of a profiles file.
pub(super) struct XmlProfiles {
    identities: IdentityPriority,
    props: Props,
}

impl XmlProfiles {
    pub(super) fn new(options: &FileOptions) -> Self {
        Self { identities: options.identities.clone(), props: Props::default() }
    }
}

impl TextRows for XmlProfiles {
    type Batch<'b> = Profiles<'b>;

    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Profiles<'b>, EncodeError> {
        Profiles::bind(batch)
    }

    fn head(&self, out: &mut Vec<u8>) {
        out.push_text(HEAD);
    }

    /// `profileProps` is a container of its own, so a property named like a field of the profile stays.
    fn row(&mut self, batch: &Profiles<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.push_text("<Profile>");
        push_fields("", &USER, &batch.user(row, &self.identities), "", out);
        let found = self.props.entries("<profileProps>", batch.profile_props(row), "</profileProps>", out);
        if !found.map_err(|fault| fault.in_row(row, columns::PROFILE_PROPS))? {
            out.push_text("<profileProps/>");
        }
        out.push_text("</Profile>\n");
        Ok(())
    }

    fn foot(&self) -> &'static str {
        FOOT
    }
}

/// Writes property objects.
#[derive(Default)]
struct Props {
    reader: MemberReader,
    scratch: String,
}

impl Props {
    /// Appends the properties that are there between `open` and `close`; nothing, and false, if none is.
    fn entries(
        &mut self,
        open: &str,
        text: &str,
        close: &str,
        out: &mut Vec<u8>,
    ) -> Result<bool, super::JsonFault> {
        let mut any = false;
        for member in self.reader.object(text)?.last() {
            let Some(value) = member.plain_text(&mut self.scratch) else { continue };
            if !any {
                out.push_text(open);
                any = true;
            }
            out.push_text("<entry><key>");
            push_escaped(member.key, out);
            out.push_text("</key><value>");
            match member.kind {
                // Nothing in these needs an escape.
                Kind::Bool | Kind::Number => out.push_text(value),
                _ => push_escaped(value, out),
            }
            out.push_text("</value></entry>");
        }
        if any {
            out.push_text(close);
        }
        Ok(any)
    }
}

/// Appends the fields that are there between `open` and `close`; nothing, and false, if none is.
#[inline(always)]
fn push_fields(open: &str, names: &[Name], values: &[Value<'_>], close: &str, out: &mut Vec<u8>) -> bool {
    let begin = out.len();
    out.push_text(open);
    let opened = out.len();
    for (name, value) in names.iter().zip(values) {
        match value {
            Value::Absent => {}
            Value::Text(text) => push_element(name, text, out),
            Value::Texts(texts) => texts.iter().for_each(|text| push_element(name, text, out)),
            Value::Number(number) => {
                name.open.push(out);
                push_number(*number, out);
                name.close.push(out);
            }
        }
    }
    if out.len() == opened {
        out.truncate(begin);
        return false;
    }
    out.push_text(close);
    true
}

#[inline(always)]
fn push_element(name: &Name, text: &str, out: &mut Vec<u8>) {
    name.open.push(out);
    push_escaped(text, out);
    name.close.push(out);
}

/// Appends text content. `]]>` needs no care, since every `>` is escaped.
#[inline(always)]
fn push_escaped(text: &str, out: &mut Vec<u8>) {
    // U+0080 to U+009F begin with C2, U+FFFE and U+FFFF with EF.
    let is_suspect = |byte: u8| {
        (byte < 0x20)
            | (byte == b'&')
            | (byte == b'<')
            | (byte == b'>')
            | (byte == 0x7F)
            | (byte == 0xC2)
            | (byte == 0xEF)
    };
    if any_byte(text.as_bytes(), is_suspect) {
        push_suspect(text, out);
    } else {
        out.push_text(text);
    }
}

fn push_suspect(text: &str, out: &mut Vec<u8>) {
    let mut copied = 0;
    for (at, character) in text.char_indices() {
        let escaped = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '\r' => "&#13;",
            // XML 1.0 has no way to write these.
            '\u{FFFE}' | '\u{FFFF}' => "?",
            other if is_replaced(other) => "?",
            _ => continue,
        };
        out.push_text(&text[copied..at]);
        out.push_text(escaped);
        copied = at + character.len_utf8();
    }
    out.push_text(&text[copied..]);
}

#[cfg(test)]
mod tests;
