//! Every row group once, names without clash, sizes near the target.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::domain::{AccountId, RequestId, RunKey, RunTimestamp};

const CSV: (Format, Packaging) = (Format::Csv, Packaging::Gzip);

fn run() -> RunKey {
    RunKey { account: AccountId(1), request: RequestId(1_749_623_187), run: RunTimestamp(1_749_623_187) }
}

fn group(bytes: &u64) -> RowGroup {
    RowGroup { rows: bytes * 2, bytes: *bytes, ..RowGroup::default() }
}

fn files() -> impl Strategy<Value = Vec<EventFile>> {
    // Names that become the same in a file name are wanted here.
    let name = prop::sample::select(vec!["a b", "a/b", "a-b", "c", "\u{1}", "\u{2}"]);
    let one = (name, 0..3_i8, 0..2_u8, prop::collection::vec(1..60_u64, 1..5), any::<bool>());
    prop::collection::vec(one, 0..40).prop_map(|files| {
        let file = |(at, (name, day, db, groups, cut)): (usize, (&str, i8, u8, Vec<u64>, bool))| EventFile {
            path: format!("f{at:03}"),
            bytes: groups.iter().sum(),
            event_name: name.into(),
            date: date(2025, 6, 1 + day),
            database: DatabaseId(db),
            rows: cut.then(|| groups.iter().map(|bytes| bytes * 2).sum()),
            row_groups: if cut { groups.iter().map(group).collect() } else { vec![] },
        };
        files.into_iter().enumerate().map(file).collect()
    })
}

proptest! {
    #[test]
    fn every_part_of_every_file_is_in_one_chunk(files in files(), target in 1..200_u64, most in 1..6_usize) {
        let limits = PlanLimits { target_bytes: target, files: most, message_chunks: 3 };
        let ratios = Ratios(BTreeMap::from([("c".to_owned(), 0.5)]));
        let chunks = plan_events(files.clone(), &ratios, CSV, |_| 0, limits);

        let mut parts = BTreeSet::new();
        for chunk in &chunks {
            let Slice::Events { files: slice, .. } = &chunk.slice else { panic!("an events slice") };
            prop_assert!(!slice.is_empty() && slice.len() <= most);
            prop_assert!(slice.len() == 1 || chunk.estimated_bytes <= target);
            for file in slice {
                let source = files.iter().find(|source| source.path == file.path).unwrap();
                let ChunkContent::Events { event_name, date } = &chunk.content else { panic!("events") };
                prop_assert_eq!((&**event_name, *date, chunk.database), (&*source.event_name, source.date, source.database));
                let (begin, end) = file.row_groups.unwrap_or((0, source.row_groups.len().max(1) as u32));
                let rows = |upto: u32| source.row_groups.iter().take(upto as usize).map(|group| group.rows).sum();
                let planned = source.rows.map(|of_file| PlannedRows { of_file, first: rows(begin), end: rows(end) });
                prop_assert_eq!(file.rows, planned);
                for group in begin..end {
                    prop_assert!(parts.insert((file.path.clone(), group)), "{} group {group} twice", file.path);
                }
            }
        }
        let all: usize = files.iter().map(|file| file.row_groups.len().max(1)).sum();
        prop_assert_eq!(parts.len(), all);
    }

    #[test]
    fn names_never_clash_also_not_with_successors(files in files(), target in 1..200_u64) {
        let limits = PlanLimits { target_bytes: target, files: 3, message_chunks: 3 };
        let chunks = plan_events(files, &Ratios::default(), CSV, |_| 0, limits);
        let mut names = BTreeSet::new();
        for chunk in &chunks {
            for generation in 0..4 {
                let index = chunk.index + generation * chunk.stride;
                let name = ChunkPlan { index, ..chunk.clone() }.object_name(run());
                prop_assert!(names.insert(name.clone()), "{name} twice");
            }
        }
    }

    #[test]
    fn the_order_of_the_files_does_not_matter(files in files(), target in 1..200_u64) {
        let limits = PlanLimits { target_bytes: target, files: 3, message_chunks: 3 };
        let plan = |files| plan_events(files, &Ratios::default(), CSV, |_| 0, limits);
        let reversed: Vec<_> = files.iter().rev().cloned().collect();
        prop_assert_eq!(plan(files), plan(reversed));
    }

    #[test]
    fn a_message_is_one_chunks_work(files in files(), target in 1..200_u64) {
        let limits = PlanLimits { target_bytes: target, files: 3, message_chunks: 3 };
        let chunks = plan_events(files, &Ratios::default(), CSV, |_| 0, limits);
        for message in chunks.chunk_by(|a, b| a.message == b.message) {
            let bytes: u64 = message.iter().map(|chunk| chunk.estimated_bytes).sum();
            prop_assert!(message.len() <= 3 && (message.len() == 1 || bytes <= target));
        }
    }
}
