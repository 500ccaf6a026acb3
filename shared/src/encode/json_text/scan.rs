//! The one pass over a JSON text: strict, non-recursive, copying only around what it changes.

use super::members::Kind;
use super::{JsonFault, string};

/// Who wants to know about the members (of an object) or elements (of an array) of the outermost container, which is an
/// object unless it says otherwise. Positions count in the text as it comes out.
pub(super) trait Watch {
    /// A key between its quotes.
    fn key(&mut self, _start: usize, _end: usize, _escaped: bool) {}
    /// The value after the key, or an element; `escaped` is a string with escapes.
    fn value(&mut self, kind: Kind, escaped: bool, start: usize, end: usize);
    /// Whether the outermost value may be this.
    fn accepts(&self, kind: Kind) -> bool {
        kind == Kind::Object
    }
}

/// Takes any object and looks at nothing.
pub(super) struct Ignore;

impl Watch for Ignore {
    fn value(&mut self, _: Kind, _: bool, _: usize, _: usize) {}
}

/// Scans `text`. Gives what comes out in one piece: `text` itself where it needs no change, else what is then in `changed`.
#[inline(always)]
pub(super) fn minified<'t, W: Watch>(
    text: &'t str,
    stack: &mut Vec<bool>,
    changed: &'t mut String,
    watch: &mut W,
) -> Result<&'t str, JsonFault> {
    changed.clear();
    let rest = scan(text, stack, changed, watch)?;
    if rest.len() == text.len() {
        return Ok(text);
    }
    changed.push_str(rest);
    Ok(changed)
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
    let mut kept = Kept::new(text, out);
    let mut cursor = Cursor { bytes: text.as_bytes(), pos: 0 };
    cursor.skip_space(&mut kept);
    match cursor.peek().and_then(Kind::from_first_byte) {
        Some(kind @ (Kind::Object | Kind::Array)) if watch.accepts(kind) => {
            cursor.container(kind == Kind::Object, stack, &mut kept, watch)?;
        }
        _ => return Err(cursor.fault("expected `{`")),
    }
    cursor.skip_space(&mut kept);
    if cursor.pos < text.len() {
        return Err(cursor.fault("text after the value"));
    }
    Ok(&text[kept.copied..])
}

/// What comes out.
struct Kept<'t, 'o> {
    text: &'t str,
    /// What stands before has been appended to `out` or dropped.
    copied: usize,
    out: &'o mut String,
    begin: usize,
    /// What is to be added to a position in the text, modulo 2^64, to have it in the text as it comes out.
    shift: usize,
}

impl<'t, 'o> Kept<'t, 'o> {
    fn new(text: &'t str, out: &'o mut String) -> Self {
        let begin = out.len();
        Self { text, copied: 0, out, begin, shift: 0 }
    }

    /// Puts `instead` where `from` to `to` stand.
    #[cold]
    fn cut(&mut self, from: usize, to: usize, instead: &str) {
        self.out.push_str(&self.text[self.copied..from]);
        self.out.push_str(instead);
        self.copied = to;
        self.shift = (self.out.len() - self.begin).wrapping_sub(to);
    }

    /// `pos` in the text as it comes out.
    #[inline(always)]
    fn position(&self, pos: usize) -> usize {
        pos.wrapping_add(self.shift)
    }
}

/// A place in the text. What is done with it often is inlined, so that it stays in registers.
#[derive(Clone, Copy)]
struct Cursor<'t> {
    bytes: &'t [u8],
    pos: usize,
}

impl Cursor<'_> {
    /// The outermost object or array, and all that is in it.
    #[inline(always)]
    fn container<W: Watch>(
        &mut self,
        mut in_object: bool,
        stack: &mut Vec<bool>,
        kept: &mut Kept<'_, '_>,
        watch: &mut W,
    ) -> Result<(), JsonFault> {
        self.pos += 1;
        self.skip_space(kept);
        if self.take(closing(in_object)) {
            return Ok(());
        }
        // Where the member of the outermost container began. The stack has the containers around the current one.
        let mut start = 0;
        'member: loop {
            if in_object {
                let (from, to, escaped) = self.key(kept)?;
                if stack.is_empty() {
                    watch.key(from, to, escaped);
                }
            }
            let Some(kind) = self.peek().and_then(Kind::from_first_byte) else {
                return Err(self.fault("expected a value"));
            };
            if stack.is_empty() {
                start = kept.position(self.pos);
            }
            let (mut ended, mut escaped) = (kind, false);
            match kind {
                Kind::String => escaped = self.string(kept)?,
                Kind::Number => self.number()?,
                Kind::Null => self.literal("null")?,
                Kind::Bool => {
                    let word = if self.peek() == Some(b't') { "true" } else { "false" };
                    self.literal(word)?;
                }
                Kind::Object | Kind::Array => {
                    self.pos += 1;
                    self.skip_space(kept);
                    if !self.take(closing(kind == Kind::Object)) {
                        stack.push(in_object);
                        in_object = kind == Kind::Object;
                        continue 'member;
                    }
                }
            }
            loop {
                if stack.is_empty() {
                    watch.value(ended, escaped, start, kept.position(self.pos));
                }
                self.skip_space(kept);
                if self.take(b',') {
                    self.skip_space(kept);
                    continue 'member;
                }
                if !self.take(closing(in_object)) {
                    let reason = if in_object { "expected `,` or `}`" } else { "expected `,` or `]`" };
                    return Err(self.fault(reason));
                }
                (ended, escaped) = (if in_object { Kind::Object } else { Kind::Array }, false);
                match stack.pop() {
                    Some(outer) => in_object = outer,
                    None => return Ok(()),
                }
            }
        }
    }

    /// A key, its colon and the white space around it: where it stands between its quotes, and whether it has escapes.
    #[inline(always)]
    fn key(&mut self, kept: &mut Kept<'_, '_>) -> Result<(usize, usize, bool), JsonFault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("expected a key in quotes"));
        }
        let start = kept.position(self.pos) + 1;
        let escaped = self.string(kept)?;
        let end = kept.position(self.pos) - 1;
        self.skip_space(kept);
        if !self.take(b':') {
            return Err(self.fault("expected `:`"));
        }
        self.skip_space(kept);
        Ok((start, end, escaped))
    }

    /// From the opening quote to behind the closing one. Whether there were escapes.
    #[inline(always)]
    fn string(&mut self, kept: &mut Kept<'_, '_>) -> Result<bool, JsonFault> {
        self.pos = string::next_special(self.bytes, self.pos + 1);
        if self.take(b'"') {
            return Ok(false);
        }
        self.pos = self.rest_of_string(kept)?;
        Ok(true)
    }

    /// From the first special byte that is no quote; to behind the closing quote.
    fn rest_of_string(mut self, kept: &mut Kept<'_, '_>) -> Result<usize, JsonFault> {
        loop {
            match self.peek() {
                Some(b'"') => return Ok(self.pos + 1),
                Some(b'\\') => self.escape(kept)?,
                Some(_) => return Err(self.fault("a control character in a string")),
                None => return Err(self.fault("a string without end")),
            }
            self.pos = string::next_special(self.bytes, self.pos);
        }
    }

    fn escape(&mut self, kept: &mut Kept<'_, '_>) -> Result<(), JsonFault> {
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
                        kept.cut(self.pos, self.pos + 6, "\u{FFFD}");
                        self.pos += 6;
                    }
                    _ => self.pos += 6,
                }
            }
            _ => return Err(self.fault("an unknown escape")),
        }
        Ok(())
    }

    #[inline(always)]
    fn number(&mut self) -> Result<(), JsonFault> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _is_signed = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    #[inline(always)]
    fn digits(&mut self) -> Result<(), JsonFault> {
        let end = string::end_of_digits(self.bytes, self.pos);
        if self.pos == end {
            return Err(self.fault("expected a digit"));
        }
        self.pos = end;
        Ok(())
    }

    #[inline]
    fn literal(&mut self, word: &str) -> Result<(), JsonFault> {
        if self.bytes[self.pos..].starts_with(word.as_bytes()) {
            self.pos += word.len();
            Ok(())
        } else {
            Err(self.fault("an unknown word"))
        }
    }

    #[inline(always)]
    fn skip_space(&mut self, kept: &mut Kept<'_, '_>) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.pos = self.behind_space(kept);
        }
    }

    /// White space does not come out.
    fn behind_space(self, kept: &mut Kept<'_, '_>) -> usize {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let end = self.pos + self.bytes[self.pos..].iter().take_while(|byte| is_space(byte)).count();
        if end > self.pos {
            kept.cut(self.pos, end, "");
        }
        end
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    /// Goes on behind `byte`, if it is here.
    #[inline(always)]
    fn take(&mut self, byte: u8) -> bool {
        let is_here = self.peek() == Some(byte);
        self.pos += usize::from(is_here);
        is_here
    }

    #[cold]
    fn fault(self, reason: &'static str) -> JsonFault {
        let reason = if self.pos >= self.bytes.len() { "the text ends too early" } else { reason };
        JsonFault { at_byte: self.pos, reason }
    }
}

#[inline(always)]
fn closing(of_object: bool) -> u8 {
    if of_object { b'}' } else { b']' }
}
