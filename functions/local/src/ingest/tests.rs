//! Ingest, read back through the lake's own reader.
#![allow(clippy::unwrap_used, reason = "tests")]

mod order;
mod settings;

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use jiff::Timestamp;
use spillway::adapters::lake::ObjectStoreLake;
use spillway::domain::{
    Account, AccountId, Dataset, Footer, LakeFile, ProfileFile, ProfileFiles, ProfileRole, RowCursor, Slice,
    SliceFile, ZoneName,
};
use spillway::ports::{Clock, Lake as _, LakeQuery, SourcedBatch};

use super::{
    BadLine, CallOff, IngestError, IngestOptions, IngestReport, Observer, Progress, Source, complete_killed,
    run,
};

struct Fixed(Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn clock() -> Fixed {
    Fixed("2026-11-20T10:30:00.25Z".parse().unwrap())
}

struct Lake {
    folder: tempfile::TempDir,
    account: Account,
    memory_bytes: usize,
    heard: Heard,
}

#[derive(Default)]
struct Heard {
    bad: Vec<BadLine>,
    last: Progress,
}

impl Observer for Heard {
    fn progress(&mut self, progress: Progress) {
        self.last = progress;
    }

    fn bad_line(&mut self, bad: &BadLine) {
        self.bad.push(bad.clone());
    }
}

impl Lake {
    fn new() -> Self {
        let mut account = Account::new(AccountId(7), ZoneName::new("Asia/Kolkata").unwrap());
        account.shards = 3;
        let folder = tempfile::tempdir().unwrap();
        Self { folder, account, memory_bytes: 64 << 20, heard: Heard::default() }
    }

    fn ingest(&mut self, sources: Vec<Source>) -> IngestReport {
        let clock = clock();
        let mut options = IngestOptions::new(&self.account, self.folder.path().to_owned(), &clock);
        options.memory_bytes = self.memory_bytes;
        run(sources, &options, &mut self.heard).unwrap()
    }

    fn ingest_text(&mut self, text: &str) -> IngestReport {
        self.ingest(vec![stream(text.as_bytes().to_vec())])
    }

    fn reader(&self) -> ObjectStoreLake {
        ObjectStoreLake::folder(self.folder.path(), Arc::new(clock())).unwrap()
    }

    fn list(&self, dataset: Dataset) -> Vec<LakeFile> {
        let now = clock().now();
        let query = LakeQuery { account: self.account.id, dataset, first_hour: now, last_hour: now };
        block_on(self.reader().list(&query)).unwrap()
    }

    fn footer(&self, path: &str) -> Footer {
        let reader = self.reader();
        block_on(reader.footer(path)).unwrap()
    }

    fn events(&self, file: &LakeFile, columns: &[&str]) -> Vec<SourcedBatch> {
        let files =
            vec![SliceFile { path: file.path.clone(), bytes: file.bytes, row_groups: None, rows: None }];
        let mut rows = self.reader().rows(&Slice::Events { files, from: RowCursor::default() }, columns);
        std::iter::from_fn(|| rows.next_batch().unwrap()).collect()
    }

    fn profiles(&self, columns: &[&str]) -> Vec<SourcedBatch> {
        let file = |file: LakeFile| ProfileFile {
            path: file.path,
            bytes: file.bytes,
            committed: file.committed,
            role: ProfileRole::Deliver,
            rows: None,
            first_id: None,
            last_id: None,
        };
        let files = ProfileFiles::Named(self.list(Dataset::Profiles).into_iter().map(file).collect());
        let mut rows = self.reader().rows(&Slice::Profiles { files, after: None, upto: None }, columns);
        std::iter::from_fn(|| rows.next_batch().unwrap()).collect()
    }

    /// All values of a text column of all events, by file.
    fn texts(&self, column: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for file in self.list(Dataset::Events) {
            for sourced in self.events(&file, &[column]) {
                let values = sourced.batch[column].as_string_view();
                texts.extend(values.iter().map(|value| value.unwrap_or("∅").to_owned()));
            }
        }
        texts
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn stream(bytes: Vec<u8>) -> Source {
    Source::Stream("stream".to_owned(), Box::new(Cursor::new(bytes)))
}

fn shipped(name: &str) -> Source {
    Source::File(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name))
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_shipped_data_comes_in_whole() {
    let mut lake = Lake::new();
    let names = ["chinook_invoices.jsonl.gz", "chinook_profiles.jsonl.gz", "github_webhooks.jsonl.gz"];
    let report = lake.ingest(names.map(shipped).into());
    assert_eq!((report.lines, report.events, report.profiles, report.bad_lines), (971, 912, 59, 0));
    assert_eq!(lake.heard.last.rows, 971);
    assert_eq!(lake.heard.last.bytes_read, report.bytes_read);
    let files = lake.list(Dataset::Events);
    assert_eq!(files.len() + lake.list(Dataset::Profiles).len(), usize::try_from(report.files).unwrap());
    assert!(files.iter().all(|file| file.committed == clock().now()));
    let mut by_name = BTreeMap::new();
    for file in &files {
        let (event, _) = file.place.event.clone().unwrap();
        let footer = lake.footer(&file.path);
        let rows: u64 = footer.row_groups.iter().map(|group| group.rows).sum();
        *by_name.entry(event.event_name(footer.event_name.as_deref()).to_string()).or_insert(0) += rows;
        assert!(footer.property_keys.unwrap().starts_with(r#"{"event":["#));
    }
    assert_eq!((by_name.len(), by_name["Charged"], by_name["push"]), (177, 412, 9));
    let profiles: usize = lake.profiles(&["object_id"]).iter().map(|sourced| sourced.batch.num_rows()).sum();
    assert_eq!(profiles, 59);
}

#[test]
fn a_record_arrives_as_it_was() {
    let mut lake = Lake::new();
    let line = r#"{"type":"event","identity":"u1","FBID":4,"ts":1609459200.5,"evtName":"Café / Bar","email":"a@b.c","phone":null,
        "evtData":{"n":123456789012345678901234567890.10, "a":1,"a":2,"when":"$D_1609459200"},"sessionProps":{"s":1},
        "deviceInfo":{"make":"Acme","dpi":320,"dimensions":{"width":1.5,"unit":"mm"}},"unknown":[{}]}"#;
    let report = lake.ingest_text(&line.replace("\n", " "));
    assert_eq!((report.events, report.bad_lines), (1, 0), "{:?}", lake.heard.bad);
    let file = lake.list(Dataset::Events).remove(0);
    assert!(file.path.contains("/captured=2026-11-20-10/"), "{}", file.path);
    assert!(file.path.contains("/event=Caf%C3%A9%20%2F%20Bar/date=2021-01-01/"), "{}", file.path);
    let columns = ["ts", "event_props", "session_props", "all_identities", "identity", "email", "phone"];
    let batch =
        &lake.events(&file, &[&columns[..], &["make", "dpi", "width", "height", "unit"]].concat())[0].batch;
    assert_eq!(batch["ts"].as_primitive::<TimestampMicrosecondType>().value(0), 1_609_459_200_500_000);
    let props = r#"{"n":123456789012345678901234567890.10, "a":1,"a":2,"when":"2021-01-01T00:00:00Z"}"#;
    assert_eq!(batch["event_props"].as_string_view().value(0), props);
    assert_eq!(batch["session_props"].as_string_view().value(0), r#"{"s":1}"#);
    let identities = batch["all_identities"].as_list::<i32>().value(0);
    let identities: Vec<&str> = identities.as_string_view().iter().flatten().collect();
    assert_eq!(identities, ["u1", "4", "a@b.c"]);
    assert_eq!(batch["make"].as_string_view().value(0), "Acme");
    assert_eq!(batch["dpi"].as_primitive::<Float64Type>().value(0), 320.0);
    assert!(
        arrow_array::Array::is_null(&batch["height"], 0) && arrow_array::Array::is_null(&batch["phone"], 0)
    );
    assert_eq!(
        lake.footer(&file.path).property_keys.unwrap(),
        r#"{"event":["n","a","when"],"session":["s"]}"#
    );
}

#[test]
fn bad_lines_are_told_and_left_out() {
    let mut lake = Lake::new();
    let lines = [
        "{",
        "[1]",
        r#"{"type":"event"}"#,
        r#"{"type":"x","identity":"u"}"#,
        "",
        r#"{"type":"event","identity":"u","ts":1}"#,
        r#"{"type":"event","identity":"u","evtName":"e"}"#,
        r#"{"type":"event","identity":"u","evtName":"e","ts":"1"}"#,
        r#"{"type":"event","identity":"u","evtName":"e","ts":1609459200000}"#,
        r#"{"type":"event","identity":"u","evtName":"e","ts":1,"ts":2}"#,
        r#"{"type":"event","identity":"u","evtName":"e","ts":1,"evtData":[]}"#,
        r#"{"type":"event","identity":{},"evtName":"e","ts":1}"#,
        "\u{feff}{}",
        r#"{"type":"event","identity":"u","evtName":"e","ts":-62135596800}"#,
        r#"{"type":"event","identity":"u","evtName":"e","ts":1,"evtData":{"n":NaN}}"#,
        r#"{"type":"event","identity":"u","evtName":"e","ts":1}"#,
    ];
    let report = lake.ingest_text(&lines.join("\r\n"));
    assert_eq!((report.lines, report.events, report.bad_lines), (15, 1, 14));
    let heard: Vec<(u64, &str)> = lake.heard.bad.iter().map(|bad| (bad.line, bad.reason.as_str())).collect();
    let told = |line: u64| heard.iter().find(|(at, _)| *at == line).unwrap().1;
    assert_eq!(told(1), "EOF while parsing an object at byte 1");
    assert_eq!(told(2), "it is not a JSON object");
    assert_eq!(told(3), "it names no user: give one of identity, objectId, FBID, GPID");
    assert_eq!(told(4), "its `type` is `x`, neither event nor profile");
    assert_eq!(told(6), "it has no `evtName`");
    assert_eq!(told(7), "it has no `ts`");
    assert_eq!(told(8), "its `ts` is not a number of epoch seconds");
    assert_eq!(told(9), "its `ts` 1609459200000 is outside the years 1000 to 9999; is it in milliseconds?");
    assert!(told(10).starts_with("duplicate field `ts`"), "{}", told(10));
    assert_eq!(told(11), "`evtData` is not an object");
    assert_eq!(told(12), "`identity` is not text");
    assert!(told(14).contains("1000 to 9999"), "the year 1: {}", told(14));
    assert!(told(15).starts_with("expected value"), "{}", told(15));
}

#[test]
fn a_huge_line_is_passed_over_and_bad_bytes_too() {
    let good = r#"{"type":"event","identity":"u","evtName":"e","ts":1}"#;
    let mut text = vec![b' '; super::MAX_LINE_BYTES + 1];
    text.extend(format!("\n{good}\n\"").bytes());
    text.extend(b"\xff\n");
    text.extend(good.bytes());
    let mut lake = Lake::new();
    let report = lake.ingest(vec![stream(text)]);
    assert_eq!((report.lines, report.events, report.bad_lines), (4, 2, 2));
    assert_eq!(lake.heard.bad[0].reason, "it has more than 67108864 bytes");
    assert_eq!(lake.heard.bad[1].reason, "it is not UTF-8 from byte 1 on");
}

#[test]
fn gzip_is_seen_by_its_first_bytes_and_may_have_several_members() {
    let line = |n: u32| format!("{{\"type\":\"event\",\"identity\":\"u\",\"evtName\":\"e\",\"ts\":{n}}}\n");
    let mut lake = Lake::new();
    let members = [gzip(&line(1)), gzip(&line(2)), gzip(&line(3))].concat();
    let report = lake.ingest(vec![stream(members), stream(Vec::new()), stream(line(4).into_bytes())]);
    assert_eq!((report.lines, report.events, report.bad_lines), (4, 4, 0));
}

#[test]
fn a_torn_gzip_ends_it_and_says_where() {
    let line = r#"{"type":"event","identity":"u","evtName":"e","ts":1}"#;
    let mut torn = gzip(&format!("{line}\n{line}\n"));
    torn.truncate(torn.len() - 9);
    let lake = Lake::new();
    let clock = clock();
    let options = IngestOptions::new(&lake.account, lake.folder.path().to_owned(), &clock);
    let error = run(vec![stream(torn)], &options, &mut ()).unwrap_err();
    assert!(error.to_string().starts_with("`stream` cannot be read after line "), "{error}");
    assert!(error.to_string().ends_with("; nothing was taken in"), "{error}");
    assert_eq!(files_below(lake.folder.path()), 0, "nor is anything left behind");
}

#[test]
fn the_newest_version_of_a_profile_counts() {
    let line = |id: &str, ts: &str, n: u32| {
        format!(
            r#"{{"type":"profile","objectId":"{id}"{ts},"profileData":{{"n":{n},"Email":"m@x","Phone":5}}}}"#
        )
    };
    let lines = [
        line("b", ",\"ts\":20", 1),
        line("a", ",\"ts\":10", 2),
        line("b", ",\"ts\":20", 3),
        line("b", ",\"ts\":19", 4),
        line("c", "", 5),
        line("c", "", 6),
    ];
    let mut lake = Lake::new();
    lake.account.shards = 1;
    let report = lake.ingest_text(&lines.join("\n"));
    assert_eq!((report.profiles, report.older_profiles), (3, 3));
    let batch = lake.profiles(&["object_id", "profile_props", "email", "phone"]).remove(0).batch;
    let texts = |column: &str| -> Vec<String> {
        batch[column].as_string_view().iter().map(|text| text.unwrap().to_owned()).collect()
    };
    assert_eq!(texts("object_id"), ["a", "b", "c"]);
    let n: Vec<String> = texts("profile_props").iter().map(|props| props[5..6].to_owned()).collect();
    assert_eq!(n, ["2", "3", "6"]);
    assert_eq!((texts("email")[0].as_str(), texts("phone")[0].as_str()), ("m@x", "5"));
}

/// Text that is no text, in a key too, stays as it came, in profiles as in events.
#[test]
fn unpaired_surrogates_are_taken_in_keys_and_values() {
    let mut lake = Lake::new();
    let data = r#"{"\ud800":"\udc00","Email":"a@b.c","Phone":"1","\u0045mail":"d@e.f"}"#;
    let text = format!(
        "{{\"type\":\"event\",\"identity\":\"u\",\"evtName\":\"e\",\"ts\":1,\"evtData\":{data}}}\n{{\"type\":\"profile\",\"identity\":\"u\",\"profileData\":{data}}}\n"
    );
    let report = lake.ingest_text(&text);
    assert_eq!((report.events, report.profiles, report.bad_lines), (1, 1, 0), "{:?}", lake.heard.bad);
    assert_eq!(lake.texts("event_props"), [data]);
    let batch = &lake.profiles(&["profile_props", "email", "phone"])[0].batch;
    let value = |column: &str| batch[column].as_string_view().value(0).to_owned();
    assert_eq!(
        (value("profile_props").as_str(), value("email").as_str(), value("phone").as_str()),
        (data, "d@e.f", "1")
    );
}

#[test]
fn long_event_names_stand_in_the_footer() {
    let name = "Ereignis/".repeat(60);
    let mut lake = Lake::new();
    lake.ingest_text(&format!("{{\"type\":\"event\",\"identity\":\"u\",\"evtName\":\"{name}\",\"ts\":1}}"));
    let file = lake.list(Dataset::Events).remove(0);
    let footer = lake.footer(&file.path);
    assert_eq!(footer.event_name.as_deref(), Some(name.as_str()));
    assert_eq!(&*file.place.event.unwrap().0.event_name(footer.event_name.as_deref()), name);
}

#[test]
fn days_are_the_accounts_and_rows_are_in_time_order() {
    let line = |ts: i64| {
        format!(
            "{{\"type\":\"event\",\"identity\":\"u\",\"evtName\":\"e\",\"ts\":{ts},\"evtData\":{{\"t\":{ts}}}}}\n"
        )
    };
    // 18:29:59 UTC is the last second of a day in Kolkata.
    let text: String =
        [1_609_439_400, 1_609_439_399, 1_609_439_400 + 50, 1_609_439_400 + 7].map(line).concat();
    let mut lake = Lake::new();
    lake.ingest_text(&text);
    let days: Vec<String> = lake
        .list(Dataset::Events)
        .iter()
        .map(|file| file.place.event.clone().unwrap().1.to_string())
        .collect();
    assert_eq!(days, ["2020-12-31", "2021-01-01"]);
    assert_eq!(
        lake.texts("event_props"),
        [1_609_439_399, 1_609_439_400, 1_609_439_407, 1_609_439_450].map(|t| format!("{{\"t\":{t}}}"))
    );
}

#[test]
fn many_groups_stay_within_the_memory() {
    let mut text = String::new();
    for n in 0..3000 {
        let (event, day) = (n % 400, n % 7);
        text.push_str(&format!(
            "{{\"type\":\"event\",\"identity\":\"u{n}\",\"evtName\":\"e{event}\",\"ts\":{},\"evtData\":{{\"n\":{n},\"pad\":\"{}\"}}}}\n",
            1_600_000_000 + day * 86_400, "x".repeat(n % 300)
        ));
    }
    let mut lake = Lake::new();
    lake.memory_bytes = 200_000;
    let report = lake.ingest_text(&text);
    assert_eq!((report.events, report.bad_lines), (3000, 0));
    let props = lake.texts("event_props");
    let mut seen: Vec<usize> =
        props.iter().map(|props| props[5..].split(',').next().unwrap().parse().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..3000).collect::<Vec<_>>());
    assert!(report.files > 400);
}

#[test]
fn a_lake_that_cannot_be_written_ends_it() {
    let lake = Lake::new();
    let root = lake.folder.path().join("a file");
    std::fs::write(&root, "").unwrap();
    let clock = clock();
    let options = IngestOptions::new(&lake.account, root, &clock);
    let line = r#"{"type":"event","identity":"u","evtName":"e","ts":1}"#;
    let error = run(vec![stream(line.into())], &options, &mut ()).unwrap_err();
    assert!(matches!(error, IngestError::Write { .. }), "{error}");
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

/// Ten days, each of which is a lake file.
fn ten_days() -> Source {
    let line = |day| {
        format!(
            "{{\"type\":\"event\",\"identity\":\"u\",\"evtName\":\"e\",\"ts\":{},\"evtData\":{{\"day\":{day}}}}}\n",
            day * 86_400
        )
    };
    stream((0..10).map(line).collect::<String>().into_bytes())
}

/// Calls an ingest off after its first block.
struct CallsOff(Arc<CallOff>, Cursor<Vec<u8>>);

impl std::io::Read for CallsOff {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.1.read(buffer)?;
        assert!(length == 0 || self.0.call_off(), "nothing is committed while there is more to read");
        Ok(length)
    }
}

#[test]
fn called_off_it_takes_nothing_in() {
    let lake = Lake::new();
    let clock = clock();
    let options = IngestOptions::new(&lake.account, lake.folder.path().to_owned(), &clock);
    let line = r#"{"type":"event","identity":"u","evtName":"e","ts":1}"#;
    let input =
        CallsOff(Arc::clone(&options.call_off), Cursor::new(format!("{line}\n{line}\n").into_bytes()));
    let sources = vec![ten_days(), Source::Stream("stream".to_owned(), Box::new(input))];
    let error = run(sources, &options, &mut ()).unwrap_err();
    assert_eq!(error.to_string(), "interrupted; nothing was taken in; run it again");
    assert_eq!(files_below(lake.folder.path()), 0, "nor is anything left behind");
    let options = IngestOptions::new(&lake.account, lake.folder.path().to_owned(), &clock);
    assert_eq!(run(vec![ten_days()], &options, &mut ()).unwrap().files, 10);
    assert!(!options.call_off.call_off(), "too late");
}

/// Ends the process that asks for the time too often, as far as a test can.
struct Killing(std::sync::atomic::AtomicU32);

impl Clock for Killing {
    fn now(&self) -> Timestamp {
        let left = self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        assert_ne!(left, 0, "killed");
        clock().now()
    }
}

#[test]
fn killed_while_its_files_are_shown_it_is_completed() {
    let lake = Lake::new();
    let root = || lake.folder.path().to_owned();
    // The first question comes with the first line, then one with each file.
    let killing = Killing(5.into());
    let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run(vec![ten_days()], &IngestOptions::new(&lake.account, root(), &killing), &mut ())
    }));
    assert!(killed.is_err());
    assert_eq!(lake.list(Dataset::Events).len(), 4);
    // Never beside somebody at work.
    let folder = std::fs::File::open(root().join("account=7")).unwrap();
    folder.lock_shared().unwrap();
    complete_killed(&root(), &clock()).unwrap();
    assert_eq!(lake.list(Dataset::Events).len(), 4);
    drop(folder);
    // Killed once more on the way.
    let killing = Killing(3.into());
    let completing = || complete_killed(&root(), &killing);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(completing)).is_err());
    assert_eq!(lake.list(Dataset::Events).len(), 7);
    complete_killed(&root(), &clock()).unwrap();
    let mut days = lake.texts("event_props");
    days.sort_unstable();
    assert_eq!(days, (0..10).map(|day| format!("{{\"day\":{day}}}")).collect::<Vec<_>>());
    assert_eq!(files_below(&root()), 10, "the journal goes");
}

#[test]
fn nothing_but_whole_files_is_left_behind() {
    let mut lake = Lake::new();
    lake.ingest_text(r#"{"type":"event","identity":"u","evtName":"e","ts":1}"#);
    let account = lake.folder.path().join("account=7");
    let names: Vec<_> = std::fs::read_dir(account).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["events"]);
}
