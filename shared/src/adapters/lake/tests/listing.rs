//! Which files are listed.

use jiff::Timestamp;

use super::support::TestLake;
use crate::domain::{AccountId, DatabaseId, Dataset, EventFolder};
use crate::ports::{Lake as _, LakeError, LakeQuery};

fn query(dataset: Dataset, first: &str, last: &str) -> LakeQuery {
    let hour = |text: &str| -> Timestamp { text.parse().unwrap() };
    LakeQuery { account: AccountId(7), dataset, first_hour: hour(first), last_hour: hour(last) }
}

fn event(account: u32, hour: &str, rest: &str) -> String {
    format!("account={account}/events/captured={hour}/db=3/event=A%20b%2Fc~/date=2025-06-11/{rest}")
}

#[test]
fn only_the_hours_wanted_are_listed_in_order() {
    for lake in TestLake::both() {
        let wanted = [
            event(7, "2025-06-11-08", "a.parquet"),
            event(7, "2025-06-11-08", "b.parquet"),
            event(7, "2025-06-11-10", "a.parquet"),
        ];
        for path in wanted.iter().rev() {
            lake.put(path, "12345");
        }
        for path in [
            event(7, "2025-06-11-07", "a.parquet"),
            event(7, "2025-06-11-11", "a.parquet"),
            event(70, "2025-06-11-09", "a.parquet"),
            event(7, "2025-06-11-09", "_SUCCESS"),
            event(7, "2025-06-11-09", ".hidden.parquet"),
            event(7, "2025-06-11-09", "_temporary/0/a.parquet"),
            event(7, "2025-06-11-09", "a.parquet.crc"),
            "account=7/events/captured=2025-06-11-09/db=x/a.txt".to_owned(),
            "account=7/profiles/captured=2025-06-11-09/db=0/p.parquet".to_owned(),
        ] {
            lake.put(&path, "1");
        }
        let events = query(Dataset::Events, "2025-06-11T08:59:00Z", "2025-06-11T10:00:00Z");
        let files = lake.runtime.block_on(lake.lake.list(&events)).unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, wanted);
        assert_eq!(files[0].bytes, 5);
        let (folder, date) = files[0].place.event.clone().unwrap();
        assert_eq!(folder, EventFolder::Named("A b/c~".into()));
        assert_eq!((files[0].place.database, date.to_string()), (DatabaseId(3), "2025-06-11".to_owned()));
        let profiles = query(Dataset::Profiles, "2025-06-11T08:59:00Z", "2025-06-11T10:00:00Z");
        let files = lake.runtime.block_on(lake.lake.list(&profiles)).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].place.event, None);
    }
}

#[test]
fn a_folders_commit_time_is_the_files_own() {
    let lake = TestLake::folder();
    let path = event(7, "2025-06-11-08", "a.parquet");
    lake.put(&path, "1");
    let stamp: Timestamp = "2025-06-11T08:30:00.123456Z".parse().unwrap();
    let file =
        std::fs::File::options().write(true).open(lake.folder.as_ref().unwrap().path().join(path)).unwrap();
    file.set_modified(stamp.try_into().unwrap()).unwrap();
    let events = query(Dataset::Events, "2025-06-11T08:00:00Z", "2025-06-11T08:00:00Z");
    let files = lake.runtime.block_on(lake.lake.list(&events)).unwrap();
    assert_eq!(files[0].committed, stamp);
}

#[test]
fn nothing_there_is_an_empty_list() {
    for lake in TestLake::both() {
        let events = query(Dataset::Events, "2025-06-11T08:00:00Z", "2025-06-11T08:00:00Z");
        assert_eq!(lake.runtime.block_on(lake.lake.list(&events)).unwrap(), []);
    }
}

#[test]
fn files_in_wrong_folders_are_named() {
    for (path, wrong) in [
        ("account=7/events/captured=2025-06-11-08/a.parquet", "no folder db=<n>"),
        ("account=7/events/captured=2025-06-11-08/db=1/event=e/a.parquet", "no folder date=<day>"),
        ("account=7/events/captured=2025-06-11-0x/db=1/event=e/date=2025-01-01/a.parquet", "captured="),
    ] {
        for lake in TestLake::both() {
            lake.put(path, "1");
            let events = query(Dataset::Events, "2025-06-11T08:00:00Z", "2025-06-11T10:00:00Z");
            let error = lake.runtime.block_on(lake.lake.list(&events)).unwrap_err();
            assert!(matches!(&error, LakeError::Broken { path: at, .. } if at == path), "{error}");
            assert!(error.to_string().contains(wrong), "{error}");
        }
    }
}

#[test]
fn a_files_commit_time_alone_is_that_of_the_list() {
    for lake in TestLake::both() {
        let path = event(7, "2025-06-11-08", "a.parquet");
        lake.put(&path, "1");
        let events = query(Dataset::Events, "2025-06-11T08:00:00Z", "2025-06-11T08:00:00Z");
        let files = lake.runtime.block_on(lake.lake.list(&events)).unwrap();
        let committed = |path: &str| lake.runtime.block_on(lake.lake.committed(path));
        assert_eq!(committed(&path).unwrap(), files[0].committed);
        for gone in [event(7, "2025-06-11-08", "b.parquet"), path.rsplit_once('/').unwrap().0.to_owned()] {
            assert!(matches!(committed(&gone), Err(LakeError::Vanished { path }) if path == gone));
        }
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_for_those_that_lead_nowhere_and_a_circle_is_told() {
    use std::os::unix::fs::symlink;

    let lake = TestLake::folder();
    let path = event(7, "2025-06-11-08", "a.parquet");
    lake.put(&path, "1");
    let file = lake.folder.as_ref().unwrap().path().join(&path);
    let hour = file.ancestors().nth(4).unwrap();
    symlink("nowhere", file.with_file_name("b.parquet")).unwrap();
    symlink(&file, file.with_file_name("c.parquet")).unwrap();
    symlink(hour, hour.with_file_name("captured=2025-06-11-09")).unwrap();
    let events = query(Dataset::Events, "2025-06-11T08:00:00Z", "2025-06-11T10:00:00Z");
    let list = || lake.runtime.block_on(lake.lake.list(&events));
    let paths: Vec<_> = list().unwrap().into_iter().map(|file| file.path).collect();
    let wanted = ["08", "09"]
        .map(|hour| ["a", "c"].map(|name| path.replace("08", hour).replace("a.p", &format!("{name}.p"))));
    assert_eq!(paths, wanted.concat());
    symlink(hour, hour.join("round")).unwrap();
    assert!(matches!(list(), Err(LakeError::Unavailable(_))));
}
