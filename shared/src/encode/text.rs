//! What the text formats share: numbers as text and the replacement of control characters.

use std::io::Write;

/// Appending text to bytes, which become a file.
pub(super) trait PushText {
    /// Appends text.
    fn push_text(&mut self, text: &str);
}

impl PushText for Vec<u8> {
    #[inline(always)]
    fn push_text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// A short text that is appended often: copied with its padding, which is cut off again, so that the copy has a
/// length that is known in advance.
#[derive(Debug)]
pub(super) struct Short {
    padded: [u8; Self::MOST],
    length: usize,
}

impl Short {
    const MOST: usize = 24;

    /// Of at most 24 bytes; a longer one does not compile where it is a constant.
    pub(super) const fn new(text: &str) -> Self {
        let (bytes, mut padded, mut at) = (text.as_bytes(), [0; Self::MOST], 0);
        while at < bytes.len() {
            padded[at] = bytes[at];
            at += 1;
        }
        Self { padded, length: at }
    }

    /// Appends it.
    #[inline(always)]
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&self.padded);
        out.truncate(begin + self.length);
    }
}

/// Appends an integer.
#[inline]
pub(super) fn push_integer(value: i64, out: &mut Vec<u8>) {
    out.push_text(itoa::Buffer::new().format(value));
}

/// Whether `is_suspect` says so of any byte. It is to be made of comparisons alone, so that sixteen bytes take a few
/// instructions; the ends of a text are looked at twice where that saves a loop.
#[inline(always)]
pub(super) fn any_byte(bytes: &[u8], is_suspect: impl Fn(u8) -> bool) -> bool {
    // No branches, so that the compiler makes it a comparison of all bytes at once.
    let among = |some: &[u8]| some.iter().fold(0, |any, byte| any | u8::from(is_suspect(*byte))) != 0;
    if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        if bytes.len() <= 32 {
            return among(first) | among(last);
        }
        let (whole, _) = bytes.as_chunks::<16>();
        return whole.iter().any(|some| among(some)) || among(last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return among(first) | among(last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return among(first) | among(last);
    }
    among(bytes)
}

/// Appends a finite number: without a fraction where it is whole, never with an exponent.
pub(super) fn push_number(value: f64, out: &mut Vec<u8>) {
    /// Below this, whole numbers and `i64` agree.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.abs() < EXACT && value.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and small, see the condition")]
        push_integer(value as i64, out);
    } else {
        write!(out, "{value}").expect("writing to memory cannot fail");
    }
}

/// What a byte may mean to CSV; the classes of a text's bytes are or-ed together.
pub(super) mod class {
    /// Needs quotes: comma, quote, CR, LF.
    pub(in crate::encode) const QUOTE: u8 = 1;
    /// A control character, or the first byte of one.
    pub(in crate::encode) const CONTROL: u8 = 2;

    const TABLE: [u8; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 32 {
            table[byte] = CONTROL;
            byte += 1;
        }
        table[b'\t' as usize] = 0;
        table[b'\n' as usize] = QUOTE;
        table[b'\r' as usize] = QUOTE;
        table[b',' as usize] = QUOTE;
        table[b'"' as usize] = QUOTE;
        table[0x7F] = CONTROL;
        // U+0080 to U+009F begin with C2.
        table[0xC2] = CONTROL;
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
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_byte_is_overlooked(mut bytes in prop::collection::vec(b'a'..=b'z', 0..80), at in any::<prop::sample::Index>()) {
            prop_assert!(!any_byte(&bytes, |byte| byte == b'"'));
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = b'"';
                prop_assert!(any_byte(&bytes, |byte| byte == b'"'));
            }
        }
    }

    fn number(value: f64) -> String {
        let mut out = Vec::new();
        push_number(value, &mut out);
        String::from_utf8(out).unwrap()
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
