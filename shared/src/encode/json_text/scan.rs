//! The one pass over a JSON text: strict, non-recursive, copying only around what it changes.

use super::members::Kind;
use super::{JsonFault, string};

/// Who wants to know about the members (of an object) or elements (of an array) of the outermost container.
/// Positions count in the text as it comes out.
pub(super) trait Watch {
    /// A key between its quotes.
    fn key(&mut self, start: usize, end: usize, escaped: bool);
    /// The value after the key, or an element; `escaped` is a string with escapes.
    fn value(&mut self, kind: Kind, escaped: bool, start: usize, end: usize);
    /// Whether the outermost value may be this.
    fn accepts(&self, kind: Kind) -> bool;
}

/// Takes any object and looks at nothing.
pub(super) struct Ignore;

impl Watch for Ignore {
    fn key(&mut self, _: usize, _: usize, _: bool) {}
    fn value(&mut self, _: Kind, _: bool, _: usize, _: usize) {}
    fn accepts(&self, kind: Kind) -> bool {
        kind == Kind::Object
    }
}

/// Scans `text`. What comes out is what was appended to `out` followed by the returned end of `text`; for a
/// text that needs no change, that is the text itself and `out` stays as it was.
pub(super) fn scan<'t, W: Watch>(
    text: &'t str,
    stack: &mut Vec<bool>,
    out: &mut String,
    watch: &mut W,
) -> Result<&'t str, JsonFault> {
    stack.clear();
    let base = out.len();
    let mut scan = Scan { text, bytes: text.as_bytes(), pos: 0, copied: 0, out, base };
    scan.skip_space();
    if !scan.peek().and_then(Kind::from_first_byte).is_some_and(|kind| watch.accepts(kind)) {
        return Err(scan.fault("expected `{`"));
    }
    scan.value(stack, watch)?;
    scan.skip_space();
    if scan.pos < text.len() {
        return Err(scan.fault("text after the value"));
    }
    Ok(&text[scan.copied..])
}

struct Scan<'t, 'o> {
    text: &'t str,
    bytes: &'t [u8],
    pos: usize,
    /// What stands before has been appended to `out` or dropped.
    copied: usize,
    out: &'o mut String,
    base: usize,
}

impl Scan<'_, '_> {
    fn value<W: Watch>(&mut self, stack: &mut Vec<bool>, watch: &mut W) -> Result<(), JsonFault> {
        // Where the member of the outermost container began.
        let mut start = 0;
        'value: loop {
            let Some(kind) = self.peek().and_then(Kind::from_first_byte) else {
                return Err(self.fault("expected a value"));
            };
            if stack.len() == 1 {
                start = self.position();
            }
            let (mut ended, mut escaped) = (kind, false);
            match kind {
                Kind::String => escaped = self.string()?,
                Kind::Number => self.number()?,
                Kind::Null => self.literal("null")?,
                Kind::Bool => {
                    let word = if self.peek() == Some(b't') { "true" } else { "false" };
                    self.literal(word)?;
                }
                Kind::Object | Kind::Array => {
                    self.pos += 1;
                    self.skip_space();
                    let closing = if kind == Kind::Object { b'}' } else { b']' };
                    if self.peek() == Some(closing) {
                        self.pos += 1;
                    } else {
                        stack.push(kind == Kind::Object);
                        if kind == Kind::Object {
                            self.key(stack, watch)?;
                        }
                        continue 'value;
                    }
                }
            }
            loop {
                let Some(in_object) = stack.last().copied() else { return Ok(()) };
                if stack.len() == 1 {
                    let end = self.position();
                    watch.value(ended, escaped, start, end);
                }
                self.skip_space();
                match (self.peek(), in_object) {
                    (Some(b','), _) => {
                        self.pos += 1;
                        self.skip_space();
                        if in_object {
                            self.key(stack, watch)?;
                        }
                        continue 'value;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.pos += 1;
                        stack.pop();
                        (ended, escaped) = (if in_object { Kind::Object } else { Kind::Array }, false);
                    }
                    (_, true) => return Err(self.fault("expected `,` or `}`")),
                    (_, false) => return Err(self.fault("expected `,` or `]`")),
                }
            }
        }
    }

    /// A key, its colon and the white space around it.
    #[inline]
    fn key<W: Watch>(&mut self, stack: &[bool], watch: &mut W) -> Result<(), JsonFault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("expected a key in quotes"));
        }
        let start = self.position() + 1;
        let escaped = self.string()?;
        if stack.len() == 1 {
            let end = self.position() - 1;
            watch.key(start, end, escaped);
        }
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.fault("expected `:`"));
        }
        self.pos += 1;
        self.skip_space();
        Ok(())
    }

    /// From the opening quote to behind the closing one. Whether there were escapes.
    #[inline]
    fn string(&mut self) -> Result<bool, JsonFault> {
        self.pos += 1;
        let mut escaped = false;
        loop {
            self.pos = string::next_special(self.bytes, self.pos);
            match self.peek() {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.fault("a control character in a string")),
                None => return Err(self.fault("a string without end")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonFault> {
        match self.bytes.get(self.pos + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.pos += 2,
            Some(b'u') => {
                let Some(unit) = string::unit_at(self.bytes, self.pos) else {
                    return Err(self.fault("a `\\u` without four hexadecimal digits"));
                };
                let low = || string::unit_at(self.bytes, self.pos + 6);
                match unit {
                    0xD800..=0xDBFF if matches!(low(), Some(0xDC00..=0xDFFF)) => self.pos += 12,
                    0xD800..=0xDFFF => {
                        self.cut(self.pos, self.pos + 6);
                        self.out.push(char::REPLACEMENT_CHARACTER);
                        self.pos += 6;
                    }
                    _ => self.pos += 6,
                }
            }
            _ => return Err(self.fault("an unknown escape")),
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<(), JsonFault> {
        if self.peek() == Some(b'-') {
            self.pos += 1;
        }
        if self.peek() == Some(b'0') {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.pos += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.pos += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.pos += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), JsonFault> {
        let from = self.pos;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.pos += 1;
        }
        if self.pos == from { Err(self.fault("expected a digit")) } else { Ok(()) }
    }

    fn literal(&mut self, word: &str) -> Result<(), JsonFault> {
        if self.bytes[self.pos..].starts_with(word.as_bytes()) {
            self.pos += word.len();
            Ok(())
        } else {
            Err(self.fault("an unknown word"))
        }
    }

    #[inline]
    fn skip_space(&mut self) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            let from = self.pos;
            while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
                self.pos += 1;
            }
            self.cut(from, self.pos);
        }
    }

    /// Leaves out what stands between `from` and `to`.
    fn cut(&mut self, from: usize, to: usize) {
        if from < to {
            self.out.push_str(&self.text[self.copied..from]);
            self.copied = to;
        }
    }

    /// The position of `pos` in the text as it comes out.
    #[inline]
    fn position(&self) -> usize {
        self.out.len() - self.base + self.pos - self.copied
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    #[cold]
    fn fault(&self, reason: &'static str) -> JsonFault {
        let reason = if self.pos >= self.bytes.len() { "the text ends too early" } else { reason };
        JsonFault { at_byte: self.pos, reason }
    }
}
