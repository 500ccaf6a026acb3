//! What the text formats share: numbers as text and the replacement of control characters.

use std::fmt::Write;

/// Appends an integer.
#[inline]
pub(super) fn push_integer(value: i64, out: &mut String) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// Appends a finite number: without a fraction where it is whole, never with an exponent.
pub(super) fn push_number(value: f64, out: &mut String) {
    /// Below this, whole numbers and `i64` agree.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.abs() < EXACT && value.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and small, see the condition")]
        push_integer(value as i64, out);
    } else {
        write!(out, "{value}").expect("writing to a string cannot fail");
    }
}

/// What a byte may mean to the text formats; the classes of a text's bytes are or-ed together.
pub(super) mod class {
    /// Needs quotes in CSV: comma, quote, CR, LF.
    pub(in crate::encode) const QUOTE: u8 = 1;
    /// Is escaped in XML: `&`, `<`, `>`, CR.
    pub(in crate::encode) const MARKUP: u8 = 2;
    /// A control character, or the first byte of one, or of a character that XML forbids.
    pub(in crate::encode) const CONTROL: u8 = 4;

    const TABLE: [u8; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 32 {
            table[byte] = CONTROL;
            byte += 1;
        }
        table[b'\t' as usize] = 0;
        table[b'\n' as usize] = QUOTE;
        table[b'\r' as usize] = QUOTE | MARKUP;
        table[b',' as usize] = QUOTE;
        table[b'"' as usize] = QUOTE;
        table[b'&' as usize] = MARKUP;
        table[b'<' as usize] = MARKUP;
        table[b'>' as usize] = MARKUP;
        table[0x7F] = CONTROL;
        // U+0080 to U+009F begin with C2, U+FFFE and U+FFFF with EF.
        table[0xC2] = CONTROL;
        table[0xEF] = CONTROL;
        table
    };

    /// All classes that occur in `text`.
    #[inline]
    pub(in crate::encode) fn of(text: &str) -> u8 {
        text.bytes().fold(0, |all, byte| all | TABLE[usize::from(byte)])
    }
}

/// Whether CSV and XML replace it by `?` (FORMATS, Records): Cc other than TAB, LF, CR.
pub(super) fn is_replaced(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r')
}

/// `text` with every character that `replaced` names as `?`.
pub(super) fn replace<'a>(text: &'a str, replaced: fn(char) -> bool, scratch: &'a mut String) -> &'a str {
    if !text.contains(replaced) {
        return text;
    }
    scratch.clear();
    scratch.extend(text.chars().map(|character| if replaced(character) { '?' } else { character }));
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: f64) -> String {
        let mut out = String::new();
        push_number(value, &mut out);
        out
    }

    #[test]
    fn numbers_have_no_fraction_where_whole() {
        assert_eq!(number(320.0), "320");
        assert_eq!(number(2.5), "2.5");
        assert_eq!(number(-0.0), "0");
        assert_eq!(number(-3.0), "-3");
        assert_eq!(number(9_007_199_254_740_993.0), "9007199254740992");
        assert_eq!(number(1e21), "1000000000000000000000");
        assert_eq!(number(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(number(1e-7), "0.0000001");
    }

    #[test]
    fn control_characters_but_tab_lf_cr_are_replaced() {
        let mut scratch = String::new();
        let text = "a\u{0}\t\n\r\u{1f} \u{7f}\u{80}\u{85}\u{9f}\u{a0}é";
        assert_eq!(replace(text, is_replaced, &mut scratch), "a?\t\n\r? ????\u{a0}é");
        assert_eq!(class::of(text) & class::CONTROL, class::CONTROL);
        assert_eq!(class::of("plain text, \u{1F600}"), class::QUOTE);
    }
}
