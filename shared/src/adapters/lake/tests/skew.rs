//! Rows far larger than their row group's average, and pages that claim what they are not.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch, types::Int32Type};
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::super::merge::{row_bytes, text_bytes};
use super::support::{TestLake, parquet, slice_of, texts, times};
use crate::ports::{LakeError, SourcedBatch};

/// The largest number of a header's fields.
const MOST: u32 = i32::MAX.unsigned_abs();

const COLUMNS: [&str; 2] = ["ts", "event_props"];

fn without_index() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_offset_index_disabled(true)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_write_batch_size(8)
}

fn file(props: &[String], properties: WriterPropertiesBuilder) -> bytes::Bytes {
    let rows = i64::try_from(props.len()).unwrap();
    let columns = vec![
        ("ts", times((0..rows).map(Some).collect())),
        ("event_props", texts(props.iter().map(|props| Some(props.as_str())).collect())),
    ];
    parquet(columns, properties)
}

fn bytes(batch: &RecordBatch) -> u64 {
    (0..batch.num_rows()).map(|row| row_bytes(batch, row)).sum()
}

/// What the batch keeps in memory.
fn held_bytes(batch: &RecordBatch) -> usize {
    batch["event_props"].as_string_view().data_buffers().iter().map(|buffer| buffer.len()).sum()
}

fn read(lake: &TestLake) -> Vec<SourcedBatch> {
    lake.read(&slice_of(&["s.parquet"]), &COLUMNS).unwrap()
}

#[test]
fn large_rows_do_not_multiply_without_a_page_index() {
    // On average 300 bytes a row; 160 rows of 1 MB stand together at the end, or at the begin.
    let large = "x".repeat(1_000_000);
    let tail = |n: usize| if n < 400_000 { "{}".to_owned() } else { format!("{n}{large}") };
    for reversed in [false, true] {
        let mut props: Vec<String> = (0..400_160).map(tail).collect();
        if reversed {
            props.reverse();
        }
        let lake = TestLake::folder();
        lake.put("s.parquet", file(&props, without_index().set_max_row_group_row_count(Some(1_000_000))));
        let batches = read(&lake);
        let largest = batches.iter().map(|sourced| bytes(&sourced.batch)).max().unwrap();
        assert!(largest <= 20 << 20, "{largest} bytes, reversed: {reversed}");
        let held = batches.iter().map(|sourced| held_bytes(&sourced.batch)).max().unwrap();
        assert!(held <= 64 << 20, "{held} bytes held, reversed: {reversed}");
        let mut at = 0;
        for sourced in &batches {
            for text in sourced.batch["event_props"].as_string_view().iter() {
                assert_eq!(text, Some(props[at].as_str()));
                at += 1;
            }
        }
        assert_eq!(at, props.len());
    }
}

#[test]
fn one_large_row_stands_nearly_alone() {
    let mut props = vec!["{}".to_owned(); 200_000];
    props[150_000] = "y".repeat(90_000_000);
    let lake = TestLake::folder();
    lake.put("s.parquet", file(&props, without_index().set_dictionary_enabled(false)));
    let batches = read(&lake);
    assert_eq!(batches.iter().map(|sourced| sourced.batch.num_rows()).sum::<usize>(), 200_000);
    let largest = batches.iter().map(|sourced| bytes(&sourced.batch)).max().unwrap();
    assert!(largest < 90_000_000 + (20 << 20), "{largest}");
}

#[test]
fn regular_files_are_read_in_large_batches() {
    let props: Vec<String> =
        (0..100_000).map(|n| format!("{{\"n\":{n},\"t\":\"{}\"}}", "ab".repeat(100))).collect();
    for properties in [without_index(), WriterProperties::builder()] {
        let lake = TestLake::folder();
        lake.put("s.parquet", file(&props, properties));
        let batches = read(&lake);
        assert!(batches.len() < 40, "{}", batches.len());
    }
}

#[test]
fn words_of_a_dictionary_count_as_often_as_they_occur() {
    // 2,000 rows of one word of 500 kB: 1 GB for an encoder, half a megabyte in the file.
    let word = "w".repeat(500_000);
    let words: DictionaryArray<Int32Type> = std::iter::repeat_n(word.as_str(), 2_000).collect();
    let columns = vec![("ts", times(vec![Some(1); 2_000])), ("event_props", Arc::new(words) as ArrayRef)];
    let lake = TestLake::folder();
    let properties = without_index().set_dictionary_page_size_limit(1 << 30);
    let bytes_of_file = parquet(columns, properties);
    assert!(bytes_of_file.len() < 2_000_000);
    lake.put("s.parquet", bytes_of_file);
    let batches = read(&lake);
    assert_eq!(batches.iter().map(|sourced| sourced.batch.num_rows()).sum::<usize>(), 2_000);
    let largest = batches.iter().map(|sourced| text_bytes(&sourced.batch)).max().unwrap();
    assert!(batches.len() > 10);
    let largest_rows = batches.iter().map(|sourced| bytes(&sourced.batch)).max().unwrap();
    assert!(largest_rows <= 20 << 20 && largest >= largest_rows, "{largest_rows}");
}

/// The file with other sizes in the header of a column's first page: zigzag varints of five bytes are put in the
/// place of the header's first bytes, and what followed is lost, which nobody gets to see.
fn with_header(file: &[u8], uncompressed: u32, compressed: u32) -> Vec<u8> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(file)).unwrap();
    let (start, _) = reader.metadata().row_group(0).column(1).byte_range();
    let mut header = vec![0x15, 0x00];
    for size in [uncompressed, compressed] {
        header.push(0x15);
        let mut coded = u64::from(size) << 1;
        while coded > 0x7f {
            header.push(u8::try_from(coded & 0x7f).unwrap() | 0x80);
            coded >>= 7;
        }
        header.push(u8::try_from(coded).unwrap());
    }
    let (mut bytes, start) = (file.to_vec(), usize::try_from(start).unwrap());
    bytes[start..start + header.len()].copy_from_slice(&header);
    bytes
}

#[test]
fn a_page_that_claims_two_gigabytes_is_broken() {
    let props: Vec<String> = (0..1_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    for properties in [without_index(), WriterProperties::builder()] {
        let file = file(&props, properties.set_compression(Compression::SNAPPY));
        for (uncompressed, compressed) in [(MOST, 1_000), (1_000, MOST)] {
            let lake = TestLake::folder();
            lake.put("s.parquet", with_header(&file, uncompressed, compressed));
            let error = lake.read(&slice_of(&["s.parquet"]), &COLUMNS).unwrap_err();
            let LakeError::Broken { path, row: Some(0), wrong } = &error else { panic!("{error}") };
            assert_eq!(path, "s.parquet");
            assert!(
                wrong.contains("a page of 2147483647 bytes, and 134217728 at most can be read"),
                "{wrong}"
            );
        }
    }
}

#[test]
fn a_page_that_unpacks_to_more_than_memory_is_broken() {
    // Honest, and yet too large: 160 MB in one page, which packs into a few kilobytes.
    let props = vec!["z".repeat(160_000_000), "{}".to_owned()];
    let lake = TestLake::folder();
    let properties = without_index()
        .set_dictionary_enabled(false)
        .set_compression(Compression::ZSTD(parquet::basic::ZstdLevel::default()));
    let file = file(&props, properties);
    assert!(file.len() < 1_000_000);
    lake.put("s.parquet", file);
    let error = lake.read(&slice_of(&["s.parquet"]), &COLUMNS).unwrap_err().to_string();
    assert!(error.contains("write the file with smaller pages"), "{error}");
}
