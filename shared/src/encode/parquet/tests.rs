//! Parquet files read back with the low-level record reader.
#![allow(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::record::{Field, Row as Record};
use parquet::schema::printer::print_schema;
use serde_json::{Value, json};

use super::file::WITH_DICTIONARY;
use super::schema;
use crate::domain::{Format, Packaging};
use crate::encode::testing::{Row, event_content, events, file, gunzip, options, profile_content, profiles};
use crate::encode::{FileEncoder, FileOptions, open};

fn parquet() -> FileOptions {
    options(Format::Parquet)
}

fn write(options: &FileOptions, rows: &[Row]) -> Bytes {
    Bytes::from(file(options, &event_content(rows), &events(rows)).unwrap())
}

fn metadata(file: &Bytes) -> ParquetMetaData {
    let options = ReadOptionsBuilder::new().with_page_index().build();
    SerializedFileReader::new_with_options(file.clone(), options).unwrap().metadata().clone()
}

pub(super) fn records(file: &Bytes) -> Vec<Record> {
    let reader = SerializedFileReader::new(file.clone()).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => json!(value),
        Field::Int(value) => json!(value),
        Field::Long(value) => json!(value),
        Field::Double(value) => json!(value),
        Field::Str(value) => json!(value),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::Group(row) => {
            row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect()
        }
        Field::MapInternal(map) => {
            let text = |key: &Field| value(key).as_str().unwrap().to_owned();
            map.entries().iter().map(|(key, field)| (text(key), value(field))).collect()
        }
        other => panic!("unexpected {other}"),
    }
}

/// The properties of an event's map as (key, member number, value).
fn entries(record: &Record, column: &str) -> Vec<(String, usize, Value)> {
    let field = record.get_column_iter().find(|(name, _)| *name == column).unwrap().1;
    let Field::MapInternal(map) = field else { panic!("{column} is {field}") };
    let entry = |(key, union): &(Field, Field)| {
        let (Field::Str(key), Field::Group(union)) = (key, union) else { panic!("{key} {union}") };
        let mut set = union.get_column_iter().enumerate().filter(|(_, (_, field))| **field != Field::Null);
        let (number, (name, field)) = set.next().expect("a member that is not null");
        assert_eq!(*name, format!("member{number}"));
        assert!(set.next().is_none(), "two members");
        (key.clone(), number, value(field))
    };
    map.entries().iter().map(entry).collect()
}

fn schema_text(file: &Bytes) -> String {
    let mut text = Vec::new();
    print_schema(&mut text, metadata(file).file_metadata().schema());
    String::from_utf8(text).unwrap()
}

fn union_map(name: &str, repetition: &str) -> String {
    format!(
        "  {repetition} group {name} (MAP) {{
    REPEATED group key_value {{
      REQUIRED BYTE_ARRAY key (STRING);
      OPTIONAL group value {{
        OPTIONAL BOOLEAN member0;
        OPTIONAL INT32 member1;
        OPTIONAL INT64 member2;
        OPTIONAL FLOAT member3;
        OPTIONAL DOUBLE member4;
        OPTIONAL BYTE_ARRAY member5 (STRING);
      }}
    }}
  }}
"
    )
}

fn string_map(name: &str, repetition: &str) -> String {
    format!(
        "  {repetition} group {name} (MAP) {{
    REPEATED group key_value {{
      REQUIRED BYTE_ARRAY key (STRING);
      OPTIONAL BYTE_ARRAY value (STRING);
    }}
  }}
"
    )
}

const EVENT_COLUMNS: &str = "message schema {
  REQUIRED INT64 ts;
  REQUIRED INT64 eventTime (TIMESTAMP(MILLIS,true));
  REQUIRED BYTE_ARRAY eventName (STRING);
  OPTIONAL group profile {
    OPTIONAL BYTE_ARRAY identity (STRING);
    OPTIONAL BYTE_ARRAY objectId (STRING);
    OPTIONAL group all_identities (LIST) {
      REPEATED group list {
        OPTIONAL BYTE_ARRAY element (STRING);
      }
    }
    OPTIONAL BYTE_ARRAY platform (STRING);
    OPTIONAL BYTE_ARRAY phone (STRING);
    OPTIONAL BYTE_ARRAY name (STRING);
    OPTIONAL BYTE_ARRAY email (STRING);
    OPTIONAL BYTE_ARRAY push_token (STRING);
  }
  OPTIONAL group deviceInfo {
    OPTIONAL BYTE_ARRAY make (STRING);
    OPTIONAL BYTE_ARRAY model (STRING);
    OPTIONAL BYTE_ARRAY appVersion (STRING);
    OPTIONAL BYTE_ARRAY sdkVersion (STRING);
    OPTIONAL BYTE_ARRAY osVersion (STRING);
    OPTIONAL BYTE_ARRAY browser (STRING);
    OPTIONAL DOUBLE dpi;
    OPTIONAL group dimensions {
      OPTIONAL DOUBLE width;
      OPTIONAL DOUBLE height;
      OPTIONAL BYTE_ARRAY unit (STRING);
    }
  }
  OPTIONAL BYTE_ARRAY controlGroupName (STRING);
";

#[test]
fn the_schema_is_the_same_whatever_the_data() {
    let expected = format!(
        "{EVENT_COLUMNS}{}{}}}\n",
        union_map("eventProps", "REQUIRED"),
        union_map("sessionProps", "OPTIONAL")
    );
    let files = [
        write(&parquet(), &[Row::full("{\"a\":1}")]),
        write(&parquet(), &[Row::new("{}")]),
        write(&parquet(), &[]),
    ];
    for file in &files {
        assert_eq!(schema_text(file), expected);
    }
    let as_string = FileOptions { as_string: true, ..parquet() };
    let expected = format!(
        "{EVENT_COLUMNS}{}{}}}\n",
        string_map("eventProps", "REQUIRED"),
        string_map("sessionProps", "OPTIONAL")
    );
    assert_eq!(schema_text(&write(&as_string, &[Row::full("{\"a\":1}")])), expected);
}

#[test]
fn a_full_record_reads_back() {
    let file = write(&parquet(), &[Row::full("{\"a\":1}"), Row::new("{}")]);
    let records = records(&file);
    let field = |row: usize, name: &str| {
        let found = records[row].get_column_iter().find(|(column, _)| *column == name);
        value(found.unwrap().1)
    };
    assert_eq!(field(0, "ts"), json!(20_250_611_070_809_i64));
    assert_eq!(records[0].get_column_iter().nth(1).unwrap().1, &Field::TimestampMillis(1_749_625_689_123));
    assert_eq!(field(0, "eventName"), json!("Product Viewed"));
    assert_eq!(
        field(0, "profile"),
        json!({"identity": "<identity>", "objectId": "<object_id>", "all_identities": ["a", "b"],
            "platform": "<platform>", "phone": "<phone>", "name": "<name>", "email": "<email>",
            "push_token": "<push_token>"})
    );
    assert_eq!(
        field(0, "deviceInfo"),
        json!({"make": "<make>", "model": "<model>", "appVersion": "<app_version>",
            "sdkVersion": "<sdk_version>", "osVersion": "<os_version>", "browser": "<browser>", "dpi": 320.0,
            "dimensions": {"width": 2.5, "height": 4.0, "unit": "<unit>"}})
    );
    assert_eq!(field(0, "controlGroupName"), json!("<control_group_name>"));
    assert_eq!(entries(&records[0], "eventProps"), [("a".into(), 1, json!(1))]);
    assert_eq!(entries(&records[0], "sessionProps"), [("utm".into(), 5, json!("x"))]);
    for absent in ["profile", "deviceInfo", "controlGroupName", "sessionProps"] {
        assert_eq!(field(1, absent), Value::Null, "{absent}");
    }
    assert_eq!(field(1, "eventProps"), json!({}));
}

#[test]
fn partly_absent_structs() {
    let rows = [
        Row::new("{}").text("name", "").all_identities(&[None]).session("{\"a\":null}"),
        Row::new("{}").number("width", 1.5).number("dpi", f64::NAN),
        Row::new("{}").all_identities(&[None, Some("x")]).text("make", "m"),
    ];
    let records = records(&write(&parquet(), &rows));
    let column = |row: usize, at: usize| value(records[row].get_column_iter().nth(at).unwrap().1);
    assert_eq!(column(0, 3)["name"], json!(""));
    assert_eq!(column(0, 3)["all_identities"], Value::Null);
    assert_eq!((column(0, 4), column(0, 7)), (Value::Null, Value::Null));
    assert_eq!(column(1, 3), Value::Null);
    assert_eq!(column(1, 4)["dpi"], Value::Null);
    assert_eq!(column(1, 4)["dimensions"], json!({"width": 1.5, "height": null, "unit": null}));
    assert_eq!(column(2, 3)["all_identities"], json!(["x"]));
    assert_eq!(column(2, 4)["dimensions"], Value::Null);
}

const VALUES: &str = r#"{"b":true,"i":-7,"l":3000000000,"h":1234567890123456789012345678901234567890,"d":1.50,
    "x":1e400,"s":"a\u00e9\u0001","o":{"k": [1]},"n":null,"":"","dup":1,"dup":"2","c\u0000":false}"#;

#[test]
fn property_values_go_into_their_member() {
    let found = entries(&records(&write(&parquet(), &[Row::new(VALUES)]))[0], "eventProps");
    let expected = [
        ("b", 0, json!(true)),
        ("i", 1, json!(-7)),
        ("l", 2, json!(3_000_000_000_i64)),
        ("h", 5, json!("1234567890123456789012345678901234567890")),
        ("d", 4, json!(1.5)),
        ("x", 5, json!("1e400")),
        ("s", 5, json!("aé\u{1}")),
        ("o", 5, json!("{\"k\":[1]}")),
        ("", 5, json!("")),
        ("dup", 5, json!("2")),
        ("c\u{0}", 0, json!(false)),
    ];
    assert_eq!(found, expected.map(|(key, member, value)| (key.to_owned(), member, value)));
}

#[test]
fn as_string_keeps_the_source_text() {
    let as_string = FileOptions { as_string: true, ..parquet() };
    let records = records(&write(&as_string, &[Row::new(VALUES)]));
    let props = value(records[0].get_column_iter().nth(6).unwrap().1);
    assert_eq!(
        props,
        json!({"b": "true", "i": "-7", "l": "3000000000", "h": "1234567890123456789012345678901234567890",
            "d": "1.50", "x": "1e400", "s": "aé\u{1}", "o": "{\"k\":[1]}", "": "", "dup": "2", "c\u{0}": "false"})
    );
}

#[test]
fn profiles_read_back() {
    let rows = [
        Row::new("{\"Name\":\"N\",\"Email\":\"other\"}")
            .text("identity", "i")
            .text("email", "e")
            .all_identities(&[Some("i")]),
        Row::new("{}").text("object_id", "o").text("phone", "+1"),
    ];
    let file = Bytes::from(file(&parquet(), &profile_content(&rows), &profiles(&rows)).unwrap());
    let head = "message schema {
  OPTIONAL BYTE_ARRAY identity (STRING);
  OPTIONAL BYTE_ARRAY objectId (STRING);
  OPTIONAL group all_identities (LIST) {
    REPEATED group list {
      OPTIONAL BYTE_ARRAY element (STRING);
    }
  }
  OPTIONAL BYTE_ARRAY Email (STRING);
  OPTIONAL BYTE_ARRAY Phone (STRING);
";
    assert_eq!(schema_text(&file), format!("{head}{}}}\n", union_map("profileProps", "REQUIRED")));
    let records = records(&file);
    let values: Vec<Value> = records[0].get_column_iter().take(5).map(|(_, field)| value(field)).collect();
    assert_eq!(values, [json!("i"), Value::Null, json!(["i"]), json!("e"), Value::Null]);
    let found = entries(&records[0], "profileProps");
    assert_eq!(found, [("Name".into(), 5, json!("N")), ("Email".into(), 5, json!("other"))]);
    assert_eq!(value(records[1].get_column_iter().nth(5).unwrap().1), json!({}));
}

#[test]
fn compression_statistics_and_metadata() {
    let rows = [Row::full("{\"a\":1}")];
    let plain = write(&parquet(), &rows);
    let packed = write(&FileOptions { packaging: Packaging::Gzip, ..parquet() }, &rows);
    let unpacked = Bytes::from(gunzip(&packed));
    for (file, compression) in
        [(&plain, Compression::ZSTD(Default::default())), (&unpacked, Compression::UNCOMPRESSED)]
    {
        let metadata = metadata(file);
        assert_eq!(metadata.file_metadata().created_by(), Some("spillway version 1"));
        assert_eq!(metadata.file_metadata().key_value_metadata(), None);
        assert_eq!(metadata.row_group(0).num_columns(), 36);
        for column in metadata.row_group(0).columns() {
            assert_eq!(column.compression(), compression);
            assert!(column.statistics().is_some() && column.offset_index_offset().is_some());
            assert!(column.column_index_offset().is_some(), "{}", column.column_path());
        }
    }
}

#[test]
fn columns_of_few_values_have_a_dictionary_and_no_others() {
    let rows = [Row::new("{\"a\":\"x\",\"b\":1}").text("platform", "iOS").text("email", "e@example.org")];
    let of_events = metadata(&write(&parquet(), &rows));
    let columns = of_events.row_group(0).columns();
    let has = |name: &str| {
        let column = columns.iter().find(|column| column.column_path().string() == name).unwrap();
        column.dictionary_page_offset().is_some()
    };
    for name in ["eventName", "profile.platform", "eventProps.key_value.key"] {
        assert!(has(name), "{name}");
    }
    for name in
        ["ts", "profile.email", "eventProps.key_value.value.member1", "eventProps.key_value.value.member5"]
    {
        assert!(!has(name), "{name}");
    }
    let schemas = [schema::events(false), schema::profiles(false)];
    let schemas = schemas.map(|schema| ArrowSchemaConverter::new().convert(&schema).unwrap());
    let known: Vec<_> =
        schemas.iter().flat_map(|schema| schema.columns()).map(|leaf| leaf.path().string()).collect();
    for name in WITH_DICTIONARY {
        assert!(known.iter().any(|column| column == name), "{name}");
    }
}

#[test]
fn row_groups_are_bounded_and_the_same_however_batches_are_cut() {
    let text = "x".repeat(1000);
    let rows: Vec<Row> = (0..20_000)
        .map(|n| Row::new(format!("{{\"n\":{n},\"t\":\"{text}{n}\"}}")).text("object_id", &n.to_string()))
        .collect();
    let batch = events(&rows);
    let write = |step: usize| {
        let mut encoder: Box<dyn FileEncoder> = open(&parquet(), &event_content(&[])).unwrap();
        let mut out = Vec::new();
        let mut from = 0;
        while from < batch.num_rows() {
            let part = batch.slice(0, (from + step).min(batch.num_rows()));
            from += encoder.push(&part, from, &mut out).unwrap();
        }
        encoder.finish(&mut out).unwrap();
        Bytes::from(out)
    };
    let file = write(20_000);
    assert!(file == write(777));
    let metadata = metadata(&file);
    assert_eq!(metadata.num_row_groups(), 2);
    assert_eq!(metadata.file_metadata().num_rows(), 20_000);
    assert!(metadata.row_groups().iter().all(|group| group.total_byte_size() < 18 << 20));
}
