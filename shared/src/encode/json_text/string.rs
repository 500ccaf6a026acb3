//! The inside of JSON strings: finding what is special, decoding and encoding.

use crate::encode::text::{PushText as _, any_byte};

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;

/// The first byte from `from` on that is a quote, a backslash or a control character; else the length.
#[inline(always)]
pub(super) fn next_special(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    // Sixteen bytes at a time and without a branch between their halves: most texts are shorter, and how long they are can
    // hardly be foretold.
    while let Some(sixteen) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let sixteen = u128::from_le_bytes(*sixteen);
        #[expect(clippy::cast_possible_truncation, reason = "the halves")]
        let (first, second) = (specials(sixteen as u64), specials((sixteen >> 64) as u64));
        let (hits, before) = if first == 0 { (second, 8) } else { (first, 0) };
        if hits != 0 {
            return at + before + hits.trailing_zeros() as usize / 8;
        }
        at += 16;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1F);
    bytes[at..].iter().position(is_special).map_or(bytes.len(), |found| at + found)
}

/// The high bit of each of eight bytes that is special, the first one lowest. A borrow can only disturb bytes behind the
/// first hit.
#[inline(always)]
fn specials(eight: u64) -> u64 {
    let (quote, backslash) = (eight ^ (ONES * b'"' as u64), eight ^ (ONES * b'\\' as u64));
    let hits = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (eight.wrapping_sub(ONES * 0x20) & !eight);
    hits & HIGHS
}

/// Where the digits end that begin at `from`.
#[inline(always)]
pub(super) fn end_of_digits(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        // Zero to nine for digits; what is more than that reaches the high bit.
        let values = u64::from_le_bytes(*eight) ^ (ONES * b'0' as u64);
        let others = (((values & !HIGHS) + ONES * (0x80 - 10)) | values) & HIGHS;
        if others != 0 {
            return at + others.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The code unit of a `\uXXXX` at `at`.
pub(super) fn unit_at(bytes: &[u8], at: usize) -> Option<u16> {
    let escape: &[u8; 6] = bytes.get(at..)?.first_chunk()?;
    let [b'\\', b'u', digits @ ..] = escape else { return None };
    digits.iter().try_fold(0_u16, |unit, digit| {
        let value = (*digit as char).to_digit(16)?;
        Some(unit << 4 | u16::try_from(value).ok()?)
    })
}

/// Appends the text that `raw` (checked, between its quotes) stands for.
pub(super) fn push_decoded(raw: &str, out: &mut String) {
    let bytes = raw.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        out.push_str(&raw[at..at + found]);
        at += found;
        let (character, length) = match bytes.get(at + 1) {
            Some(b'u') => unicode_escape(bytes, at),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b'n') => ('\n', 2),
            Some(b'r') => ('\r', 2),
            Some(b't') => ('\t', 2),
            Some(other) => (*other as char, 2),
            None => ('\\', 1),
        };
        out.push(character);
        at += length;
    }
    out.push_str(&raw[at..]);
}

fn unicode_escape(bytes: &[u8], at: usize) -> (char, usize) {
    let units = [unit_at(bytes, at), unit_at(bytes, at + 6)];
    let mut characters = char::decode_utf16(units.into_iter().map_while(|unit| unit));
    match characters.next() {
        Some(Ok(character)) => (character, 6 * character.len_utf16()),
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// Appends `text` as a JSON string; `/` and everything beyond ASCII stay as they are.
#[inline(always)]
pub(in crate::encode) fn push_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    push_json_text(text, out);
    out.push(b'"');
}

/// The same without the quotes.
#[inline(always)]
pub(in crate::encode) fn push_json_text(text: &str, out: &mut Vec<u8>) {
    if any_byte(text.as_bytes(), |byte| (byte < 0x20) | (byte == b'"') | (byte == b'\\')) {
        push_escaped(text, out);
    } else {
        out.push_text(text);
    }
}

#[cold]
fn push_escaped(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    loop {
        let at = next_special(bytes, copied);
        out.push_text(&text[copied..at]);
        let Some(byte) = bytes.get(at) else { break };
        match byte {
            b'"' => out.push_text("\\\""),
            b'\\' => out.push_text("\\\\"),
            b'\n' => out.push_text("\\n"),
            b'\r' => out.push_text("\\r"),
            b'\t' => out.push_text("\\t"),
            8 => out.push_text("\\b"),
            12 => out.push_text("\\f"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.push_text("\\u00");
                out.push(HEX[usize::from(control >> 4)]);
                out.push(HEX[usize::from(control & 15)]);
            }
        }
        copied = at + 1;
    }
}
