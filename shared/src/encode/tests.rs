//! What holds for every format: foreign readers agree, hostile properties pass, batches' cuts do not matter.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::Value;

use super::flatten::{Cell, Cells, Flattener};
use super::json_text::Kind;
use super::testing::{
    Row, event_content, event_text, events, file, files, json_object, options, profile_content, profiles,
};
use super::text::is_replaced;
use super::*;
use crate::domain::IdentityKind;

fn row() -> impl Strategy<Value = Row> {
    let text = || prop::option::of(any::<String>());
    (json_object(), prop::option::of(json_object()), text(), text(), any::<bool>()).prop_map(
        |(props, session, name, email, pretty)| {
            let print = if pretty { serde_json::to_string_pretty } else { serde_json::to_string };
            let mut row = Row::new(print(&props).unwrap());
            row.session = session.map(|session| print(&session).unwrap());
            row.texts.extend(name.map(|text| ("name", text)));
            row.texts.extend(email.map(|text| ("email", text)));
            row
        },
    )
}

fn cleaned(text: &str) -> String {
    text.chars().map(|c| if is_replaced(c) { '?' } else { c }).collect()
}

/// Cells as text, by key as it is written, the last one of a key.
#[derive(Default)]
struct Expected(std::collections::BTreeMap<String, String>);

impl Cells for Expected {
    type Error = JsonFault;

    fn cell(&mut self, key: &str, cell: Cell<'_>) -> Result<(), JsonFault> {
        let text = match cell {
            Cell::Value(member) if member.kind == Kind::Null => return Ok(()),
            Cell::Value(member) if member.kind == Kind::String => serde_json::from_str(member.value).unwrap(),
            Cell::Value(member) => member.value.to_owned(),
            Cell::List(list) => format!("[{}]", list.values().collect::<Vec<_>>().join(",")),
        };
        self.0.insert(cleaned(key), cleaned(&text));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// `serde_json` reads a JSON line as the values that went in.
    #[test]
    fn json_lines_parse_to_the_same_values(rows in prop::collection::vec(row(), 1..4)) {
        let text = event_text(&options(Format::Json), &rows);
        let lines: Vec<&str> = text.strip_suffix('\n').unwrap().split('\n').collect();
        prop_assert_eq!(lines.len(), rows.len() + 1);
        for (line, row) in lines[1..].iter().zip(&rows) {
            let line: Value = serde_json::from_str(line).unwrap();
            prop_assert_eq!(&line["eventProps"], &serde_json::from_str::<Value>(&row.props).unwrap());
            let session = row.session.as_ref().map(|text| serde_json::from_str::<Value>(text).unwrap());
            let session = session.filter(|value| value.as_object().is_some_and(|object| !object.is_empty()));
            prop_assert_eq!(line.get("sessionProps"), session.as_ref());
            prop_assert_eq!(line["profile"].get("name").and_then(Value::as_str), row.texts.get("name").map(String::as_str));
        }
    }

    /// With as-string, every value is a string or null, and a nested one parses to what it was.
    #[test]
    fn as_string_values_are_strings(rows in prop::collection::vec(row(), 1..4)) {
        let options = FileOptions { as_string: true, header_line: false, ..options(Format::Json) };
        for (line, row) in event_text(&options, &rows).lines().zip(&rows) {
            let line: Value = serde_json::from_str(line).unwrap();
            let source: Value = serde_json::from_str(&row.props).unwrap();
            for (key, value) in line["eventProps"].as_object().unwrap() {
                match (value, &source[key]) {
                    (Value::Null, source) => prop_assert_eq!(source, &Value::Null),
                    (Value::String(text), Value::String(source)) => prop_assert_eq!(text, source),
                    (Value::String(text), source) => prop_assert_eq!(&serde_json::from_str::<Value>(text).unwrap(), source),
                    (other, _) => panic!("{other} is no string"),
                }
            }
        }
    }

    /// The `csv` crate reads the same cells, and every row has every column.
    #[test]
    fn csv_cells_read_back(rows in prop::collection::vec(row(), 1..4)) {
        let content = event_content(&rows);
        let FileContent::Events { columns, .. } = &content else { panic!("not events") };
        // Keys that become the same share a column, which stands where the first of them does.
        let mut seen = std::collections::HashSet::new();
        let named = columns.iter().map(|column| (column.scope, cleaned(&column.key)));
        let columns: Vec<_> = named.filter(|column| seen.insert(column.clone())).collect();
        let bytes = file(&options(Format::Csv), &content, &events(&rows)).unwrap();
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
        let records: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(records.len(), rows.len() + 1);
        prop_assert_eq!(records[0].len(), 21 + columns.len());
        for (record, row) in records[1..].iter().zip(&rows) {
            let (mut event, mut session) = (Expected::default(), Expected::default());
            Flattener::default().flatten(&row.props, &mut event).unwrap();
            Flattener::default().flatten(row.session.as_deref().unwrap_or("{}"), &mut session).unwrap();
            prop_assert_eq!(&record[7], cleaned(row.texts.get("name").map_or("", String::as_str)));
            for (cell, (scope, key)) in record.iter().skip(21).zip(&columns) {
                let expected = if *scope == PropertyScope::Event { &event } else { &session };
                prop_assert_eq!(cell, expected.0.get(key).map_or("", String::as_str));
            }
        }
        for (header, (scope, key)) in records[0].iter().skip(21).zip(&columns) {
            let prefix = if *scope == PropertyScope::Event { "eventProps." } else { "sessionProps." };
            prop_assert_eq!(header, format!("{prefix}{key}"));
        }
    }

    /// `quick-xml` reads well-formed XML whose entries are the properties that are not null.
    #[test]
    fn xml_is_well_formed(rows in prop::collection::vec(row(), 1..4)) {
        use quick_xml::events::Event;
        let text = event_text(&options(Format::Xml), &rows);
        let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n') || matches!(c, '\u{FFFE}' | '\u{FFFF}');
        prop_assert!(!text.contains(forbidden));
        let mut reader = quick_xml::Reader::from_str(&text);
        reader.config_mut().check_end_names = true;
        let (mut events, mut keys, mut depth) = (0, 0, 0);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => {
                    depth += 1;
                    events += usize::from(start.name().as_ref() == "Event");
                    keys += usize::from(start.name().as_ref() == "key");
                }
                Event::End(_) => depth -= 1,
                Event::Eof => break,
                _ => {}
            }
        }
        let properties = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            value.as_object().unwrap().values().filter(|value| !value.is_null()).count()
        };
        let expected: usize =
            rows.iter().map(|row| properties(&row.props) + row.session.as_deref().map_or(0, properties)).sum();
        prop_assert_eq!((events, keys, depth), (rows.len(), expected, 0));
    }

    /// The same rows give the same bytes, however they are cut into batches, in every format.
    #[test]
    fn bytes_do_not_depend_on_batches(
        rows in prop::collection::vec(row(), 1..12),
        format in prop::sample::select(&Format::ALL[..]),
        packaging in prop::sample::select(&[Packaging::Plain, Packaging::Gzip][..]),
        as_string in any::<bool>(),
        steps in prop::collection::vec(1..5_usize, 1..5),
    ) {
        let options = FileOptions { packaging, as_string, ..options(format) };
        let (content, batch) = (event_content(&rows), events(&rows));
        let whole = files(&options, &content, &batch, &[usize::MAX]).unwrap();
        prop_assert_eq!(&whole, &files(&options, &content, &batch, &[usize::MAX]).unwrap());
        prop_assert_eq!(&whole, &files(&options, &content, &batch, &steps).unwrap());
        let (content, batch) = (profile_content(&rows), profiles(&rows));
        let whole = files(&options, &content, &batch, &[usize::MAX]).unwrap();
        prop_assert_eq!(whole, files(&options, &content, &batch, &steps).unwrap());
    }
}

/// Everything that the issue calls hostile, through all formats and packagings.
#[test]
fn hostile_properties_pass() {
    let many: Vec<String> = (0..10_000).map(|n| format!("\"key {n}\":{n}")).collect();
    let long = "é".repeat(500_000);
    let digits = "1234567890".repeat(4);
    let rows = [
        Row::new(format!("{{{}}}", many.join(","))),
        Row::new(format!("{{\"deep\":{}1{}}}", "{\"a\":[".repeat(20), "]}".repeat(20))),
        Row::new(format!("{{\"deep\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000))),
        Row::new(format!("{{\"long\":\"{long}\",\"max\":\"{}\"}}", "\u{7f}".repeat(1_000_000))),
        Row::new(format!("{{\"lone\":\"\\ud800\",\"huge\":1e400,\"digits\":{digits},\"digits\":-{digits}}}")),
        Row::new(r#"{"":1,"":2,"a|b":1,"a":{"b":2,"":3},"line\nend":1,"x,y":2,"\"q\"":3,"]]>":"]]>"}"#),
        Row::new("{\"c\":\"\\u0000\\u001f\u{7f}\u{85}\u{9f}\",\"\\u0000\u{85}\":1}"),
    ];
    for format in Format::ALL {
        for packaging in [Packaging::Plain, Packaging::Gzip] {
            for as_string in [false, true] {
                let options = FileOptions { packaging, as_string, ..options(format) };
                let found = files(&options, &event_content(&rows), &events(&rows), &[3]).unwrap();
                assert_eq!(found.len(), 1, "{format}");
                let found = files(&options, &profile_content(&rows), &profiles(&rows), &[2]).unwrap();
                assert_eq!(found.len(), 1, "{format}");
            }
        }
    }
}

/// Numbers that JSON does not know: what follows of the text cannot be trusted either.
#[test]
fn properties_that_are_no_json_are_named_in_every_format() {
    let texts = ["{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":-Infinity}", "{\"a\":[1,NaN]}", "{\"a\":.5}"];
    for format in Format::ALL {
        for text in texts {
            let rows = [Row::new("{}"), Row::new(text)];
            let of_event = |error| match error {
                EncodeError::BadProperties { row, column, .. } => (row, column),
                other => panic!("{format} {text}: {other}"),
            };
            let columns = vec![PropertyColumn { scope: PropertyScope::Event, key: "a".into() }];
            let content = FileContent::Events { event_name: "E".into(), columns };
            let error = file(&options(format), &content, &events(&rows)).unwrap_err();
            assert_eq!(of_event(error), (1, columns::EVENT_PROPS), "{format} {text}");
            let session = [Row::new("{}"), Row::new("{}").session(text)];
            let error = file(&options(format), &content, &events(&session)).unwrap_err();
            assert_eq!(of_event(error), (1, columns::SESSION_PROPS), "{format} {text}");
            let columns = vec![PropertyColumn { scope: PropertyScope::Profile, key: "a".into() }];
            let content = FileContent::Profiles { columns };
            let error = file(&options(format), &content, &profiles(&rows)).unwrap_err();
            assert_eq!(of_event(error), (1, columns::PROFILE_PROPS), "{format} {text}");
        }
    }
}

/// Nulls among the identities are nobody; a list of nothing else is absent. An empty text identifies nobody.
#[test]
fn nulls_and_empty_texts_are_no_identities() {
    let rows = [
        Row::new("{}").all_identities(&[None, Some("x"), None]).text("identity", "").text("email", "e"),
        Row::new("{}").all_identities(&[None, None]).text("identity", "").text("email", ""),
    ];
    let options = |format| {
        let kinds = vec![IdentityKind::Identity, IdentityKind::Email];
        let identities = IdentityPriority::new(kinds).unwrap();
        FileOptions { identities, header_line: false, ..options(format) }
    };
    let json = event_text(&options(Format::Json), &rows);
    let profiles: Vec<Value> =
        json.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["profile"].clone()).collect();
    assert_eq!(profiles[0], serde_json::json!({"identity": "e", "all_identities": ["x"], "email": "e"}));
    assert_eq!(profiles[1], serde_json::json!({"email": ""}));
    let csv = event_text(&options(Format::Csv), &rows);
    let lines: Vec<_> = csv.lines().skip(1).collect();
    assert!(lines[0].contains("Product Viewed,e,,[x],"), "{csv}");
    assert!(lines[1].contains("Product Viewed,,,,"), "{csv}");
    let xml = event_text(&options(Format::Xml), &rows);
    assert_eq!(xml.matches("<all_identities>").count(), 1, "{xml}");
    assert!(xml.contains("<profile><identity>e</identity><all_identities>x</all_identities>"), "{xml}");
    assert!(xml.contains("<profile><email></email></profile>"), "{xml}");
}

#[test]
fn a_time_that_ts_cannot_tell_is_named() {
    // 0001-01-01, which some platforms write for a time that they do not know.
    let early = Row { ts_micros: -62_135_596_800_000_000, ..Row::new("{}") };
    for format in Format::ALL {
        let error = super::testing::event_error(&options(format), &early);
        assert_eq!(error.row(), Some(0), "{format}");
        assert!(error.to_string().contains("1000 to 9999"), "{format}: {error}");
    }
}

#[test]
fn a_faulty_batch_is_named() {
    let rows = [Row::new("{}"), Row::new("{")];
    for format in Format::ALL {
        let options = options(format);
        let content = FileContent::Events { event_name: "E".into(), columns: vec![] };
        let error = file(&options, &content, &events(&rows)).unwrap_err();
        let reason = "the text ends too early";
        let expected =
            EncodeError::BadProperties { row: 1, column: columns::EVENT_PROPS, at_byte: 1, reason };
        assert_eq!(error, expected, "{format}");
        // The columns of profiles are not those of events.
        let error = file(&options, &content, &profiles(&rows)).unwrap_err();
        assert!(matches!(error, EncodeError::Internal(message) if message.contains("`ts` is missing")));
        let unfit = FileContent::Profiles { columns: vec![] };
        let error = file(&options, &unfit, &events(&rows)).unwrap_err();
        assert!(matches!(error, EncodeError::Internal(message) if message.contains("`profile_props`")));
    }
}

/// Real records, wide and deep, with keys that change their type: JSON passes them unchanged, the others take all.
#[test]
fn real_records_pass() {
    #[derive(serde::Deserialize)]
    struct Line<'a> {
        #[serde(rename = "evtData", borrow)]
        props: &'a serde_json::value::RawValue,
    }
    for name in ["chinook_invoices", "github_webhooks"] {
        let path = format!("{}/../tests/data/{name}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
        let text = String::from_utf8(super::testing::gunzip(&std::fs::read(path).unwrap())).unwrap();
        let rows: Vec<Row> = text
            .lines()
            .map(|line| Row::new(serde_json::from_str::<Line<'_>>(line).unwrap().props.get()))
            .collect();
        let options_json = FileOptions { header_line: false, ..options(Format::Json) };
        for (line, row) in event_text(&options_json, &rows).lines().zip(&rows) {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["eventProps"], serde_json::from_str::<Value>(&row.props).unwrap());
        }
        for format in Format::ALL {
            for packaging in [Packaging::Plain, Packaging::Gzip] {
                let options = FileOptions { packaging, ..options(format) };
                assert!(!file(&options, &event_content(&rows), &events(&rows)).unwrap().is_empty());
            }
        }
    }
}
