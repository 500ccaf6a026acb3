//! JSON texts as customers send them: checked, minified and taken apart without being rebuilt.
//!
//! One pass over the text checks RFC 8259 strictly, drops the white space outside strings and replaces
//! unpaired surrogate escapes by U+FFFD (FORMATS, Records: `event_props`). All else passes byte by byte:
//! numbers of any length, escapes, duplicate keys and their order. Nothing here recurses, so no depth of
//! nesting can exhaust the stack.

mod members;
mod scan;
mod string;

pub(super) use members::{Kind, Member, MemberReader, Members};
pub(super) use string::{push_json_string, push_json_text};

use super::EncodeError;
use super::text::PushText as _;
use scan::{Ignore, Watch, minified, scan};

#[cfg(test)]
mod tests;

/// Why a text is not the JSON that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {at_byte}")]
pub struct JsonFault {
    /// Where in the text.
    pub at_byte: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

impl JsonFault {
    /// The same as the encoders say it.
    pub(super) fn in_row(self, row: usize, column: &'static str) -> EncodeError {
        EncodeError::BadProperties { row, column, at_byte: self.at_byte, reason: self.reason }
    }
}

/// Checks that texts are JSON objects and appends them minified; keeps its buffers between texts.
#[derive(Debug, Default)]
pub(super) struct Minifier {
    stack: Vec<bool>,
    changed: String,
    others: Others,
}

/// The values of the outermost object that are neither strings nor null, and where they stand.
#[derive(Debug, Default)]
struct Others(Vec<(Kind, usize, usize)>);

impl Watch for Others {
    #[inline]
    fn value(&mut self, kind: Kind, _: bool, start: usize, end: usize) {
        if !matches!(kind, Kind::String | Kind::Null) {
            self.0.push((kind, start, end));
        }
    }
}

impl Minifier {
    /// Appends `text`, which must be one JSON object, minified to `out`.
    pub(super) fn object(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), JsonFault> {
        self.changed.clear();
        let rest = scan(text, &mut self.stack, &mut self.changed, &mut Ignore)?;
        out.push_text(&self.changed);
        out.push_text(rest);
        Ok(())
    }

    /// The same with every value but null as a string (FORMATS, Records): numbers and words as they are written,
    /// containers as their minified text.
    pub(super) fn object_as_string(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), JsonFault> {
        self.others.0.clear();
        let minified = minified(text, &mut self.stack, &mut self.changed, &mut self.others)?;
        let mut copied = 0;
        for (kind, start, end) in &self.others.0 {
            out.push_text(&minified[copied..*start]);
            match kind {
                Kind::Object | Kind::Array => push_json_string(&minified[*start..*end], out),
                _ => {
                    out.push(b'"');
                    out.push_text(&minified[*start..*end]);
                    out.push(b'"');
                }
            }
            copied = *end;
        }
        out.push_text(&minified[copied..]);
        Ok(())
    }
}
