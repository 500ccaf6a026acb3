//! The builder for `eventProps`, `sessionProps` and `profileProps`.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder as _, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, StringBuilder,
};
use arrow_array::{ArrayRef, Float32Array, MapArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};

use super::{fields, schema};
use crate::encode::json_text::{Kind, Member, Members};

/// Maps of properties.
#[derive(Debug)]
pub(super) struct PropertiesBuilder {
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    keys: StringBuilder,
    values: Values,
    scratch: String,
}

#[derive(Debug)]
enum Values {
    Strings(StringBuilder),
    Union(Box<Union>),
}

/// `member3` has no builder, it is always null. A member's builder is behind the union by nulls that are owed until its
/// next value, so that a value costs one member and not all.
#[derive(Debug, Default)]
struct Union {
    len: usize,
    booleans: BooleanBuilder,
    ints: Int32Builder,
    longs: Int64Builder,
    doubles: Float64Builder,
    strings: StringBuilder,
}

impl PropertiesBuilder {
    pub(super) fn new(as_string: bool) -> Self {
        let values =
            if as_string { Values::Strings(StringBuilder::new()) } else { Values::Union(Box::default()) };
        let nulls = NullBufferBuilder::new(0);
        Self { offsets: vec![0], nulls, keys: StringBuilder::new(), values, scratch: String::new() }
    }

    /// Takes the properties of one row. None at all is null, unless `always`: then it is an empty map.
    pub(super) fn append(&mut self, members: Option<Members<'_>>, always: bool) {
        let before = self.keys.offsets_slice().len();
        for member in members.into_iter().flat_map(Members::last) {
            if let Some(text) = member.plain_text(&mut self.scratch) {
                self.keys.append_value(member.key);
                match &mut self.values {
                    Values::Strings(strings) => strings.append_value(text),
                    Values::Union(union) => union.append(&member, text),
                }
            }
        }
        let entries = self.keys.offsets_slice().len();
        self.nulls.append(always || entries > before);
        // Rows go out in chunks of bounded bytes, far below this.
        self.offsets.push(i32::try_from(entries - 1).expect("a chunk has fewer than 2^31 entries"));
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        let (as_string, values): (_, ArrayRef) = match &mut self.values {
            Values::Strings(strings) => (true, Arc::new(fields::finish_strings(strings))),
            Values::Union(union) => (false, Arc::new(union.finish())),
        };
        let keys = Arc::new(fields::finish_strings(&mut self.keys));
        let entries = StructArray::new(schema::entry(as_string), vec![keys, values], None);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.offsets, vec![0])));
        Arc::new(MapArray::new(schema::key_value(as_string), offsets, entries, self.nulls.finish(), false))
    }
}

/// Where a value goes in the union.
#[derive(Debug, PartialEq)]
enum Place {
    Boolean(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    Text,
}

impl Place {
    /// By the literal, not by its value: `1` is an integer, `1.0` and `1e0` are other numbers. A number that a
    /// type would lose stays text: integers beyond 64 bits, infinities, and what a double would round to zero.
    fn of(kind: Kind, text: &str) -> Self {
        match kind {
            Kind::Bool => Self::Boolean(text == "true"),
            Kind::Number if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => {
                let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
                let is_zero = !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
                match text.parse::<f64>() {
                    Ok(double) if double.is_finite() && (double != 0.0 || is_zero) => Self::Double(double),
                    _ => Self::Text,
                }
            }
            Kind::Number => match text.parse::<i64>() {
                Ok(long) => i32::try_from(long).map_or(Self::Long(long), Self::Int),
                Err(_) => Self::Text,
            },
            _ => Self::Text,
        }
    }
}

impl Union {
    #[inline]
    fn append(&mut self, member: &Member<'_>, text: &str) {
        let Self { len, booleans, ints, longs, doubles, strings } = self;
        match Place::of(member.kind, text) {
            Place::Boolean(value) => {
                booleans.append_nulls(*len - booleans.len());
                booleans.append_value(value);
            }
            Place::Int(value) => {
                ints.append_nulls(*len - ints.len());
                ints.append_value(value);
            }
            Place::Long(value) => {
                longs.append_nulls(*len - longs.len());
                longs.append_value(value);
            }
            Place::Double(value) => {
                doubles.append_nulls(*len - doubles.len());
                doubles.append_value(value);
            }
            Place::Text => {
                strings.append_nulls(*len - strings.len());
                strings.append_value(text);
            }
        }
        *len += 1;
    }

    fn finish(&mut self) -> StructArray {
        let len = std::mem::take(&mut self.len);
        self.booleans.append_nulls(len - self.booleans.len());
        self.ints.append_nulls(len - self.ints.len());
        self.longs.append_nulls(len - self.longs.len());
        self.doubles.append_nulls(len - self.doubles.len());
        self.strings.append_nulls(len - self.strings.len());
        let members: Vec<ArrayRef> = vec![
            Arc::new(self.booleans.finish()),
            Arc::new(self.ints.finish()),
            Arc::new(self.longs.finish()),
            Arc::new(Float32Array::new_null(len)),
            Arc::new(self.doubles.finish()),
            Arc::new(fields::finish_strings(&mut self.strings)),
        ];
        StructArray::new(schema::union(), members, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_where_they_lose_nothing() {
        let place = |text| Place::of(Kind::Number, text);
        assert_eq!(place("0"), Place::Int(0));
        assert_eq!(place("-2147483648"), Place::Int(i32::MIN));
        assert_eq!(place("2147483648"), Place::Long(2_147_483_648));
        assert_eq!(place("9223372036854775807"), Place::Long(i64::MAX));
        assert_eq!(place("9223372036854775808"), Place::Text);
        assert_eq!(place("1234567890123456789012345678901234567890"), Place::Text);
        assert_eq!(place("1.0"), Place::Double(1.0));
        assert_eq!(place("1E2"), Place::Double(100.0));
        assert_eq!(place("1e400"), Place::Text);
        assert_eq!(place("-1e400"), Place::Text);
        assert_eq!(place("1e-400"), Place::Text);
        assert_eq!(place("0.0e-400"), Place::Double(0.0));
        assert_eq!(place("5e-324"), Place::Double(5e-324));
        assert_eq!(Place::of(Kind::String, "1"), Place::Text);
        assert_eq!(Place::of(Kind::Bool, "true"), Place::Boolean(true));
    }
}
