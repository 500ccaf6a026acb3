//! What each counter counts, and what it refuses. The files are written here, by hand.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{io::Write, sync::Arc};

use ::parquet::{
    data_type::Int32Type,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use flate2::{Compression, write::GzEncoder};

use super::*;

fn count(format: Format, event_name: Option<&str>, bytes: &[u8]) -> Result<u64, String> {
    let content = Content { format, gzip: false, event_name: event_name.map(str::to_owned) };
    rows(&content, bytes).map_err(|error| error.to_string())
}

fn events(format: Format, text: &str) -> Result<u64, String> {
    count(format, Some("Charged"), text.as_bytes())
}

#[test]
fn json_lines_with_and_without_the_name_above() {
    assert_eq!(events(Format::Json, "Charged\n{\"a\":1}\n{}\n"), Ok(2));
    assert_eq!(events(Format::Json, "{\"a\":1}\n{}\n"), Ok(2));
    assert_eq!(events(Format::Json, "Charged\n"), Ok(0));
    assert_eq!(count(Format::Json, None, b"{}\n"), Ok(1));
    // An event that is called like a record.
    assert_eq!(count(Format::Json, Some("{}"), b"{}\n{\"eventName\":\"{}\"}\n"), Ok(1));
    assert_eq!(count(Format::Json, Some("a\u{1}\nb"), b"a??b\n{}\n"), Ok(1));
    // Text that a reader of values would refuse, but which is JSON.
    let hostile =
        format!("{{\"n\":1e400,\"s\":\"\\ud800\",\"d\":{}1{}}}\n", "[".repeat(500), "]".repeat(500));
    assert_eq!(events(Format::Json, &hostile), Ok(1));
}

#[test]
fn json_that_is_none() {
    for text in ["Other\n{}\n", "{}\nCharged\n", "{}\n[]\n", "{}\n{\"a\":}\n", "{}\n\n", "{}\n{}{}\n", "{}"] {
        assert!(events(Format::Json, text).is_err(), "{text}");
    }
    assert!(count(Format::Json, None, b"Charged\n{}\n").is_err());
    assert!(count(Format::Json, None, b"{\"a\":\"\xff\"}\n").is_err());
    assert_eq!(
        events(Format::Json, "{}\n1\n").unwrap_err(),
        "line 2: it is neither an object nor the event's name"
    );
}

#[test]
fn csv_records() {
    assert_eq!(events(Format::Csv, "ts,a\n1,x\n2,\"y\n,\"\"z\"\n"), Ok(2));
    assert_eq!(count(Format::Csv, None, b"identity,a\n"), Ok(0));
    assert!(events(Format::Csv, "ts,a\n1,x,more\n").is_err());
    assert!(events(Format::Csv, "ts,a\n1\n").is_err());
    assert!(events(Format::Csv, "").is_err());
    assert!(events(Format::Csv, "1,x\n").is_err());
}

#[test]
fn xml_elements() {
    let document =
        |inner: &str| format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<root>\n{inner}</root>\n");
    let count = |inner: &str| events(Format::Xml, &document(inner));
    assert_eq!(count(""), Ok(0));
    assert_eq!(count("<Event><ts>1</ts></Event>\n<Event/>\n"), Ok(2));
    assert_eq!(count("<Event><Event>a &amp; &#13; b</Event><root/></Event>\n"), Ok(1));
    let faults = [
        "<Profile/>\n",
        "<Event>\n",
        "<Event></ts>\n",
        "<Event></Event>x\n",
        "<Event>&nbsp;</Event>\n",
        "<Event>&#1;</Event>\n",
        "<Event>a & b</Event>\n",
        "<Event>\u{1}</Event>\n",
        "<Event>\u{FFFF}</Event>\n",
        "</root><root>\n",
    ];
    for fault in faults {
        assert!(count(fault).is_err(), "{fault}");
    }
    for fault in ["", "<root>\n<Event/>\n", "<html></html>\n", "x<root></root>\n"] {
        assert!(events(Format::Xml, fault).is_err(), "{fault}");
    }
    assert_eq!(
        super::rows(
            &Content { format: Format::Xml, gzip: false, event_name: None },
            &b"<root><Profile/></root>"[..]
        )
        .unwrap(),
        1
    );
}

fn parquet_file(rows: &[i32]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type("message schema { required int32 a; }").unwrap());
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    for rows in rows.chunks(2) {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(rows, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_footers() {
    let file = parquet_file(&[1, 2, 3]);
    assert_eq!(count(Format::Parquet, None, &file), Ok(3));
    assert!(count(Format::Parquet, None, &file[..file.len() - 1]).is_err());
    assert!(count(Format::Parquet, None, b"").is_err());
    // A long one, by what no reader looks at between the rows and the footer, which then lies on both sides of what is
    // kept in memory.
    let (length, mut long) = (file.len() - 8, file);
    let footer_bytes = u32::from_le_bytes(*long[length..].first_chunk().unwrap()) as usize;
    let footer = long.split_off(length - footer_bytes);
    long.resize(super::parquet::IN_MEMORY_BYTES - footer_bytes / 2, 0);
    long.extend(footer);
    assert_eq!(count(Format::Parquet, None, &long), Ok(3));
    assert!(count(Format::Parquet, None, &long[..long.len() - 1]).is_err());
}

#[test]
fn gzip_in_one_member_or_several() {
    let member = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let content = |format| Content { format, gzip: true, event_name: None };
    let two = [member(b"{}\n{"), member(b"}\n")].concat();
    assert_eq!(rows(&content(Format::Json), &two[..]).unwrap(), 2);
    assert_eq!(rows(&content(Format::Parquet), &member(&parquet_file(&[1]))[..]).unwrap(), 1);
    assert!(rows(&content(Format::Json), &two[..two.len() - 1]).is_err());
    assert!(rows(&content(Format::Json), &[&two[..], b"x"].concat()[..]).is_err());
    assert!(rows(&content(Format::Json), &b"{}\n"[..]).is_err());
}
