//! Files that break the contract, files that go, stores that do not answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int64Array, LargeStringArray, ListArray, StringArray};
use bytes::Bytes;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use super::support::{TestLake, events_file, parquet, slice_of, texts, times};
use crate::ports::{Lake as _, LakeError};

const PATH: &str = "e.parquet";

fn file(columns: Vec<(&str, ArrayRef)>) -> Bytes {
    parquet(columns, WriterProperties::builder())
}

fn fault(lake: &TestLake, bytes: impl Into<Bytes>, columns: &[&str]) -> (Option<u64>, String) {
    lake.put(PATH, bytes);
    match lake.read(&slice_of(&[PATH]), columns) {
        Err(LakeError::Broken { path, row, wrong }) => {
            assert_eq!(path, PATH);
            (row, wrong)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_parquet_file_is_broken() {
    for lake in TestLake::both() {
        let noise: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        for bytes in [Bytes::new(), Bytes::from_static(b"PAR1"), Bytes::from_static(b"no"), noise.into()] {
            let (row, wrong) = fault(&lake, bytes, &["ts"]);
            assert!(row.is_none() && wrong.contains("no readable Parquet file"), "{wrong}");
            let footer = lake.runtime.block_on(lake.lake.footer(PATH));
            assert!(matches!(footer, Err(LakeError::Broken { .. })), "{footer:?}");
        }
    }
}

#[test]
fn columns_must_be_as_the_contract_says() {
    let lake = TestLake::folder();
    let ts = || ("ts", times(vec![Some(1)]));
    let props = || ("event_props", texts(vec![Some("{}")]));
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let numbers: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]));
    for (columns, told) in [
        (vec![ts()], "it has no column `event_props`, which every file of Events must have"),
        (vec![props()], "it has no column `ts`"),
        (
            vec![("ts", Arc::clone(&number)), props()],
            "its column `ts` is of the type Int64, it must be TIMESTAMP(MICROS, UTC)",
        ),
        (
            vec![ts(), ("event_props", Arc::clone(&number))],
            "`event_props` is of the type Int64, it must be STRING",
        ),
        (vec![ts(), props(), ("email", Arc::clone(&number))], "`email` is of the type Int64"),
        (vec![ts(), props(), ("dpi", number)], "`dpi` is of the type Int64, it must be DOUBLE"),
        (vec![ts(), props(), ("all_identities", numbers)], "it must be LIST<STRING>"),
    ] {
        let (row, wrong) = fault(&lake, file(columns), &["ts"]);
        assert!(row.is_none() && wrong.contains(told), "{wrong}");
    }
}

#[test]
fn other_arrow_types_of_the_same_parquet_type_are_fine() {
    let lake = TestLake::folder();
    let large: ArrayRef = Arc::new(LargeStringArray::from(vec!["{}", "[]"]));
    let words: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let dictionary = arrow_array::DictionaryArray::<Int32Type>::from_iter(["Acme", "Acme"]);
    let columns = vec![
        ("ts", times(vec![Some(1), Some(2)])),
        ("event_props", large),
        ("email", words),
        ("make", Arc::new(dictionary) as ArrayRef),
    ];
    lake.put(PATH, file(columns));
    let batches = lake.read(&slice_of(&[PATH]), &["event_props", "email", "make"]).unwrap();
    assert_eq!(batches[0].batch.num_columns(), 3);
}

#[test]
fn nulls_in_required_columns_are_named_with_their_row() {
    let lake = TestLake::folder();
    let mut props = vec![Some("{}"); 10];
    props[7] = None;
    let columns = vec![("ts", times(vec![Some(1); 10])), ("event_props", texts(props))];
    let bytes = parquet(columns, WriterProperties::builder().set_max_row_group_row_count(Some(4)));
    assert_eq!(fault(&lake, bytes, &["event_props"]), (Some(7), "`event_props` is null".to_owned()));
}

#[test]
fn text_that_is_not_utf8_is_broken() {
    use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    for kind in ["UTF8", "JSON"] {
        let schema = format!(
            "message m {{ required int64 ts (TIMESTAMP(MICROS,true)); required binary event_props ({kind}); }}"
        );
        let mut bytes = Vec::new();
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[1, 2], None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let values = [ByteArray::from("{}"), ByteArray::from(vec![b'{', 0xff, b'}'])];
        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        let (_, wrong) = fault(&TestLake::folder(), bytes, &["event_props"]);
        assert!(wrong.to_lowercase().contains("utf"), "{wrong}");
    }
}

#[test]
fn files_that_are_gone_and_stores_that_are_down_are_told_apart() {
    for lake in TestLake::both() {
        let error = lake.read(&slice_of(&["gone.parquet"]), &["ts"]).unwrap_err();
        assert!(matches!(&error, LakeError::Vanished { path } if path == "gone.parquet"), "{error}");
        let error = lake.runtime.block_on(lake.lake.footer("gone.parquet")).unwrap_err();
        assert!(matches!(error, LakeError::Vanished { .. }), "{error}");
    }
    let lake = TestLake::remote();
    lake.put(PATH, events_file(0, 10_000, 100_000, |n| format!("{{\"n\":{n}}}")));
    let mut rows = lake.lake.rows(&slice_of(&[PATH]), &["ts", "event_props"]);
    rows.next_batch().unwrap();
    lake.watched.is_down.store(true, Ordering::Relaxed);
    let error = std::iter::from_fn(|| rows.next_batch().transpose()).find_map(Result::err);
    // What was fetched already may have held the rest.
    assert!(error.is_none_or(|error| error.is_passing()));
    let error = lake.read(&slice_of(&[PATH]), &["ts"]).unwrap_err();
    assert!(error.is_passing(), "{error}");
}

fn sound() -> Bytes {
    events_file(0, 400, 100, |n| format!("{{\"n\":{n},\"t\":\"{}\"}}", "ab".repeat(20)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A file cut anywhere is broken, never read in part as if it were whole.
    #[test]
    fn a_torn_file_is_broken(at in any::<prop::sample::Index>(), remote in any::<bool>()) {
        let whole = sound();
        let torn = whole.slice(..at.index(whole.len()));
        let lake = if remote { TestLake::remote() } else { TestLake::folder() };
        fault(&lake, torn, &["ts", "event_props"]);
    }

    /// Whatever bytes are hit, reading ends with rows or with an error, not with a panic.
    #[test]
    fn flipped_bytes_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..8)) {
        let mut bytes = sound().to_vec();
        for (at, flip) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        let lake = TestLake::folder();
        lake.put(PATH, bytes);
        match lake.read(&slice_of(&[PATH]), &["ts", "event_props"]) {
            Ok(_) | Err(LakeError::Broken { .. }) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
        match lake.runtime.block_on(lake.lake.footer(PATH)) {
            Ok(_) | Err(LakeError::Broken { .. }) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
