//! The size limit of Parquet files.
#![allow(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use parquet::record::{Field, Row as Record};
use proptest::prelude::*;

use super::tests::records;
use crate::domain::{Format, Packaging};
use crate::encode::testing::{Row, event_content, events, file, files, gunzip, options};
use crate::encode::{EncodeError, FileOptions};

fn unpack(options: &FileOptions, stored: &[u8]) -> Bytes {
    if options.packaging == Packaging::Gzip { gunzip(stored).into() } else { stored.to_vec().into() }
}

/// Rows of many sizes, wide ones too, and such as statistics cannot cut short.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let props = prop_oneof![
        8 => "[ -~&&[^\"\\\\]]{0,60}".prop_map(|text| format!("{{\"t\":\"{text}\",\"n\":{}}}", text.len())),
        2 => "[a-zA-Z0-9+/]{500,3000}".prop_map(|text| format!("{{\"t\":\"{text}\"}}")),
        1 => (0..3000_usize).prop_map(|length| format!("{{\"t\":\"{}\"}}", "\u{7f}".repeat(length))),
        1 => (0..400_usize).prop_map(|length| format!("{{\"{}\":\"{}\"}}", "\\u007f".repeat(length), "\u{10FFFF}".repeat(length))),
        1 => (0..300_usize).prop_map(|count| {
            let members: Vec<String> = (0..count).map(|n| format!("\"k{n}\":{}", n * 12_345_678)).collect();
            format!("{{{}}}", members.join(","))
        }),
    ];
    let row = (props, any::<bool>(), "\u{7f}{0,200}").prop_map(|(props, session, name)| {
        let row = if session { Row::full(&props) } else { Row::new(props) };
        row.text("name", &name)
    });
    prop::collection::vec(row, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No file exceeds the limit, all rows come out once and in order, the first row of a file is refused only
    /// where a file of it alone really is too large, and how the batches are cut changes no byte.
    #[test]
    fn no_file_exceeds_the_limit_and_no_row_is_lost(
        rows in rows(),
        packaging in prop::sample::select(&[Packaging::Plain, Packaging::Gzip][..]),
        limit_bytes in prop_oneof![1..6_u64, 6..200_u64].prop_map(|kilobytes| kilobytes * 1000),
        as_string in any::<bool>(),
        steps in prop::collection::vec(1..30_usize, 1..5),
    ) {
        let options = FileOptions { packaging, limit_bytes, as_string, ..options(Format::Parquet) };
        let (content, batch) = (event_content(&[]), events(&rows));
        match files(&options, &content, &batch, &[usize::MAX]) {
            Ok(found) => {
                prop_assert!(found.iter().all(|file| file.len() as u64 <= limit_bytes || rows.is_empty()));
                let all: Vec<Record> = found.iter().flat_map(|file| records(&unpack(&options, file))).collect();
                let unlimited = FileOptions { limit_bytes: u64::MAX, ..options.clone() };
                let whole = file(&unlimited, &content, &batch).unwrap();
                prop_assert_eq!(all, records(&unpack(&options, &whole)));
                prop_assert_eq!(found, files(&options, &content, &batch, &steps).unwrap());
            }
            Err(EncodeError::RowTooLarge { row, limit_bytes: named }) => {
                prop_assert_eq!(named, limit_bytes);
                let alone = file(&FileOptions { limit_bytes: u64::MAX, ..options }, &content, &batch.slice(row, 1));
                prop_assert!(alone.unwrap().len() as u64 > limit_bytes);
            }
            // Not even an empty file fits.
            Err(EncodeError::Internal(message)) if rows.is_empty() => prop_assert!(message.contains("its limit is")),
            Err(other) => panic!("{other}"),
        }
    }
}

fn number(record: &Record) -> i64 {
    let Field::Long(ts) = record.get_column_iter().next().unwrap().1 else { panic!("no ts") };
    *ts
}

#[test]
fn a_file_wastes_little() {
    let rows: Vec<Row> = (0..200_000_u32)
        .map(|n| {
            let noise = u128::from(n.wrapping_mul(2_654_435_761))
                .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
            let mut row = Row::full(&format!(
                "{{\"n\":{n},\"h\":\"{noise:x}\",\"t\":\"always the same\",\"d\":0.{noise}}}"
            ));
            row.ts_micros += i64::from(n) * 1_000_000;
            row
        })
        .collect();
    let batch = events(&rows);
    for packaging in [Packaging::Plain, Packaging::Gzip] {
        let limit_bytes = 2_500_000;
        let options = FileOptions { packaging, limit_bytes, ..options(Format::Parquet) };
        let found = files(&options, &event_content(&rows[..1]), &batch, &[5000]).unwrap();
        let sizes: Vec<usize> = found.iter().map(Vec::len).collect();
        let (_, full) = sizes.split_last().unwrap();
        assert!(!full.is_empty(), "{packaging:?}: {sizes:?}");
        for size in full {
            let wasted = limit_bytes - *size as u64;
            assert!(wasted < limit_bytes / 3, "{packaging:?}: {sizes:?}");
        }
        let all: Vec<i64> = found
            .iter()
            .flat_map(|file| records(&unpack(&options, file)))
            .map(|record| number(&record))
            .collect();
        assert_eq!(all.len(), rows.len());
        assert!(all.is_sorted());
    }
}

#[test]
fn the_first_row_is_tried_before_it_is_refused() {
    let row = Row::new(format!("{{\"t\":\"{}\"}}", "z".repeat(1_000_000)));
    let rows = vec![row; 3];
    for packaging in [Packaging::Plain, Packaging::Gzip] {
        let options = FileOptions { packaging, limit_bytes: 16_000, ..options(Format::Parquet) };
        let found = files(&options, &event_content(&[]), &events(&rows), &[2]).unwrap();
        assert_eq!(found.len(), 3);
        for file in found {
            assert!(file.len() <= 16_000);
            assert_eq!(records(&unpack(&options, &file)).len(), 1);
        }
    }
}
