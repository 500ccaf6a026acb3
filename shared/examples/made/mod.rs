//! Events made by a formula, for measuring: the same rows in every run.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow_schema::Schema;
use jiff::tz::TimeZone;
use spillway::{
    domain::{Format, IdentityPriority, Packaging},
    encode::{
        self, FILE_LIMIT_BYTES, FileContent, FileOptions, GzipLevel, PropertyColumn, PropertyScope, columns,
    },
};

const KEYS: [&str; 8] = ["Price", "Product ID", "Name", "In Stock", "Rating", "Category", "Search", "Count"];

/// The property texts of events.
pub(crate) fn properties(rows: u64) -> Vec<String> {
    let text = |row: u64| {
        let id = row.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let stock = id.is_multiple_of(9);
        format!(
            "{{\"Price\":{}.{:02},\"Product ID\":\"SKU-{}\",\"Name\":\"Größe {} Kopfhörer\",\"In Stock\":{stock},\
             \"Rating\":{}.5,\"Category\":\"Home & Kitchen\",\"Search\":\"laptop \\\"{}gb\\\"\",\"Count\":{}}}",
            id % 977,
            id % 89,
            id % 20_011,
            id % 41,
            id % 5,
            id % 64,
            id % 7
        )
    };
    (0..rows).map(text).collect()
}

/// A batch of events as the lake's reader hands it on.
pub(crate) fn batch(rows: u64) -> RecordBatch {
    let id = |row: u64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let texts = |text: &dyn Fn(u64) -> String| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values((0..rows).map(text)))
    };
    let ts = (0..rows).map(|row| 1_749_625_689_123_456 + (row * 977_777).cast_signed());
    let ts = TimestampMicrosecondArray::from_iter_values(ts).with_timezone("UTC");
    let made: Vec<(&str, ArrayRef)> = vec![
        (columns::TS, Arc::new(ts)),
        (columns::EVENT_PROPS, Arc::new(StringViewArray::from_iter_values(properties(rows)))),
        (columns::OBJECT_ID, texts(&|row| format!("{:016x}{:016x}", id(row), id(row + 7)))),
        (columns::IDENTITY, texts(&|row| (10_000_000 + id(row) % 90_000).to_string())),
        ("email", texts(&|row| format!("jürgen.{}@example.org", id(row) % 90_000))),
        ("platform", texts(&|row| ["Android", "iOS", "Web"][(id(row) % 3) as usize].to_owned())),
        ("make", texts(&|row| ["Samsung", "Apple", "Google"][(id(row) % 3) as usize].to_owned())),
        ("os_version", texts(&|row| (11 + id(row) % 7).to_string())),
    ];
    let all = columns::event_fields();
    let field = |name: &str| all.iter().find(|field| field.name() == name).cloned();
    let fields: Vec<_> = made.iter().filter_map(|(name, _)| field(name)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), made.into_iter().map(|(_, array)| array).collect())
        .expect("the columns are those of the contract")
}

/// One file of these rows.
pub(crate) fn file(format: Format, packaging: Packaging, batch: &RecordBatch) -> Vec<u8> {
    let options = FileOptions {
        format,
        packaging,
        gzip_level: GzipLevel::Fast,
        as_string: false,
        header_line: true,
        identities: IdentityPriority::default(),
        time_zone: TimeZone::UTC,
        limit_bytes: FILE_LIMIT_BYTES,
    };
    let column = |key: &str| PropertyColumn { scope: PropertyScope::Event, key: key.to_owned() };
    let content = FileContent::Events {
        event_name: "Product Viewed".to_owned(),
        columns: KEYS.into_iter().map(column).collect(),
    };
    let mut out = Vec::new();
    let mut encoder = encode::open(&options, &content).expect("the options are sound");
    encoder.push(batch, 0, &mut out).expect("the rows are sound");
    encoder.finish(&mut out).expect("the file fits");
    out
}
