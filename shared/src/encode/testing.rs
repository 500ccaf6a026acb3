//! Batches of the lake, made up for tests, and files made of them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringViewBuilder};
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{
    EncodeError, FILE_LIMIT_BYTES, FileContent, FileOptions, GzipLevel, PropertyKeys, PropertyScope, columns,
    open,
};
use crate::domain::{Format, IdentityPriority, Packaging};

/// A row of the lake: an event, or a profile (then `props` are its properties and `session` is unused).
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) ts_micros: i64,
    pub(super) texts: BTreeMap<&'static str, String>,
    pub(super) numbers: BTreeMap<&'static str, f64>,
    pub(super) all_identities: Option<Vec<Option<String>>>,
    pub(super) props: String,
    pub(super) session: Option<String>,
}

impl Row {
    pub(super) fn new(props: impl Into<String>) -> Self {
        // 2025-06-11T07:08:09.123456Z
        Self { ts_micros: 1_749_625_689_123_456, props: props.into(), ..Self::default() }
    }

    pub(super) fn text(mut self, column: &'static str, value: &str) -> Self {
        self.texts.insert(column, value.to_owned());
        self
    }

    pub(super) fn number(mut self, column: &'static str, value: f64) -> Self {
        self.numbers.insert(column, value);
        self
    }

    pub(super) fn all_identities(mut self, values: &[Option<&str>]) -> Self {
        self.all_identities = Some(values.iter().map(|value| value.map(str::to_owned)).collect());
        self
    }

    pub(super) fn session(mut self, props: &str) -> Self {
        self.session = Some(props.to_owned());
        self
    }

    /// A row in which nothing is absent.
    pub(super) fn full(props: &str) -> Self {
        let texts = columns::EVENT_STRINGS.iter().map(|name| (*name, format!("<{name}>"))).collect();
        Self { texts, ..Self::new(props) }
            .number("dpi", 320.0)
            .number("width", 2.5)
            .number("height", 4.0)
            .all_identities(&[Some("a"), Some("b")])
            .session("{\"utm\":\"x\"}")
    }
}

fn strings(name: &str, values: impl Iterator<Item = Option<String>>) -> (Field, ArrayRef) {
    let array: StringViewArray = values.collect();
    (Field::new(name, DataType::Utf8View, true), Arc::new(array))
}

fn common(rows: &[Row], texts: &[&'static str]) -> Vec<(Field, ArrayRef)> {
    let mut lists = ListBuilder::new(StringViewBuilder::new()).with_field(Field::new(
        "element",
        DataType::Utf8View,
        true,
    ));
    for row in rows {
        lists.append_option(row.all_identities.clone());
    }
    let mut found = vec![(
        Field::new(columns::ALL_IDENTITIES, columns::string_list(), true),
        Arc::new(lists.finish()) as ArrayRef,
    )];
    found.extend(texts.iter().map(|name| strings(name, rows.iter().map(|row| row.texts.get(name).cloned()))));
    found
}

fn batch(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

pub(super) fn events(rows: &[Row]) -> RecordBatch {
    let mut found = common(rows, &columns::EVENT_STRINGS);
    let ts = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.ts_micros));
    found.push((Field::new(columns::TS, columns::timestamp(), false), Arc::new(ts.with_timezone("UTC"))));
    found.push(strings(columns::EVENT_PROPS, rows.iter().map(|row| Some(row.props.clone()))));
    found.push(strings(columns::SESSION_PROPS, rows.iter().map(|row| row.session.clone())));
    for name in columns::EVENT_NUMBERS {
        let array: Float64Array = rows.iter().map(|row| row.numbers.get(name).copied()).collect();
        found.push((Field::new(name, DataType::Float64, true), Arc::new(array)));
    }
    batch(found)
}

pub(super) fn profiles(rows: &[Row]) -> RecordBatch {
    let mut found = common(rows, &[columns::OBJECT_ID, columns::IDENTITY, "email", "phone"]);
    found.push(strings(columns::PROFILE_PROPS, rows.iter().map(|row| Some(row.props.clone()))));
    batch(found)
}

/// Plain files, UTC, the real limit.
pub(super) fn options(format: Format) -> FileOptions {
    FileOptions {
        format,
        packaging: Packaging::Plain,
        gzip_level: GzipLevel::Fast,
        as_string: false,
        header_line: true,
        identities: IdentityPriority::default(),
        time_zone: TimeZone::UTC,
        limit_bytes: FILE_LIMIT_BYTES,
    }
}

/// Events called `Product Viewed`, with the CSV columns that `rows` need.
pub(super) fn event_content(rows: &[Row]) -> FileContent {
    let mut keys = PropertyKeys::new();
    for row in rows {
        keys.add_text(PropertyScope::Event, &row.props).unwrap();
        row.session.iter().for_each(|text| keys.add_text(PropertyScope::Session, text).unwrap());
    }
    FileContent::Events { event_name: "Product Viewed".into(), columns: keys.columns() }
}

pub(super) fn profile_content(rows: &[Row]) -> FileContent {
    let mut keys = PropertyKeys::new();
    rows.iter().for_each(|row| keys.add_text(PropertyScope::Profile, &row.props).unwrap());
    FileContent::Profiles { columns: keys.columns() }
}

/// One file of all rows.
pub(super) fn file(
    options: &FileOptions,
    content: &FileContent,
    batch: &RecordBatch,
) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    let mut encoder = open(options, content)?;
    let taken = encoder.push(batch, 0, &mut out)?;
    assert_eq!(taken, batch.num_rows(), "the file is full");
    encoder.finish(&mut out)?;
    Ok(out)
}

/// A plain text file of events called `Product Viewed`.
pub(super) fn event_text(options: &FileOptions, rows: &[Row]) -> String {
    String::from_utf8(file(options, &event_content(rows), &events(rows)).unwrap()).unwrap()
}

/// A plain text file of profiles.
pub(super) fn profile_text(options: &FileOptions, rows: &[Row]) -> String {
    String::from_utf8(file(options, &profile_content(rows), &profiles(rows)).unwrap()).unwrap()
}

/// The error of a file of one event.
pub(super) fn event_error(options: &FileOptions, row: &Row) -> EncodeError {
    let content = FileContent::Events { event_name: "E".into(), columns: Vec::new() };
    file(options, &content, &events(std::slice::from_ref(row))).unwrap_err()
}

pub(super) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut decoder = flate2::bufread::GzDecoder::new(bytes);
    decoder.read_to_end(&mut raw).unwrap();
    assert!(decoder.into_inner().is_empty(), "more than one member");
    raw
}

/// Keys that tempt every format, and any others.
pub(super) fn key() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 13] =
        ["a", "b", "Items", "a|b", "", "|", "x,y", "line\nend", "q\"", "]]>", "\u{0}", "\u{85}", "Email"];
    prop_oneof![4 => prop::sample::select(&KNOWN[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

/// A JSON object, nested some levels deep.
pub(super) fn json_object() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000..1000_i32).prop_map(|n| Value::from(f64::from(n) / 8.0)),
        any::<String>().prop_map(Value::from),
        "[a-z ,\"\r\n&<>|]{0,8}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::vec((key(), value), 0..6)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// All rows over as many files as the limit makes, in batches of the sizes of `steps` over and over.
pub(super) fn files(
    options: &FileOptions,
    content: &FileContent,
    batch: &RecordBatch,
    steps: &[usize],
) -> Result<Vec<Vec<u8>>, EncodeError> {
    let (mut files, mut steps, mut from) = (Vec::new(), steps.iter().cycle(), 0);
    loop {
        let (mut encoder, mut out, mut taken) = (open(options, content)?, Vec::new(), 0);
        while from < batch.num_rows() {
            let end = batch.num_rows().min(from.saturating_add(*steps.next().unwrap()));
            let count = encoder.push(&batch.slice(0, end), from, &mut out)?;
            from += count;
            taken += count;
            if from < end {
                break;
            }
        }
        encoder.finish(&mut out)?;
        files.push(out);
        if from == batch.num_rows() {
            return Ok(files);
        }
        assert!(taken > 0, "a file of no rows, and it is full");
    }
}
