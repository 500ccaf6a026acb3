//! One cell: control characters replaced, quotes only where RFC 4180 needs them.

use crate::encode::text::{class, is_replaced, replace};

/// Appends `text` as a cell.
#[inline]
pub(super) fn push_cell(text: &str, scratch: &mut String, out: &mut String) {
    let classes = class::of(text);
    if classes & (class::QUOTE | class::CONTROL) == 0 {
        return out.push_str(text);
    }
    let text = if classes & class::CONTROL == 0 { text } else { replace(text, is_replaced, scratch) };
    if classes & class::QUOTE == 0 {
        return out.push_str(text);
    }
    out.push('"');
    let mut copied = 0;
    for quote in memchr::memchr_iter(b'"', text.as_bytes()) {
        // The quote goes out here and once more with what follows it.
        out.push_str(&text[copied..=quote]);
        copied = quote;
    }
    out.push_str(&text[copied..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> String {
        let (mut scratch, mut out) = (String::new(), String::new());
        push_cell(text, &mut scratch, &mut out);
        out
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
