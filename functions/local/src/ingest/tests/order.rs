//! Several threads at work, and the same outcome.

use std::collections::BTreeMap;
use std::fs;

use super::{Lake, stream};

const LINES: u64 = 20_000;

/// Events of forty groups in turn, many blocks of them; each 997th line is bad.
fn text() -> String {
    let line = |n: u64| match n % 997 {
        0 => format!("{{\"n\":{n}}}\n"),
        _ => format!(
            "{{\"type\":\"event\",\"identity\":\"u{}\",\"evtName\":\"e{}\",\"ts\":{},\"evtData\":{{\"n\":{n}}}}}\n",
            n % 91,
            n % 40,
            n / 7,
        ),
    };
    (1..=LINES).map(line).collect()
}

/// All files by folder and number; of the rest of their names a part is chance.
fn files(lake: &Lake) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![lake.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(lake.folder.path()).unwrap().to_str().unwrap().to_owned();
            let (folder, name) = name.rsplit_once('/').unwrap();
            let number = name.rsplit_once('-').unwrap().1;
            files.insert(format!("{folder}/{number}"), fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn the_same_lines_come_to_the_same_files_and_the_same_complaints() {
    let outcomes = [1, 2, 3].map(|_| {
        let mut lake = Lake::new();
        // Much smaller than the input, so that files end wherever memory does.
        lake.memory_bytes = 1 << 20;
        let report = lake.ingest(vec![stream(text().into_bytes()), stream(text().into_bytes())]);
        let bad: Vec<u64> = lake.heard.bad.iter().map(|bad| bad.line).collect();
        (report, bad, files(&lake))
    });
    let (report, bad, files) = &outcomes[0];
    let in_one: Vec<u64> = (1..=LINES / 997).map(|n| n * 997).collect();
    assert_eq!(*bad, [in_one.as_slice(), in_one.as_slice()].concat());
    assert_eq!((report.lines, report.bad_lines), (2 * LINES, bad.len() as u64));
    assert_eq!(report.events, 2 * LINES - bad.len() as u64);
    assert_eq!(report.bytes_read, 2 * text().len() as u64);
    assert!(files.len() > 200, "{} files", files.len());
    assert!(outcomes.iter().all(|outcome| outcome == &outcomes[0]));
}
