//! XML files: one element a line below `<root>` (FORMATS, XML).

use arrow_array::RecordBatch;

use super::json_text::MemberReader;
use super::record::{DEVICE, DIMENSIONS, Events, Name, PROFILE, Profiles, USER, Value};
use super::text::{class, is_replaced, push_integer, push_number};
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
    event_name: String,
    props: Props,
}

impl XmlEvents {
    pub(super) fn new(options: &FileOptions, name: &str) -> Self {
        let mut event_name = String::from("<eventName>");
        push_escaped(name, &mut event_name);
        event_name.push_str("</eventName>");
        let (identities, time) = (options.identities.clone(), LocalTime::new(options.time_zone.clone()));
        Self { identities, time, event_name, props: Props::default() }
    }
}

impl TextRows for XmlEvents {
    type Batch<'b> = Events<'b>;

    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Events<'b>, EncodeError> {
        Events::bind(batch)
    }

    fn head(&self, out: &mut String) {
        out.push_str(HEAD);
    }

    fn row(&mut self, batch: &Events<'_>, row: usize, out: &mut String) -> Result<(), EncodeError> {
        let ts_micros = batch.ts_micros(row)?;
        let ts = self.time.number(ts_micros).ok_or(EncodeError::BadTime { row, ts_micros })?;
        out.push_str("<Event><ts>");
        push_integer(ts, out);
        out.push_str("</ts>");
        out.push_str(&self.event_name);
        push_fields("<profile>", &PROFILE, &batch.profile(row, &self.identities), "</profile>", out);

        let (device, dimensions) = (batch.device(row), batch.dimensions(row));
        let (open, close) = ("<dimensions>", "</dimensions></deviceInfo>");
        if push_fields("<deviceInfo>", &DEVICE, &device, "", out) {
            if !push_fields(open, &DIMENSIONS, &dimensions, close, out) {
                out.push_str("</deviceInfo>");
            }
        } else {
            push_fields("<deviceInfo><dimensions>", &DIMENSIONS, &dimensions, close, out);
        }
        if let Value::Text(group) = batch.control_group_name(row) {
            out.push_str("<controlGroupName>");
            push_escaped(group, out);
            out.push_str("</controlGroupName>");
        }
        let found = self.props.entries("<eventProps>", batch.event_props(row)?, "</eventProps>", out);
        if !found.map_err(|fault| fault.in_row(row, columns::EVENT_PROPS))? {
            out.push_str("<eventProps/>");
        }
        if let Some(text) = batch.session_props(row) {
            let found = self.props.entries("<sessionProps>", text, "</sessionProps>", out);
            found.map_err(|fault| fault.in_row(row, columns::SESSION_PROPS))?;
        }
        out.push_str("</Event>\n");
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

    fn head(&self, out: &mut String) {
        out.push_str(HEAD);
    }

    /// `profileProps` is a container of its own, so a property named like a field of the profile stays.
    fn row(&mut self, batch: &Profiles<'_>, row: usize, out: &mut String) -> Result<(), EncodeError> {
        out.push_str("<Profile>");
        push_fields("", &USER, &batch.user(row, &self.identities), "", out);
        let found = self.props.entries("<profileProps>", batch.profile_props(row), "</profileProps>", out);
        if !found.map_err(|fault| fault.in_row(row, columns::PROFILE_PROPS))? {
            out.push_str("<profileProps/>");
        }
        out.push_str("</Profile>\n");
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
        out: &mut String,
    ) -> Result<bool, super::JsonFault> {
        let mut any = false;
        for member in self.reader.object(text)?.last() {
            let Some(value) = member.plain_text(&mut self.scratch) else { continue };
            if !any {
                out.push_str(open);
                any = true;
            }
            out.push_str("<entry><key>");
            push_escaped(member.key, out);
            out.push_str("</key><value>");
            push_escaped(value, out);
            out.push_str("</value></entry>");
        }
        if any {
            out.push_str(close);
        }
        Ok(any)
    }
}

/// Appends the fields that are there between `open` and `close`; nothing, and false, if none is.
fn push_fields(open: &str, names: &[Name], values: &[Value<'_>], close: &str, out: &mut String) -> bool {
    let mut any = false;
    for (name, value) in names.iter().zip(values).filter(|(_, value)| !value.is_absent()) {
        if !any {
            out.push_str(open);
            any = true;
        }
        let mut element = |text: &str| {
            out.push_str(name.open);
            push_escaped(text, out);
            out.push_str(name.close);
        };
        match value {
            Value::Absent => {}
            Value::Text(text) => element(text),
            Value::Texts(texts) => texts.iter().for_each(element),
            Value::Number(number) => {
                out.push_str(name.open);
                push_number(*number, out);
                out.push_str(name.close);
            }
        }
    }
    if any {
        out.push_str(close);
    }
    any
}

/// Appends text content. `]]>` needs no care, since every `>` is escaped.
fn push_escaped(text: &str, out: &mut String) {
    let classes = class::of(text) & (class::MARKUP | class::CONTROL);
    if classes == 0 {
        return out.push_str(text);
    }
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
        out.push_str(&text[copied..at]);
        out.push_str(escaped);
        copied = at + character.len_utf8();
    }
    out.push_str(&text[copied..]);
}

#[cfg(test)]
mod tests;
