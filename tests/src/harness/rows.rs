//! Rows that can be told apart, with texts that are hard on every format.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rand::{Rng, RngExt};
use serde_json::{Value, json};
use spillway::domain::Format;

/// An event of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// In `event_props` as `uid`; unique in the lake.
    pub id: String,
    /// The event's name.
    pub event: String,
    /// Its day.
    pub date: Date,
    /// Its shard.
    pub database: u8,
    /// In `event_props` as `note`.
    pub note: String,
    /// More members of `event_props`.
    pub more: Value,
}

impl EventRow {
    /// A row with a hostile note and random properties.
    pub fn random(rng: &mut impl Rng, id: String, event: &str, date: Date, database: u8) -> Self {
        let (note, more) = (hostile_text(rng), random_props(rng));
        Self { id, event: event.to_owned(), date, database, note, more }
    }

    /// The JSON text of its properties.
    #[must_use]
    pub fn event_props(&self) -> String {
        let mut props = json!({ "uid": self.id, "note": self.note });
        if let (Value::Object(props), Value::Object(more)) = (&mut props, &self.more) {
            props.extend(more.clone());
        }
        props.to_string()
    }

    /// Noon of its day, UTC, in microseconds.
    #[must_use]
    pub fn ts_micros(&self) -> i64 {
        let noon = self.date.at(12, 0, 0, 0).to_zoned_datetime(TimeZone::UTC);
        noon.map_or(0, |noon| noon.timestamp().as_microsecond())
    }
}

/// A version of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// `object_id`.
    pub id: String,
    /// Its shard.
    pub database: u8,
    /// `updated_at`.
    pub updated_at: Timestamp,
    /// In `profile_props` as `note`.
    pub note: String,
    /// More members of `profile_props`.
    pub more: Value,
    /// Whether it is the profile's end.
    pub deleted: bool,
}

impl ProfileRow {
    /// The JSON text of its properties.
    #[must_use]
    pub fn profile_props(&self) -> String {
        let mut props = json!({ "note": self.note });
        if let (Value::Object(props), Value::Object(more)) = (&mut props, &self.more) {
            props.extend(more.clone());
        }
        props.to_string()
    }
}

/// A text with what breaks encoders: quotes, separators, line ends, controls, directions, surrogates' neighbours.
pub fn hostile_text(rng: &mut impl Rng) -> String {
    const PARTS: &[&str] = &[
        "plain",
        "a,b",
        "\"",
        "\"\"",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "]]>",
        "<Event>",
        "&amp;",
        "&",
        "💧",
        "שלום",
        "مرحبا",
        "漢字",
        "\u{202e}rtl",
        "\u{0}",
        "\u{1b}[31m",
        "\u{85}",
        "\u{7f}",
        "\u{fffe}",
        "null",
        "=1+1",
        "|",
        "\\u0041",
        "\\",
        "'",
        ";",
        "\u{feff}",
        "e\u{301}",
        "$D_1",
        "{}",
        "[1,2]",
        " ",
        "",
    ];
    let count = rng.random_range(0..5);
    (0..count).map(|_| PARTS[rng.random_range(0..PARTS.len())]).collect()
}

/// Some properties of all kinds.
pub fn random_props(rng: &mut impl Rng) -> Value {
    let mut props = serde_json::Map::new();
    for _ in 0..rng.random_range(0..4) {
        let key = format!("k{}", rng.random_range(0..12));
        let value = match rng.random_range(0..8) {
            0 => Value::Null,
            1 => json!(rng.random::<bool>()),
            2 => json!(rng.random::<i64>()),
            3 => json!(f64::from(rng.random_range(-1000..1000)) / 8.0),
            4 => json!(hostile_text(rng)),
            5 => json!({ "a": 1, "b": hostile_text(rng) }),
            6 => json!([{ "Name": "x", "Price": 1 }, { "Name": hostile_text(rng) }]),
            _ => json!([1, "two", null, [3]]),
        };
        props.insert(key, value);
    }
    // Text that does not compress, so that files of small limits fill up.
    let noise: String =
        (0..rng.random_range(0..60)).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect();
    props.insert("noise".to_owned(), Value::String(noise));
    Value::Object(props)
}

/// A text as a format's readers get it back (FORMATS, Records and XML).
#[must_use]
pub(super) fn as_read_back(text: &str, format: Format) -> String {
    let kept = |c: char| matches!(c, '\t' | '\n' | '\r') || !c.is_control();
    match format {
        Format::Json | Format::Parquet => text.to_owned(),
        Format::Csv => text.chars().map(|c| if kept(c) { c } else { '?' }).collect(),
        Format::Xml => {
            let forbidden = |c: char| !kept(c) || matches!(c, '\u{fffe}' | '\u{ffff}');
            text.chars().map(|c| if forbidden(c) { '?' } else { c }).collect()
        }
    }
}
