//! Profiles: of each the newest version, once, whatever the files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use jiff::Timestamp;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use proptest::prelude::*;

use super::super::file::LakeParquet;
use super::super::profiles::{Budget, IdRange, ProfileRows};
use super::support::{TestLake, Version, parquet, profiles_file, texts, times};
use crate::domain::{Dataset, ProfileFile, ProfileFiles, ProfileRole, RowCursor, Slice};
use crate::ports::{Lake as _, LakeError, LakeRows, RowOrigins};

fn file(path: &str, committed: i64, role: ProfileRole) -> ProfileFile {
    let committed = Timestamp::from_second(committed).unwrap();
    let path = path.to_owned();
    ProfileFile { path, bytes: 0, committed, role, rows: None, first_id: None, last_id: None }
}

/// All rows: properties, origin, and the deleted profiles up to each.
fn all(rows: &mut dyn LakeRows) -> Result<Vec<(String, RowCursor, u64)>, LakeError> {
    let mut all = Vec::new();
    while let Some(sourced) = rows.next_batch()? {
        let (ids, props) = (&sourced.batch["object_id"], &sourced.batch["profile_props"]);
        assert!(matches!(sourced.origins, RowOrigins::Each(_)) && sourced.batch.num_rows() > 0);
        for row in 0..sourced.batch.num_rows() {
            let deleted = rows.deleted_profiles(Some(ids.as_string_view().value(row)));
            let props = props.as_string_view().value(row).to_owned();
            all.push((props, sourced.origins.of(row), deleted));
        }
    }
    Ok(all)
}

const COLUMNS: [&str; 3] = ["object_id", "profile_props", "email"];

#[test]
fn the_newest_version_goes_out() {
    for lake in TestLake::both() {
        lake.put(
            "a",
            profiles_file(&[("a", 1, false), ("b", 9, false), ("d", 1, false), ("e", 5, false)], 2),
        );
        lake.put("b", profiles_file(&[("a", 2, false), ("b", 1, false), ("c", 1, true), ("d", 1, false)], 2));
        lake.put("c", profiles_file(&[("e", 6, false), ("f", 1, false)], 2));
        let files = vec![
            file("b", 10, ProfileRole::Deliver),
            file("a", 20, ProfileRole::Deliver),
            file("c", 5, ProfileRole::Delivered),
        ];
        let slice = Slice::Profiles { files: ProfileFiles::Named(files), after: None, upto: None };
        let mut rows = lake.lake.rows(&slice, &COLUMNS);
        let read = all(&mut *rows).unwrap();
        let at = |file, row| RowCursor { file, row };
        let expected =
            [(r#"{"a":2}"#, at(0, 0), 0), (r#"{"b":9}"#, at(1, 1), 0), (r#"{"d":1}"#, at(1, 2), 1)];
        assert_eq!(read, expected.map(|(props, at, deleted)| (props.to_owned(), at, deleted)));
        assert_eq!(rows.deleted_profiles(None), 1);
    }
}

#[test]
fn unsorted_files_are_broken() {
    let lake = TestLake::folder();
    for (versions, told) in [
        ([("a", 1, false), ("c", 1, false), ("b", 1, false)], "not sorted by `object_id`: `b` follows `c`"),
        ([("a", 1, false), ("b", 1, false), ("b", 2, false)], "the `object_id` `b` stands in the row before"),
    ] {
        lake.put("p", profiles_file(&versions, 2));
        let files = ProfileFiles::Named(vec![file("p", 1, ProfileRole::Deliver)]);
        let slice = Slice::Profiles { files, after: None, upto: None };
        let error = all(&mut *lake.lake.rows(&slice, &COLUMNS)).unwrap_err();
        assert!(matches!(&error, LakeError::Broken { row: Some(2), .. }), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}

/// A null is a profile without properties; without the column it is a file of somebody who misspelt its name.
#[test]
fn properties_may_be_null_but_not_missing() {
    let lake = TestLake::folder();
    let ids = || ("object_id", texts(vec![Some("a"), Some("b")]));
    let updated = || ("updated_at", times(vec![Some(1), Some(1)]));
    let files = || ProfileFiles::Named(vec![file("p", 1, ProfileRole::Deliver)]);
    let slice = || Slice::Profiles { files: files(), after: None, upto: None };
    let props = ("profile_props", texts(vec![None, Some("{}")]));
    lake.put("p", parquet(vec![ids(), updated(), props], WriterProperties::builder()));
    let batch = lake.lake.rows(&slice(), &COLUMNS).next_batch().unwrap().unwrap().batch;
    assert_eq!((batch.num_rows(), batch["profile_props"].null_count()), (2, 1));
    lake.put("p", parquet(vec![ids(), updated()], WriterProperties::builder()));
    let error = lake.lake.rows(&slice(), &COLUMNS).next_batch().unwrap_err();
    assert!(error.to_string().contains("it has no column `profile_props`"), "{error}");
}

#[test]
fn a_file_has_the_rows_and_ids_that_were_planned() {
    let lake = TestLake::folder();
    lake.put("p", profiles_file(&[("b", 1, false), ("c", 1, false), ("d", 1, false)], 2));
    let read = |rows, ids: (&str, &str), after: Option<&str>| {
        let mut planned = file("p", 1, ProfileRole::Deliver);
        planned.rows = Some(rows);
        (planned.first_id, planned.last_id) = (Some(ids.0.to_owned()), Some(ids.1.to_owned()));
        let files = ProfileFiles::Named(vec![planned]);
        let slice = Slice::Profiles { files, after: after.map(str::to_owned), upto: None };
        all(&mut *lake.lake.rows(&slice, &COLUMNS)).map(|rows| rows.len()).map_err(|error| error.to_string())
    };
    assert_eq!(read(3, ("a", "d"), None), Ok(3));
    assert_eq!(read(3, ("b", "d"), Some("c")), Ok(1));
    assert!(read(4, ("a", "z"), None).unwrap_err().contains("it has 3 rows now, and had 4"));
    let outside = |ids, after| read(3, ids, after).unwrap_err();
    assert!(
        outside(("c", "d"), None).contains("row 1: the `object_id` `b` lies outside what its footer said")
    );
    assert!(outside(("c", "d"), Some("b")).contains("`b` lies outside"));
    assert!(outside(("b", "c"), None).contains("row 3: the `object_id` `d` lies outside"));
}

#[test]
fn a_list_that_was_not_looked_up_is_no_empty_slice() {
    let lake = TestLake::folder();
    let files = ProfileFiles::Listed { parts: 1, listed: 600 };
    let slice = Slice::Profiles { files, after: None, upto: None };
    let error = lake.lake.rows(&slice, &COLUMNS).next_batch().unwrap_err();
    assert!(error.to_string().contains("was not looked up"), "{error}");
}

#[test]
fn a_footer_bounds_its_row_groups() {
    for lake in TestLake::both() {
        let long = "z".repeat(200);
        lake.put("p", profiles_file(&[("a", 3, false), ("b", 7, false), (&long, 5, false)], 2));
        let footer = lake.runtime.block_on(lake.lake.footer("p")).unwrap();
        let rows: Vec<u64> = footer.row_groups.iter().map(|group| group.rows).collect();
        assert_eq!(rows, [2, 1]);
        assert_eq!(footer.row_groups[0].last_object_id.as_deref(), Some("b"));
        assert!(footer.row_groups[1].last_object_id.as_deref().unwrap() >= long.as_str());
        assert_eq!(
            (footer.row_groups[0].oldest_micros, footer.row_groups[0].newest_micros),
            (Some(3), Some(7))
        );
        assert!(footer.row_groups[0].bytes > 0);
    }
}

#[derive(Debug, Clone)]
struct AFile {
    versions: BTreeMap<String, (i64, bool)>,
    committed: i64,
    role: ProfileRole,
    group_rows: usize,
}

fn a_file() -> impl Strategy<Value = AFile> {
    let role = prop_oneof![3 => Just(ProfileRole::Deliver), 1 => Just(ProfileRole::Delivered)];
    let id = (0_u32..60).prop_map(|n| if n % 7 == 0 { format!("é{n}") } else { format!("u{n:02}") });
    let versions = prop::collection::btree_map(id, (0_i64..4, prop::bool::weighted(0.2)), 0..25);
    (versions, 0_i64..3, role, 1_usize..9).prop_map(|(versions, committed, role, group_rows)| AFile {
        versions,
        committed,
        role,
        group_rows,
    })
}

fn a_budget() -> impl Strategy<Value = Budget> {
    (1_usize..70, 1_u64..4000, 1_u64..2000, 1_usize..9).prop_map(
        |(open_files, kept_bytes, batch_bytes, batch_rows)| Budget {
            open_files,
            reader_bytes: 1 << 20,
            kept_bytes,
            batch_bytes,
            batch_rows,
        },
    )
}

type Expected = (Vec<(String, RowCursor)>, u64);

/// The same by brute force.
fn model(files: &[AFile], paths: &[String], range: &IdRange) -> Expected {
    let ids: BTreeSet<&String> = files.iter().flat_map(|file| file.versions.keys()).collect();
    let (mut rows, mut deleted) = (Vec::new(), 0);
    for id in ids {
        if range.after.as_ref().is_some_and(|after| id <= after)
            || range.upto.as_ref().is_some_and(|upto| id > upto)
        {
            continue;
        }
        let holders = files.iter().enumerate().filter(|(_, file)| file.versions.contains_key(id));
        let newest = holders.max_by_key(|(at, file)| (file.versions[id].0, file.committed, &paths[*at]));
        let (at, file) = newest.unwrap();
        let (micros, is_deleted) = file.versions[id];
        if file.role == ProfileRole::Delivered {
            continue;
        }
        if is_deleted {
            deleted += 1;
            continue;
        }
        let row = file.versions.keys().position(|other| other == id).unwrap() as u64;
        rows.push((format!("{{\"{id}\":{micros}}}"), RowCursor { file: u32::try_from(at).unwrap(), row }));
    }
    (rows, deleted)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_merge_is_what_the_model_says(
        files in prop_oneof![4 => prop::collection::vec(a_file(), 1..12), 1 => prop::collection::vec(a_file(), 65..90)],
        budget in a_budget(),
        bounds in prop::array::uniform2(prop::option::weighted(0.4, 0_u32..60)),
        cut in prop::option::of(0_usize..40),
    ) {
        let lake = TestLake::remote();
        let mut slice_files = Vec::new();
        let mut paths = Vec::new();
        for (at, a_file) in files.iter().enumerate() {
            let path = format!("{:03}.parquet", (at * 37) % 101);
            let versions: Vec<Version<'_>> = a_file.versions.iter().map(|(id, (micros, deleted))| (id.as_str(), *micros, *deleted)).collect();
            lake.put(&path, profiles_file(&versions, a_file.group_rows));
            slice_files.push(file(&path, a_file.committed, a_file.role));
            paths.push(path);
        }
        let [after, upto] = bounds.map(|bound| bound.map(|n| format!("u{n:02}")));
        let mut range = IdRange { after, upto };
        let (expected, expected_deleted) = model(&files, &paths, &range);
        let open = |range: &IdRange| {
            ProfileRows::new(Arc::clone(&lake.lake.medium), &slice_files, range.clone(), &COLUMNS, budget)
        };
        let mut rows = open(&range);
        let mut read = all(&mut rows).unwrap();
        let mut deleted = rows.deleted_profiles(None);
        // A file ends after some row; its successor goes on behind that row's profile.
        if let Some(cut) = cut.filter(|cut| *cut < read.len()) {
            read.truncate(cut + 1);
            let (props, _, deleted_before) = &read[cut];
            deleted = *deleted_before;
            range.after = Some(props[2..].split('"').next().unwrap().to_owned());
            let mut rest = open(&range);
            read.extend(all(&mut rest).unwrap());
            deleted += rest.deleted_profiles(None);
        }
        let read: Vec<(String, RowCursor)> = read.into_iter().map(|(props, origin, _)| (props, origin)).collect();
        prop_assert_eq!(read, expected);
        prop_assert_eq!(deleted, expected_deleted);
    }
}

/// Without an offset index nothing tells how large pages are, and a whole column may be one.
#[test]
fn a_file_without_a_page_index_counts_as_if_each_column_were_one_page() {
    let lake = TestLake::folder();
    let note = "n".repeat(1024);
    let count = 6 * 1024;
    let ids: Vec<String> = (0..count).map(|n| format!("u{n:05}")).collect();
    let props: Vec<String> = ids.iter().map(|id| format!("{{\"{id}\":\"{note}\"}}")).collect();
    let one_page = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(usize::MAX)
        .set_data_page_row_count_limit(usize::MAX)
        .set_write_batch_size(count)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    let columns = vec![
        ("object_id", texts(ids.iter().map(|id| Some(id.as_str())).collect())),
        ("updated_at", times(vec![Some(1); count])),
        ("profile_props", texts(props.iter().map(|props| Some(props.as_str())).collect())),
    ];
    lake.put("p", parquet(columns, one_page));
    let file = LakeParquet::open(&lake.lake.medium, "p", Dataset::Profiles, &COLUMNS).unwrap();
    let sizes = file.sizes();
    assert!(sizes.columns(0).all(|(.., index)| index.is_none()));
    let pages: usize = props.iter().map(String::len).sum();
    let (held, largest) = (sizes.reader_bytes(0), pages as u64);
    assert!(largest <= held && held < largest * 2, "{held} bytes for a page of {largest}");
}
