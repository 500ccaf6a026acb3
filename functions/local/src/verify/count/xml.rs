//! XML, counted with `quick-xml`, which leaves some of what makes a document well-formed to its caller.

use std::io::BufRead;

use quick_xml::{
    Reader,
    events::{BytesRef, Event},
};

use super::CountError;

/// Counts the elements of one name below `<root>`. Nothing else may stand there.
pub(super) fn rows(element: &str, raw: &mut dyn BufRead) -> Result<u64, CountError> {
    let mut reader = Reader::from_reader(raw);
    let mut buffer = Vec::new();
    let (mut depth, mut roots, mut rows) = (0_usize, 0_u64, 0_u64);
    loop {
        buffer.clear();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(error) => return Err(malformed(reader.buffer_position(), &error.to_string())),
        };
        let fault = match &event {
            Event::Start(start) | Event::Empty(start) => {
                let name = start.name();
                let name: &str = name.as_ref();
                match depth {
                    0 => roots += 1,
                    1 => rows += 1,
                    _ => {}
                }
                let expected = [Some("root"), Some(element)].get(depth).copied().flatten();
                let unexpected = expected.is_some_and(|expected| expected != name) || roots > 1;
                depth += usize::from(matches!(event, Event::Start(_)));
                unexpected.then(|| format!("<{name}> is not expected here"))
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                None
            }
            Event::Text(text) => fault_of_text(text.as_ref(), depth),
            Event::CData(text) => fault_of_text(text.as_ref(), depth),
            Event::GeneralRef(reference) => fault_of_reference(reference),
            Event::DocType(_) | Event::PI(_) => Some("it has more than elements and text".to_owned()),
            Event::Decl(_) | Event::Comment(_) => None,
            Event::Eof if depth > 0 || roots == 0 => Some("it ends before </root>".to_owned()),
            Event::Eof => return Ok(rows),
        };
        if let Some(fault) = fault {
            return Err(malformed(reader.buffer_position(), &fault));
        }
    }
}

fn malformed(at_byte: u64, reason: &str) -> CountError {
    CountError::Malformed(format!("{reason}, about byte {at_byte} of the XML"))
}

/// White space alone may stand between rows; control characters nowhere (XML 1.0, production 2).
fn fault_of_text(text: &str, depth: usize) -> Option<String> {
    let is_forbidden = |c: char| {
        matches!(c, '\0'..='\u{1F}' if !matches!(c, '\t' | '\n' | '\r'))
            || matches!(c, '\u{FFFE}' | '\u{FFFF}')
    };
    if depth < 2 && !text.trim_ascii().is_empty() {
        return Some("there is text between the rows".to_owned());
    }
    let found = text.chars().find(|c| is_forbidden(*c));
    found.map(|c| format!("the character U+{:04X} is not allowed", u32::from(c)))
}

/// Without a document type there are five entities, and the characters.
fn fault_of_reference(reference: &BytesRef<'_>) -> Option<String> {
    let name: &str = reference.as_ref();
    let known = matches!(name, "amp" | "lt" | "gt" | "quot" | "apos")
        || matches!(reference.resolve_char_ref(), Ok(Some(c)) if fault_of_text(&c.to_string(), 2).is_none());
    (!known).then(|| format!("&{name}; is not known"))
}
