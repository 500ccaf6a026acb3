//! The size limit of text files: random rows over successive files.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use crate::domain::{Format, Packaging};
use crate::encode::testing::{Row, event_content, event_text, events, file, files, gunzip, options};
use crate::encode::{EncodeError, FileContent, FileOptions};

const TEXT_FORMATS: [Format; 3] = [Format::Json, Format::Csv, Format::Xml];

/// What a file holds between its head and its foot.
fn body(options: &FileOptions, content: &FileContent, stored: &[u8]) -> String {
    let raw = if options.packaging == Packaging::Gzip { gunzip(stored) } else { stored.to_vec() };
    let empty = FileOptions { packaging: Packaging::Plain, limit_bytes: u64::MAX, ..options.clone() };
    let frame = String::from_utf8(file(&empty, content, &events(&[])).unwrap()).unwrap();
    let foot = if options.format == Format::Xml { "</root>\n" } else { "" };
    let head = frame.strip_suffix(foot).unwrap();
    let text = String::from_utf8(raw).unwrap();
    text.strip_prefix(head).unwrap().strip_suffix(foot).unwrap().to_owned()
}

/// Rows with texts of many sizes, that compress well, badly, or not at all.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = prop_oneof![
        8 => "[ -~&&[^\"\\\\]]{0,60}",
        2 => (0..4000_usize).prop_map(|length| "z".repeat(length)),
        1 => "[a-zA-Z0-9+/]{500,3000}",
    ];
    let row = text.prop_map(|text| Row::new(format!("{{\"t\":\"{text}\"}}")));
    prop::collection::vec(row, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// No file exceeds the limit, all rows come out once and in order, the first row of a file is refused only
    /// where a file of it alone really is too large, and how the batches are cut changes no byte.
    #[test]
    fn no_file_exceeds_the_limit_and_no_row_is_lost(
        rows in rows(),
        format in prop::sample::select(&TEXT_FORMATS[..]),
        packaging in prop::sample::select(&[Packaging::Plain, Packaging::Gzip][..]),
        limit_bytes in prop_oneof![200..2000_u64, 2000..20_000_u64],
        steps in prop::collection::vec(1..30_usize, 1..5),
    ) {
        let options = FileOptions { packaging, limit_bytes, ..options(format) };
        let content = event_content(&[Row::new("{\"t\":1}")]);
        let batch = events(&rows);
        let unlimited = FileOptions { packaging: Packaging::Plain, ..crate::encode::testing::options(format) };
        match files(&options, &content, &batch, &[usize::MAX]) {
            Ok(files) => {
                prop_assert!(files.iter().all(|file| file.len() as u64 <= limit_bytes));
                let all: String = files.iter().map(|file| body(&options, &content, file)).collect();
                let whole = file(&unlimited, &content, &batch).unwrap();
                prop_assert_eq!(all, body(&unlimited, &content, &whole));
                prop_assert_eq!(Ok(files), crate::encode::testing::files(&options, &content, &batch, &steps));
            }
            Err(EncodeError::RowTooLarge { row, limit_bytes: found }) => {
                prop_assert_eq!(found, limit_bytes);
                let alone = file(&FileOptions { limit_bytes: u64::MAX, ..options }, &content, &batch.slice(row, 1));
                prop_assert!(alone.unwrap().len() as u64 > limit_bytes);
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_plain_file_is_filled_to_the_last_byte() {
    let rows = vec![Row::new("{\"t\":\"x\"}"); 10];
    let one = event_text(&options(Format::Json), &rows[..1]).len() - "Product Viewed\n".len();
    let limit_bytes = ("Product Viewed\n".len() + 3 * one) as u64;
    let options = FileOptions { limit_bytes, ..options(Format::Json) };
    let files = files(&options, &event_content(&rows), &events(&rows), &[4]).unwrap();
    let sizes: Vec<u64> = files.iter().map(|file| file.len() as u64).collect();
    assert_eq!(sizes, [limit_bytes, limit_bytes, limit_bytes, limit_bytes - 2 * one as u64]);
}

#[test]
fn a_gzip_file_wastes_little() {
    let rows: Vec<Row> = (0..60_000_u32)
        .map(|n| {
            Row::new(format!(
                "{{\"n\":{n},\"h\":\"{:x}\",\"t\":\"always the same\"}}",
                n.wrapping_mul(2_654_435_761)
            ))
        })
        .collect();
    let limit_bytes = 200_000;
    for format in TEXT_FORMATS {
        let options = FileOptions { packaging: Packaging::Gzip, limit_bytes, ..options(format) };
        let files = files(&options, &event_content(&rows[..1]), &events(&rows), &[5000]).unwrap();
        let (_, full) = files.split_last().unwrap();
        assert!(full.len() >= 2);
        for file in full {
            let wasted = limit_bytes - file.len() as u64;
            assert!(wasted < limit_bytes / 200, "{format}: {wasted} of {limit_bytes} bytes wasted");
        }
    }
}

/// Wherever within a unit, or at its end, the limit cuts: no row is lost, and the bytes are the same each time, whoever
/// helps to compress.
#[test]
fn a_limit_near_the_end_of_a_unit_loses_no_row() {
    let rows: Vec<Row> = (0..9000_u64)
        .map(|n| {
            let noise: String = (0..8)
                .map(|part| format!("{:016x}", (n * 8 + part).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
                .collect();
            Row::new(format!("{{\"t\":\"{noise}\"}}"))
        })
        .collect();
    let (content, batch) = (event_content(&rows[..1]), events(&rows));
    let unlimited = FileOptions { packaging: Packaging::Plain, ..options(Format::Json) };
    let whole = body(&unlimited, &content, &file(&unlimited, &content, &batch).unwrap());
    let units = 2 * whole.len() / crate::encode::stored::UNIT_BYTES;
    assert!(units >= 3, "{} bytes are too few to fill units", whole.len());
    for limit_bytes in (560_000..780_000).step_by(9_973) {
        let options = FileOptions { packaging: Packaging::Gzip, limit_bytes, ..options(Format::Json) };
        let found = files(&options, &content, &batch, &[4096]).unwrap();
        assert!(found.iter().all(|file| file.len() as u64 <= limit_bytes));
        let all: String = found.iter().map(|file| body(&options, &content, file)).collect();
        assert!(all == whole, "{limit_bytes}: rows are lost or doubled");
        assert_eq!(found, files(&options, &content, &batch, &[777]).unwrap());
    }
}

#[test]
fn the_first_row_is_tried_before_it_is_refused() {
    // 60,000 bytes that deflate shrinks to some hundred.
    let rows = vec![Row::new(format!("{{\"t\":\"{}\"}}", "z".repeat(60_000))); 3];
    let options = FileOptions { packaging: Packaging::Gzip, limit_bytes: 400, ..options(Format::Json) };
    let files = files(&options, &event_content(&rows), &events(&rows), &[1]).unwrap();
    assert_eq!(files.len(), 3);
    let row = Row::new(format!("{{\"t\":\"{}\"}}", "z".repeat(600_000)));
    let error = file(&options, &event_content(&[]), &events(&[row])).unwrap_err();
    assert_eq!(error, EncodeError::RowTooLarge { row: 0, limit_bytes: 400 });
}

#[test]
fn gzip_has_no_time_no_name_and_one_member() {
    let options = FileOptions { packaging: Packaging::Gzip, ..options(Format::Json) };
    let rows: Vec<Row> =
        (0..5000).map(|n| Row::new(format!("{{\"t\":\"{n}{}\"}}", "y".repeat(n % 300)))).collect();
    let (content, batch) = (event_content(&[]), events(&rows));
    let stored = file(&options, &content, &batch).unwrap();
    assert_eq!(stored[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let plain = FileOptions { packaging: Packaging::Plain, ..options.clone() };
    assert_eq!(gunzip(&stored), file(&plain, &content, &batch).unwrap());
    assert_eq!(stored, file(&options, &content, &batch).unwrap());
}

#[test]
fn a_file_that_is_full_takes_no_more() {
    let rows = vec![Row::new("{\"t\":\"x\"}"); 10];
    let options = FileOptions { limit_bytes: 300, ..options(Format::Json) };
    let mut encoder = crate::encode::open(&options, &event_content(&rows)).unwrap();
    let mut out = Vec::new();
    let taken = encoder.push(&events(&rows), 0, &mut out).unwrap();
    assert!(taken > 0 && taken < 10);
    assert_eq!(encoder.push(&events(&rows), taken, &mut out), Ok(0));
    assert_eq!(encoder.push(&events(&rows), 9, &mut out), Ok(0));
    encoder.finish(&mut out).unwrap();
    assert!(out.len() <= 300);
}
