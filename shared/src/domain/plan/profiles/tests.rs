//! Every needed file where its ids are, none of a document too large, and nothing unknown passed over.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::*;
use crate::domain::{AccountId, Chunk, LakePath, PlanToken, RequestId, RowGroup, RunKey, RunTimestamp};

const PLAIN: (Format, Packaging) = (Format::Json, Packaging::Plain);

fn listed(number: usize) -> LakeFile {
    let folder = "account=1/profiles/captured=2026-03-09-10/db=0";
    LakeFile {
        path: format!("{folder}/{number:06}-{}.parquet", "x".repeat(200)),
        bytes: 1_000,
        committed: Timestamp::UNIX_EPOCH,
        place: LakePath { database: DatabaseId(0), event: None },
    }
}

fn group(ids: (&str, &str), micros: (i64, i64)) -> RowGroup {
    RowGroup {
        rows: 10,
        bytes: 500,
        first_object_id: Some(ids.0.to_owned()),
        last_object_id: Some(ids.1.to_owned()),
        oldest_micros: Some(micros.0),
        newest_micros: Some(micros.1),
    }
}

fn file(number: usize, role: ProfileRole, groups: Vec<RowGroup>) -> ShardFile {
    let (listed, footer) = (listed(number), Footer { row_groups: groups, ..Footer::default() });
    let note = ProfileNote::of(&listed, &footer);
    ShardFile::new(listed, role, Some(&note), (role == ProfileRole::Deliver).then_some(footer))
}

fn unreadable(number: usize, role: ProfileRole) -> ShardFile {
    ShardFile::new(listed(number), role, None, None)
}

fn plan(files: Vec<ShardFile>, target_bytes: u64) -> (Vec<ChunkPlan>, Vec<ProfileList>) {
    let limits = PlanLimits { target_bytes, ..PlanLimits::default() };
    let shard = ProfileShard { database: DatabaseId(0), files };
    plan_profiles(vec![shard], &Ratios::default(), PLAIN, 0, limits)
}

fn names(chunk: &ChunkPlan) -> BTreeSet<usize> {
    let Slice::Profiles { files: ProfileFiles::Named(files), .. } = &chunk.slice else { panic!("{chunk:?}") };
    files.iter().map(|file| file.path.rsplit_once('/').unwrap().1[..6].parse().unwrap()).collect()
}

#[test]
fn an_unreadable_file_may_hold_anything() {
    let old = || file(0, ProfileRole::Delivered, vec![group(("a", "c"), (1, 5))]);
    let new = || file(1, ProfileRole::Deliver, vec![group(("a", "b"), (9, 9)), group(("x", "z"), (9, 9))]);
    // Wholly older than what is delivered: not needed.
    let (chunks, _) = plan(vec![old(), new()], 1);
    assert_eq!(chunks.iter().map(names).collect::<Vec<_>>(), [BTreeSet::from([1]), BTreeSet::from([1])]);
    // A file to deliver that cannot be read may hold older versions, and ids of every range.
    let (chunks, _) = plan(vec![old(), new(), unreadable(2, ProfileRole::Deliver)], 1);
    assert!(chunks.len() > 1);
    assert!(chunks.iter().all(|chunk| names(chunk).contains(&2)), "{chunks:?}");
    assert!(names(&chunks[0]).contains(&0));
    // One that was delivered may hold newer ones.
    let (chunks, _) = plan(vec![new(), unreadable(3, ProfileRole::Delivered)], 1);
    assert!(chunks.iter().all(|chunk| names(chunk).contains(&3)), "{chunks:?}");
    // Where nothing is to be delivered, nothing is kept back.
    assert_eq!(plan(vec![old(), unreadable(3, ProfileRole::Delivered)], 1), (vec![], vec![]));
    assert_eq!(plan(vec![file(0, ProfileRole::Deliver, vec![])], 1), (vec![], vec![]));
}

#[test]
fn bounds_that_are_not_told_touch_every_range() {
    let known = |number, first, last| file(number, ProfileRole::Deliver, vec![group((first, last), (1, 1))]);
    let open = RowGroup { first_object_id: None, last_object_id: None, ..group(("", ""), (1, 1)) };
    let half = file(9, ProfileRole::Deliver, vec![group(("a", "b"), (1, 1)), open]);
    assert_eq!((&half.file.first_id, &half.file.last_id), (&None, &None));
    let (chunks, _) = plan(vec![known(0, "a", "f"), known(1, "g", "p"), known(2, "p", "z"), half], 1);
    let wanted = [[0, 9].into(), [1, 2, 9].into(), [2, 9].into()];
    let chunks: Vec<_> = chunks.iter().map(names).collect();
    assert_eq!(chunks.last_chunk().unwrap(), &wanted);
}

fn check_documents(chunks: &[ChunkPlan], lists: &[ProfileList]) {
    let run = RunKey { account: AccountId(1), request: RequestId(1), run: RunTimestamp(1) };
    for plan in chunks {
        let chunk = Chunk::new(run, &PlanToken("p".to_owned()), plan.clone());
        let bytes = serde_json::to_string(&chunk).unwrap().len();
        assert!(bytes < 1024 * 1024, "{bytes}");
        if let Slice::Profiles { files: ProfileFiles::Named(files), .. } = &plan.slice {
            assert!(files.len() <= 500);
        }
        let read: Chunk = serde_json::from_str(&serde_json::to_string(&chunk).unwrap()).unwrap();
        assert_eq!(read, chunk);
    }
    for part in lists.iter().flat_map(|list| &list.parts) {
        let bytes = serde_json::to_string(part).unwrap().len();
        assert!(part.len() <= 500 && bytes < 1024 * 1024, "{bytes}");
    }
}

#[test]
fn a_hundred_thousand_overlapping_files_stand_in_one_list() {
    let one = |number: usize| {
        let last = format!("y{number:06}");
        file(number, ProfileRole::Deliver, vec![group(("a", "m"), (1, 1)), group(("n", &last), (1, 1))])
    };
    let files: Vec<_> = (0..100_000).map(one).collect();
    let (chunks, lists) = plan(files.clone(), 5_000_000);
    assert!(chunks.len() > 50, "{}", chunks.len());
    check_documents(&chunks, &lists);
    assert_eq!(lists.len(), 1);
    let all: Vec<_> = lists[0].parts.iter().flatten().cloned().collect();
    assert_eq!(all, files.into_iter().map(|file| file.file).collect::<Vec<_>>());
    let parts = u32::try_from(lists[0].parts.len()).unwrap();
    let listed = ProfileFiles::Listed { parts, listed: 100_000 };
    assert!(
        chunks.iter().any(|chunk| matches!(&chunk.slice, Slice::Profiles { files, .. } if *files == listed))
    );
}

#[test]
fn files_of_ranges_of_their_own_are_named_where_they_are() {
    let one = |number: usize| {
        let ids = (format!("u{number:06}a"), format!("u{number:06}z"));
        file(number, ProfileRole::Deliver, vec![group((&ids.0, &ids.1), (1, 1))])
    };
    let (chunks, lists) = plan((0..6_000).map(one).collect(), 1_000_000);
    check_documents(&chunks, &lists);
    assert!(lists.is_empty() && chunks.len() > 20);
    let named: Vec<_> = chunks.iter().flat_map(names).collect();
    assert_eq!(named, (0..6_000).collect::<Vec<_>>());
}

#[test]
fn long_names_make_shorter_parts() {
    let long = |number: usize| {
        let mut file = file(number, ProfileRole::Deliver, vec![group(("a", "z"), (1, 1))]);
        file.file.first_id = Some("a".repeat(1_024));
        file.file.last_id = Some("z".repeat(1_024));
        file
    };
    let (chunks, lists) = plan((0..400).map(long).collect(), u64::MAX);
    check_documents(&chunks, &lists);
    assert_eq!((chunks.len(), lists.len()), (1, 1));
}
