//! The members of an object, or the elements of an array, of one text.

use std::collections::HashSet;

use super::JsonFault;
use super::scan::{Watch, minified};
use super::string::push_decoded;
use crate::encode::hash::FastHash;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::encode) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Object,
    Array,
}

impl Kind {
    #[inline]
    pub(super) fn from_first_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'"' => Self::String,
            b'{' => Self::Object,
            b'[' => Self::Array,
            b'-' | b'0'..=b'9' => Self::Number,
            b't' | b'f' => Self::Bool,
            b'n' => Self::Null,
            _ => return None,
        })
    }
}

/// One member, as positions in the minified text. An element of an array has no key.
#[derive(Debug, Clone, Copy)]
struct Span {
    key_start: usize,
    key_end: usize,
    /// The key stands decoded in the reader's `keys` instead of in the text.
    key_decoded: bool,
    kind: Kind,
    /// It is a string with escapes.
    escaped: bool,
    start: usize,
    end: usize,
    /// A later member has the same key.
    overridden: bool,
}

/// One member of an object, or one element of an array (then both keys are empty).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::encode) struct Member<'a> {
    /// The key as it stands in the text, between its quotes.
    pub(in crate::encode) raw_key: &'a str,
    /// The key that is meant.
    pub(in crate::encode) key: &'a str,
    /// What the value is.
    pub(in crate::encode) kind: Kind,
    /// The value's minified text; a string with its quotes.
    pub(in crate::encode) value: &'a str,
    /// Where the value stands in the minified text.
    pub(in crate::encode) start: usize,
    /// It is a string with escapes.
    escaped: bool,
}

/// Reads objects and arrays; keeps its buffers between texts.
#[derive(Debug, Default)]
pub(in crate::encode) struct MemberReader {
    stack: Vec<bool>,
    text: String,
    keys: String,
    raw_keys: Vec<(usize, usize)>,
    spans: Vec<Span>,
}

/// What a [`MemberReader`] found in one text.
#[derive(Debug, Clone, Copy)]
pub(in crate::encode) struct Members<'a> {
    text: &'a str,
    keys: &'a str,
    raw_keys: &'a [(usize, usize)],
    spans: &'a [Span],
}

struct Collect<'r> {
    root: Kind,
    key: (usize, usize, bool),
    spans: &'r mut Vec<Span>,
}

impl Watch for Collect<'_> {
    #[inline]
    fn key(&mut self, start: usize, end: usize, escaped: bool) {
        self.key = (start, end, escaped);
    }

    #[inline]
    fn value(&mut self, kind: Kind, escaped: bool, start: usize, end: usize) {
        let (key_start, key_end, key_decoded) = self.key;
        self.spans.push(Span {
            key_start,
            key_end,
            key_decoded,
            kind,
            escaped,
            start,
            end,
            overridden: false,
        });
    }

    fn accepts(&self, kind: Kind) -> bool {
        kind == self.root
    }
}

impl MemberReader {
    /// The members of an object, in the order of the text.
    pub(in crate::encode) fn object<'a>(&'a mut self, text: &'a str) -> Result<Members<'a>, JsonFault> {
        self.read(Kind::Object, text)
    }

    /// The elements of an array.
    pub(in crate::encode) fn array<'a>(&'a mut self, text: &'a str) -> Result<Members<'a>, JsonFault> {
        self.read(Kind::Array, text)
    }

    fn read<'a>(&'a mut self, root: Kind, text: &'a str) -> Result<Members<'a>, JsonFault> {
        self.keys.clear();
        self.raw_keys.clear();
        self.spans.clear();
        let mut watch = Collect { root, key: (0, 0, false), spans: &mut self.spans };
        let minified = minified(text, &mut self.stack, &mut self.text, &mut watch)?;
        if root == Kind::Object {
            decode_keys(minified, &mut self.spans, &mut self.keys, &mut self.raw_keys);
            mark_overridden(minified, &self.keys, &mut self.spans);
        }
        Ok(Members { text: minified, keys: &self.keys, raw_keys: &self.raw_keys, spans: &self.spans })
    }
}

/// Decodes the keys that have escapes; `raw_keys` then remembers where they stood.
fn decode_keys(text: &str, spans: &mut [Span], keys: &mut String, raw_keys: &mut Vec<(usize, usize)>) {
    for (at, span) in spans.iter_mut().enumerate().filter(|(_, span)| span.key_decoded) {
        raw_keys.resize(at, (0, 0));
        raw_keys.push((span.key_start, span.key_end));
        let start = keys.len();
        push_decoded(&text[span.key_start..span.key_end], keys);
        (span.key_start, span.key_end) = (start, keys.len());
    }
}

fn key_of<'a>(span: &Span, text: &'a str, keys: &'a str) -> &'a str {
    let source = if span.key_decoded { keys } else { text };
    &source[span.key_start..span.key_end]
}

/// Of members with one key, marks all but the last. A small filter of the keys' hashes shows that nothing is
/// repeated in nearly every object; only where it cannot, keys are compared.
fn mark_overridden(text: &str, keys: &str, spans: &mut [Span]) {
    let mut seen = [0_u64; 64];
    let perhaps_repeated = spans.len() > 1024
        || spans.iter().any(|span| {
            let bits = sketch(key_of(span, text, keys).as_bytes());
            let before = seen[bits / 64];
            seen[bits / 64] |= 1 << (bits % 64);
            seen[bits / 64] == before
        });
    if perhaps_repeated {
        let mut later: HashSet<&str, FastHash> =
            HashSet::with_capacity_and_hasher(spans.len(), FastHash::default());
        for span in spans.iter_mut().rev() {
            span.overridden = !later.insert(key_of(span, text, keys));
        }
    }
}

/// A number below 4096 of a key, by its length, begin and end; equal keys have equal ones, and more is not needed.
#[inline(always)]
fn sketch(key: &[u8]) -> usize {
    let (begin, end) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(begin), Some(end)) => (u64::from_le_bytes(*begin), u64::from_le_bytes(*end)),
        _ => key.iter().fold((0, 0), |(begin, end), byte| (begin << 8 | u64::from(*byte), end)),
    };
    let mixed = begin.wrapping_mul(0x9E37_79B1_85EB_CA87) ^ end.rotate_left(29) ^ key.len() as u64;
    (mixed.wrapping_mul(0x9E37_79B1_85EB_CA87) >> 52) as usize
}

impl<'a> Members<'a> {
    /// The minified text.
    pub(in crate::encode) fn text(&self) -> &'a str {
        self.text
    }

    /// How many there are, duplicates included.
    pub(in crate::encode) fn len(&self) -> usize {
        self.spans.len()
    }

    /// All members, duplicates too.
    pub(in crate::encode) fn all(self) -> impl ExactSizeIterator<Item = Member<'a>> {
        self.spans.iter().enumerate().map(move |(at, span)| self.member(at, span))
    }

    /// The members that count where a key may stand only once: of duplicates the last, at its own place.
    pub(in crate::encode) fn last(self) -> impl Iterator<Item = Member<'a>> {
        let kept = self.spans.iter().enumerate().filter(|(_, span)| !span.overridden);
        kept.map(move |(at, span)| self.member(at, span))
    }

    /// Those of [`Self::last`] whose key or value is longer than so many bytes as it stands in the text, and perhaps others.
    pub(in crate::encode) fn longer_than(self, bytes: usize) -> impl Iterator<Item = Member<'a>> {
        let is_longer = move |span: &Span| {
            span.key_decoded || span.key_end - span.key_start > bytes || span.end - span.start > bytes
        };
        let kept = self.spans.iter().enumerate().filter(move |(_, span)| is_longer(span) && !span.overridden);
        kept.map(move |(at, span)| self.member(at, span))
    }

    /// Whether all are of one kind.
    pub(in crate::encode) fn all_are(&self, kind: Kind) -> bool {
        self.spans.iter().all(|span| span.kind == kind)
    }

    #[inline]
    fn member(&self, at: usize, span: &Span) -> Member<'a> {
        let key = key_of(span, self.text, self.keys);
        let raw_key = match self.raw_keys.get(at) {
            Some((start, end)) if span.key_decoded => &self.text[*start..*end],
            _ => key,
        };
        Member {
            raw_key,
            key,
            kind: span.kind,
            value: &self.text[span.start..span.end],
            start: span.start,
            escaped: span.escaped,
        }
    }
}

impl<'a> Member<'a> {
    /// The value as plain text: a string decoded, anything else its JSON text; null has none.
    #[inline]
    pub(in crate::encode) fn plain_text<'s>(&self, scratch: &'s mut String) -> Option<&'s str>
    where
        'a: 's,
    {
        match self.kind {
            Kind::Null => None,
            Kind::String if self.escaped => {
                scratch.clear();
                push_decoded(&self.value[1..self.value.len() - 1], scratch);
                Some(scratch)
            }
            Kind::String => Some(&self.value[1..self.value.len() - 1]),
            _ => Some(self.value),
        }
    }
}
