//! `$D_<epoch>`: how the upload API writes dates (FORMATS, Ingest).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use jiff::Timestamp;
use memchr::memmem::Finder;

/// `text`, a JSON value, with every string value `$D_<epoch seconds>` replaced by that time in ISO 8601, UTC
/// (`"2021-01-01T00:00:00Z"`). Keys and all else keep their bytes, as does a number that is no time of the years
/// -9999 to 9999.
pub(super) fn replace_dates(text: &str) -> Cow<'_, str> {
    // Also finds the `$` that is written as an escape.
    static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"D_"));
    if MARK.find(text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let (mut replaced, mut done, mut at) = (String::new(), 0, 0);
    while let Some(quote) = memchr::memchr(b'"', &bytes[at..]) {
        let begin = at + quote + 1;
        let end = string_end(bytes, begin);
        at = (end + 1).min(bytes.len());
        let is_key = bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
        if !is_key && let Some(date) = date(&text[begin..end]) {
            replaced.push_str(&text[done..begin]);
            // Writing to a string cannot fail.
            write!(replaced, "{date}").unwrap_or_default();
            done = end;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    replaced.push_str(&text[done..]);
    Cow::Owned(replaced)
}

/// Where the closing quote of a string stands.
fn string_end(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += found;
        if bytes[at] == b'"' {
            return at;
        }
        at = (at + 2).min(bytes.len());
    }
    bytes.len()
}

fn date(string: &str) -> Option<Timestamp> {
    let escaped = || string.strip_prefix("\\u0024");
    let seconds = string.strip_prefix('$').or_else(escaped)?.strip_prefix("D_")?;
    let digits = seconds.strip_prefix('-').unwrap_or(seconds);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Timestamp::from_second(seconds.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::replace_dates;

    #[test]
    fn only_values_that_are_dates_change() {
        let text = r#"{"$D_1609459200": "$D_1609459200","a":["$D_0","$D_-1","$D_","$D_1x","x$D_1"], "n" : {"b":"\u0024D_60"},"e":"\"$D_1","ID_":1e400}"#;
        let expected = r#"{"$D_1609459200": "2021-01-01T00:00:00Z","a":["1970-01-01T00:00:00Z","1969-12-31T23:59:59Z","$D_","$D_1x","x$D_1"], "n" : {"b":"1970-01-01T00:01:00Z"},"e":"\"$D_1","ID_":1e400}"#;
        assert_eq!(replace_dates(text), expected);
    }

    #[test]
    fn what_is_no_time_stays() {
        for text in [r#"{"a":"$D_99999999999999"}"#, r#"{"a":"$D_99999999999999999999999"}"#, "{}"] {
            assert_eq!(replace_dates(text), text);
        }
    }
}
