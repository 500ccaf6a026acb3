//! Events: every row once from any cursor, in bounded batches, page by page.

use std::sync::atomic::Ordering;

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampMicrosecondType;
use proptest::prelude::*;

use super::support::{TestLake, events_file, slice_of};
use crate::domain::{EndCursor, PlannedRows, RowCursor, Slice, SliceFile};
use crate::encode::columns::event_fields;
use crate::ports::{Lake as _, RowOrigins, SourcedBatch};

fn numbers(batches: &[SourcedBatch]) -> Vec<i64> {
    let column = |sourced: &SourcedBatch| {
        sourced.batch["ts"].as_primitive::<TimestampMicrosecondType>().values().to_vec()
    };
    batches.iter().flat_map(column).collect()
}

#[test]
fn rows_come_in_the_contracts_types_with_their_origin() {
    for lake in TestLake::both() {
        lake.put("a.parquet", events_file(0, 10, 4, |n| format!("{{\"n\":{n}}}")));
        lake.put("b.parquet", events_file(10, 3, 4, |_| "{}".to_owned()));
        let batches =
            lake.read(&slice_of(&["a.parquet", "b.parquet"]), &["ts", "event_props", "email"]).unwrap();
        assert_eq!(numbers(&batches), (0..13).collect::<Vec<_>>());
        let first = &batches[0].batch;
        for field in first.schema().fields() {
            assert!(event_fields().contains(field), "{field:?}");
        }
        assert_eq!(first.num_columns(), 2);
        assert_eq!(first["event_props"].as_string_view().value(3), r#"{"n":3}"#);
        let origin = |at: usize| batches[at].origins.of(1);
        assert_eq!(origin(1), RowCursor { file: 0, row: 5 });
        assert_eq!(origin(3), RowCursor { file: 1, row: 1 });
    }
}

#[test]
fn the_row_groups_of_a_slice_are_read_alone() {
    for lake in TestLake::both() {
        lake.put("a.parquet", events_file(0, 10, 2, |_| "{}".to_owned()));
        let file = SliceFile { path: "a.parquet".to_owned(), bytes: 0, row_groups: Some((1, 3)), rows: None };
        let read = |row| {
            let slice = Slice::Events { files: vec![file.clone()], from: RowCursor { file: 0, row } };
            lake.read(&slice, &["ts"]).map(|batches| numbers(&batches))
        };
        assert_eq!(read(0).unwrap(), [2, 3, 4, 5]);
        assert_eq!(read(3).unwrap(), [5]);
        assert_eq!(read(4).unwrap(), Vec::<i64>::new());
        assert!(read(5).unwrap_err().to_string().contains("ends before row 6"));
        let beyond = SliceFile { row_groups: Some((1, 6)), ..file.clone() };
        let slice = Slice::Events { files: vec![beyond], from: RowCursor::default() };
        assert!(lake.read(&slice, &["ts"]).unwrap_err().to_string().contains("it has 5 row groups"));
    }
}

#[test]
fn a_mended_file_has_the_rows_that_were_planned() {
    let lake = TestLake::folder();
    let read = |row_groups, of_file, first, end| {
        let rows = Some(PlannedRows { of_file, first, end });
        let file = SliceFile { path: "a.parquet".to_owned(), bytes: 0, row_groups, rows };
        let slice = Slice::Events { files: vec![file], from: RowCursor::default() };
        lake.read(&slice, &["ts"]).map(|batches| numbers(&batches)).map_err(|error| error.to_string())
    };
    lake.put("a.parquet", events_file(0, 10, 2, |_| "{}".to_owned()));
    assert_eq!(read(None, 10, 0, 10).unwrap().len(), 10);
    assert_eq!(read(Some((1, 3)), 10, 2, 6).unwrap(), [2, 3, 4, 5]);
    assert_eq!(
        read(None, 11, 0, 11).unwrap_err(),
        "lake file `a.parquet`: it has 10 rows now, and had 11 when the run was planned; restore it with the same \
         rows and row groups"
    );
    // As many rows, cut otherwise: the row groups of other chunks would be delivered twice, or never.
    lake.put("a.parquet", events_file(0, 10, 3, |_| "{}".to_owned()));
    assert_eq!(
        read(Some((1, 3)), 10, 2, 6).unwrap_err(),
        "lake file `a.parquet`: its row groups hold other rows now: those from 1 to 3 have the rows from 3 to 9 of \
         10, and had those from 2 to 6 when the run was planned; restore it with the same row groups"
    );
}

#[test]
fn batches_are_small_where_rows_are_large() {
    let lake = TestLake::folder();
    // Mostly tiny rows, then some of 300 kB: the average says nothing about them.
    let large = "x".repeat(300_000);
    let props = |n: i64| if n < 3000 { "{}".to_owned() } else { format!("{{\"n\":\"{n}{large}\"}}") };
    lake.put("a.parquet", events_file(0, 3100, 10_000, props));
    let batches = lake.read(&slice_of(&["a.parquet"]), &["ts", "event_props"]).unwrap();
    assert_eq!(numbers(&batches), (0..3100).collect::<Vec<_>>());
    let bytes =
        |sourced: &SourcedBatch| sourced.batch["event_props"].as_string_view().total_buffer_bytes_used();
    let largest = batches.iter().map(bytes).max().unwrap();
    assert!(largest <= 20 << 20, "{largest}");
    lake.put("b.parquet", events_file(0, 100_000, 100_000, |_| "{}".to_owned()));
    let batches = lake.read(&slice_of(&["b.parquet"]), &["ts", "event_props"]).unwrap();
    assert!(batches.iter().all(|sourced| sourced.batch.num_rows() <= 4096) && batches.len() < 40);
}

#[test]
fn a_footer_says_when_the_events_of_a_row_group_happened() {
    for lake in TestLake::both() {
        lake.put("a.parquet", events_file(100, 5, 3, |_| "{}".to_owned()));
        let footer = lake.runtime.block_on(lake.lake.footer("a.parquet")).unwrap();
        let times = footer.row_groups.iter().map(|group| (group.oldest_micros, group.newest_micros));
        assert_eq!(times.collect::<Vec<_>>(), [(Some(100), Some(102)), (Some(103), Some(104))]);
    }
}

#[test]
fn a_large_row_group_is_read_page_by_page() {
    let lake = TestLake::remote();
    // Incompressible without a codec: 50 MB in one row group.
    let filler = "0123456789abcdef".repeat(62);
    lake.put("a.parquet", events_file(0, 50_000, 1_000_000, |n| format!("{{\"n\":\"{n}{filler}\"}}")));
    let read = |row: u64| {
        lake.watched.bytes.store(0, Ordering::Relaxed);
        let Slice::Events { files, .. } = slice_of(&["a.parquet"]) else { unreachable!() };
        let slice = Slice::Events { files, from: RowCursor { file: 0, row } };
        let mut rows = lake.lake.rows(&slice, &["ts", "event_props"]);
        let first = rows.next_batch().unwrap().unwrap();
        (numbers(&[first])[0], lake.watched.bytes.load(Ordering::Relaxed))
    };
    for row in [0, 25_000, 49_990] {
        let (first, bytes) = read(row);
        assert_eq!(first, i64::try_from(row).unwrap());
        assert!(bytes < 5 << 20, "{bytes} bytes for the rows from {row} on");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the cuts, the pieces give each row once, in order.
    #[test]
    fn a_slice_can_be_cut_anywhere(
        files in prop::collection::vec((0_i64..200, 1_usize..60), 1..5),
        cuts in prop::collection::vec(0_usize..400, 0..6),
        remote in any::<bool>(),
    ) {
        let lake = if remote { TestLake::remote() } else { TestLake::folder() };
        let (mut first, mut paths) = (0, Vec::new());
        for (index, (rows, group_rows)) in files.iter().enumerate() {
            let path = format!("{index}.parquet");
            lake.put(&path, events_file(first, *rows, *group_rows, |n| format!("{{\"n\":{n}}}")));
            paths.push(path);
            first += rows;
        }
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let (mut slice, mut read) = (slice_of(&paths), Vec::new());
        for cut in cuts {
            let Some((taken, cursor)) = take(&lake, &slice, cut) else { break };
            read.extend(taken);
            slice = slice.rest(&EndCursor::Row(cursor)).unwrap();
        }
        read.extend(numbers(&lake.read(&slice, &["ts"]).unwrap()));
        prop_assert_eq!(read, (0..first).collect::<Vec<_>>());
    }
}

/// The first `count` rows, and where the next one is; none where there is no next one.
fn take(lake: &TestLake, slice: &Slice, count: usize) -> Option<(Vec<i64>, RowCursor)> {
    let mut rows = lake.lake.rows(slice, &["ts"]);
    let mut taken = Vec::new();
    loop {
        let sourced = rows.next_batch().unwrap()?;
        assert!(matches!(sourced.origins, RowOrigins::Run(_)) && !sourced.batch["ts"].is_empty());
        let all = numbers(std::slice::from_ref(&sourced));
        let left = count - taken.len();
        if left < all.len() {
            taken.extend(&all[..left]);
            return Some((taken, sourced.origins.of(left)));
        }
        taken.extend(all);
    }
}
