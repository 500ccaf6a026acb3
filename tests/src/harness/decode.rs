//! The customer's files read back, with readers that are not ours: `serde_json`, `csv`, `quick-xml`, the Arrow
//! reader of `parquet`, `flate2`.

use std::io::Read;

use arrow_array::{Array, RecordBatch, StringArray, StructArray, cast::AsArray};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use quick_xml::events::Event;
use serde_json::Value;
use spillway::domain::{Format, Packaging};

/// What the tests look at of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DecodedRow {
    /// Events: the property `uid`; profiles: `objectId`.
    pub id: String,
    /// Events: the name.
    pub event: Option<String>,
    /// The property `note`; an empty one where it is absent.
    pub note: String,
}

/// Reads a file.
///
/// # Panics
/// Where it is not a whole file of its format.
#[must_use]
pub fn decode(
    (format, packaging): (Format, Packaging),
    is_events: bool,
    header: bool,
    file: &Bytes,
) -> Vec<DecodedRow> {
    let bytes = match packaging {
        Packaging::Plain => file.to_vec(),
        Packaging::Gzip => {
            let mut bytes = Vec::new();
            MultiGzDecoder::new(&file[..]).read_to_end(&mut bytes).expect("whole gzip");
            bytes
        }
    };
    match format {
        Format::Json => json(std::str::from_utf8(&bytes).expect("UTF-8"), is_events, header),
        Format::Csv => csv(&bytes, is_events),
        Format::Xml => xml(std::str::from_utf8(&bytes).expect("UTF-8"), is_events),
        Format::Parquet => parquet(bytes.into(), is_events),
    }
}

fn json(text: &str, is_events: bool, header: bool) -> Vec<DecodedRow> {
    assert!(text.is_empty() || text.ends_with('\n'), "a line end at the end");
    let skipped = usize::from(is_events && header);
    let lines = text.split_terminator('\n').skip(skipped);
    let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |line: &str| {
        let record: Value = serde_json::from_str(line).expect("one JSON object a line");
        if is_events {
            let props = &record["eventProps"];
            DecodedRow {
                id: string(&props["uid"]),
                event: Some(string(&record["eventName"])),
                note: string(&props["note"]),
            }
        } else {
            DecodedRow { id: string(&record["objectId"]), event: None, note: string(&record["note"]) }
        }
    };
    lines.map(row).collect()
}

fn csv(bytes: &[u8], is_events: bool) -> Vec<DecodedRow> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().expect("a header row").clone();
    let at = |name: &str| header.iter().position(|column| column == name);
    let (id, event, note) = if is_events {
        (at("eventProps.uid"), at("eventName"), at("eventProps.note"))
    } else {
        (at("objectId"), None, at("note"))
    };
    let rows = reader.records().map(|record| {
        let record = record.expect("as many fields as the header");
        let field = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default().to_owned();
        DecodedRow { id: field(id), event: event.map(|at| field(Some(at))), note: field(note) }
    });
    rows.collect()
}

fn xml(text: &str, is_events: bool) -> Vec<DecodedRow> {
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut rows, mut path, mut value, mut key) =
        (Vec::new(), Vec::<String>::new(), String::new(), String::new());
    let mut row = DecodedRow { id: String::new(), event: None, note: String::new() };
    let empty = row.clone();
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(start) => {
                path.push(start.name().0.to_owned());
                value.clear();
            }
            Event::Text(text) => value.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => value.push(referred(&reference)),
            Event::End(_) => {
                let ended = path.join("/");
                match ended.strip_prefix("root/").unwrap_or_default() {
                    "Event" | "Profile" => rows.push(std::mem::replace(&mut row, empty.clone())),
                    "Event/eventName" => row.event = Some(std::mem::take(&mut value)),
                    "Profile/objectId" => row.id = std::mem::take(&mut value),
                    "Event/eventProps/entry/key" | "Profile/profileProps/entry/key" => {
                        key = std::mem::take(&mut value);
                    }
                    "Event/eventProps/entry/value" | "Profile/profileProps/entry/value" => match key.as_str()
                    {
                        "uid" if is_events => row.id = std::mem::take(&mut value),
                        "note" => row.note = std::mem::take(&mut value),
                        _ => {}
                    },
                    _ => {}
                }
                path.pop();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(path.is_empty() && text.ends_with("</root>\n"), "a whole document");
    rows
}

fn referred(reference: &quick_xml::events::BytesRef<'_>) -> char {
    if let Some(character) = reference.resolve_char_ref().expect("a character") {
        return character;
    }
    match &*reference.xml10_content() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        other => panic!("an entity of nobody's: {other}"),
    }
}

fn parquet(bytes: Bytes, is_events: bool) -> Vec<DecodedRow> {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(bytes).expect("a footer").build().expect("a reader");
    reader.flat_map(|batch| rows_of(&batch.expect("readable rows"), is_events)).collect()
}

fn rows_of(batch: &RecordBatch, is_events: bool) -> Vec<DecodedRow> {
    let strings = |name: &str| batch.column_by_name(name).map(|column| column.as_string::<i32>().clone());
    let map =
        batch.column_by_name(if is_events { "eventProps" } else { "profileProps" }).expect("properties");
    let (map, events, ids) = (map.as_map(), strings("eventName"), strings("objectId"));
    let row = |at: usize| {
        let entries = if map.is_null(at) { None } else { Some(map.value(at)) };
        let property =
            |key: &str| entries.as_ref().map(|entries| string_property(entries, key)).unwrap_or_default();
        let text = |column: &Option<StringArray>| {
            column.as_ref().filter(|column| column.is_valid(at)).map(|column| column.value(at).to_owned())
        };
        DecodedRow {
            id: if is_events { property("uid") } else { text(&ids).unwrap_or_default() },
            event: if is_events { text(&events) } else { None },
            note: property("note"),
        }
    };
    (0..batch.num_rows()).map(row).collect()
}

fn string_property(entries: &StructArray, key: &str) -> String {
    let keys = entries.column(0).as_string::<i32>();
    let Some(at) = (0..keys.len()).find(|at| keys.value(*at) == key) else { return String::new() };
    let values = entries.column(1);
    let texts = match values.as_struct_opt() {
        Some(members) => {
            members.column_by_name("member5").expect("the union's strings").as_string::<i32>().clone()
        }
        // As string.
        None => values.as_string::<i32>().clone(),
    };
    if texts.is_null(at) { String::new() } else { texts.value(at).to_owned() }
}
