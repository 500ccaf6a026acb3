//! One cell: control characters replaced, quotes only where RFC 4180 needs them.

use crate::encode::text::{PushText as _, any_byte, class, is_replaced, replace};

/// Appends `text` as a cell.
#[inline(always)]
pub(super) fn push_cell(text: &str, scratch: &mut String, out: &mut Vec<u8>) {
    // U+0080 to U+009F begin with C2.
    let is_suspect =
        |byte: u8| (byte < 0x20) | (byte == b',') | (byte == b'"') | (byte == 0x7F) | (byte == 0xC2);
    if any_byte(text.as_bytes(), is_suspect) {
        push_suspect(text, scratch, out);
    } else {
        out.push_text(text);
    }
}

fn push_suspect(text: &str, scratch: &mut String, out: &mut Vec<u8>) {
    let classes = class::of(text);
    let text = if classes & class::CONTROL == 0 { text } else { replace(text, is_replaced, scratch) };
    if classes & class::QUOTE == 0 {
        return out.push_text(text);
    }
    out.push(b'"');
    let mut copied = 0;
    for quote in memchr::memchr_iter(b'"', text.as_bytes()) {
        // The quote goes out here and once more with what follows it.
        out.push_text(&text[copied..=quote]);
        copied = quote;
    }
    out.push_text(&text[copied..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn cell(text: &str) -> String {
        let (mut scratch, mut out) = (String::new(), Vec::new());
        push_cell(text, &mut scratch, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quotes_only_where_needed() {
        assert_eq!(cell("plain text; 'single' | \t tab"), "plain text; 'single' | \t tab");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("a\nb"), "\"a\nb\"");
        assert_eq!(cell("a\rb"), "\"a\rb\"");
        assert_eq!(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(cell("\""), "\"\"\"\"");
        assert_eq!(cell(""), "");
    }

    #[test]
    fn formulas_are_left_as_they_are() {
        for text in ["=1+1", "+1", "-1", "@x"] {
            assert_eq!(cell(text), text);
        }
    }

    #[test]
    fn control_characters_become_question_marks() {
        assert_eq!(cell("a\u{0}b\u{7f}c\u{85}d"), "a?b?c?d");
        assert_eq!(cell("a\u{1},\u{2}"), "\"a?,?\"");
        assert_eq!(cell("\u{FEFF}\u{FFFE}é"), "\u{FEFF}\u{FFFE}é");
    }
}
