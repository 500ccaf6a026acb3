//! What the Parquet writer is told about columns, and that values come through whatever it is told.

use std::fs::File;

use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use spillway::domain::Dataset;

use super::Lake;

/// So many events, each user having some one after the other; one in a thousand has a browser.
fn ingested(events: usize, events_a_user: usize) -> Lake {
    let mut lake = Lake::new();
    lake.account.shards = 1;
    let line = |n: usize| {
        let device = if n % 1000 == 999 { r#","deviceInfo":{"browser":"Lynx","dpi":96}"# } else { "" };
        format!(
            "{{\"type\":\"event\",\"identity\":\"u{}\",\"evtName\":\"e\",\"ts\":{n},\"evtData\":{{\"n\":{n}}}{device}}}\n",
            n / events_a_user
        )
    };
    let report = lake.ingest_text(&(0..events).map(line).collect::<String>());
    assert_eq!((report.events, report.files, report.bad_lines), (events as u64, 1, 0));
    lake
}

fn metadata(lake: &Lake) -> ParquetMetaData {
    let path = lake.folder.path().join(&lake.list(Dataset::Events)[0].path);
    let options = ReadOptionsBuilder::new().with_page_index().build();
    let reader = SerializedFileReader::new_with_options(File::open(path).unwrap(), options).unwrap();
    reader.metadata().clone()
}

fn column<'m>(metadata: &'m ParquetMetaData, name: &str) -> &'m ColumnChunkMetaData {
    let columns = metadata.row_group(0).columns();
    columns.iter().find(|column| column.column_path().string() == name).unwrap()
}

fn has_dictionary(metadata: &ParquetMetaData, name: &str) -> bool {
    column(metadata, name).encodings().any(|encoding| encoding == Encoding::RLE_DICTIONARY)
}

#[test]
fn users_stand_in_dictionaries_only_where_they_come_again() {
    for (events_a_user, expected) in [(1, false), (3, true), (500, true)] {
        let lake = ingested(3000, events_a_user);
        let metadata = metadata(&lake);
        for name in ["object_id", "identity", "all_identities.list.element"] {
            assert_eq!(has_dictionary(&metadata, name), expected, "{events_a_user} {name}");
        }
        assert!(!has_dictionary(&metadata, "event_props"));
        let identities: Vec<_> = (0..3000).map(|n| format!("u{}", n / events_a_user)).collect();
        assert_eq!(lake.texts("identity"), identities);
    }
}

#[test]
fn a_column_without_values_is_not_compressed_and_one_with_few_is() {
    let metadata = metadata(&ingested(3000, 3));
    for (name, used) in
        [("browser", true), ("dpi", true), ("make", false), ("width", false), ("session_props", false)]
    {
        let column = column(&metadata, name);
        assert_eq!(column.compression() != Compression::UNCOMPRESSED, used, "{name}");
        assert_eq!(column.num_values(), 3000, "{name}");
    }
    let lake = ingested(3000, 3);
    let lynx: Vec<_> = (0..3000).map(|n| if n % 1000 == 999 { "Lynx" } else { "∅" }).collect();
    assert_eq!(lake.texts("browser"), lynx);
    assert_eq!(lake.texts("make"), vec!["∅"; 3000]);
}

/// Readers go by pages, and plan by times.
#[test]
fn pages_can_be_found_and_times_are_told_though_properties_have_no_statistics() {
    let metadata = metadata(&ingested(3000, 1));
    let pages = metadata.page_index_for_row_group(0);
    for column in 0..metadata.row_group(0).num_columns() {
        assert!(!pages.page_locations(column).unwrap().is_empty(), "{column}");
    }
    assert!(column(&metadata, "ts").statistics().is_some());
    assert!(column(&metadata, "object_id").statistics().is_some());
    assert!(column(&metadata, "event_props").statistics().is_none());
}
