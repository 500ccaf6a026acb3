//! Faults of the lake: the chunk fails with file and row named, the run says so, the others go on; mended and retried,
//! the run is whole.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::json;
use spillway::{
    domain::{ChunkState, DataSelection, ExportStatus, Format, Run, RunStatus},
    steps::{self, RetryError},
};
use spillway_tests::harness::{ACCOUNT, EventRow, FileSpec, TestApp, assert_rows};

const DAY: Date = date(2026, 3, 9);

fn rows(file: &str, event: &str) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(5);
    (0..20).map(|row| EventRow::random(&mut rng, format!("{file}-{row}"), event, DAY, 0)).collect()
}

fn texts(rows: &[EventRow]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(EventRow::event_props)))
}

fn times(rows: &[EventRow]) -> ArrayRef {
    let micros = TimestampMicrosecondArray::from_iter_values(rows.iter().map(EventRow::ts_micros));
    Arc::new(micros.with_timezone("UTC"))
}

/// What is wrong with the file, and what its chunk's failure must say beside its path.
struct Fault {
    name: &'static str,
    says: &'static [&'static str],
    /// Breaks the file at the path.
    breaks: fn(&TestApp, &FileSpec, &str, &[EventRow]),
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "not Parquet",
        says: &["no readable Parquet file"],
        breaks: |app, file, path, _| app.lake.write_raw(path, file.committed, b"{\"this\":\"is JSON\"}\n"),
    },
    Fault {
        name: "empty",
        says: &["no readable Parquet file"],
        breaks: |app, file, path, _| app.lake.write_raw(path, file.committed, b""),
    },
    Fault {
        name: "truncated",
        says: &["no readable Parquet file"],
        breaks: |app, file, path, _| {
            let bytes = app.lake.bytes(path);
            app.lake.write_raw(path, file.committed, &bytes[..bytes.len() / 2]);
        },
    },
    Fault {
        name: "pages overwritten",
        says: &["row"],
        breaks: |app, file, path, _| {
            let mut bytes = app.lake.bytes(path);
            let begin = bytes.len() / 8;
            bytes[begin..begin + 200].fill(0xAA);
            app.lake.write_raw(path, file.committed, &bytes);
        },
    },
    Fault {
        name: "no event_props",
        says: &["no column `event_props`"],
        breaks: |app, file, path, rows| app.lake.write(path, file, [("ts", times(rows))], vec![]),
    },
    Fault {
        name: "no ts",
        says: &["no column `ts`"],
        breaks: |app, file, path, rows| app.lake.write(path, file, [("event_props", texts(rows))], vec![]),
    },
    Fault {
        name: "ts is text",
        says: &["`ts`", "TIMESTAMP(MICROS, UTC)"],
        breaks: |app, file, path, rows| {
            let ts: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|_| "2026-03-09")));
            app.lake.write(path, file, [("ts", ts), ("event_props", texts(rows))], vec![]);
        },
    },
    Fault {
        name: "event_props is a number",
        says: &["`event_props`", "STRING"],
        breaks: |app, file, path, rows| {
            let props: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows.len() as i64));
            app.lake.write(path, file, [("ts", times(rows)), ("event_props", props)], vec![]);
        },
    },
    Fault {
        name: "a null ts",
        says: &["`ts` is null", "row 8"],
        breaks: |app, file, path, rows| {
            let ts = rows.iter().enumerate().map(|(at, row)| (at != 7).then_some(row.ts_micros()));
            let ts: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter(ts).with_timezone("UTC"));
            app.lake.write(path, file, [("ts", ts), ("event_props", texts(rows))], vec![]);
        },
    },
    Fault {
        name: "JSON that does not parse in row 14",
        says: &["row 14", "event_props", "not a JSON object"],
        breaks: |app, file, path, rows| {
            let text = |(at, row): (usize, &EventRow)| match at {
                13 => "{\"uid\": \"x\", ".to_owned(),
                _ => row.event_props(),
            };
            let props: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().enumerate().map(text)));
            app.lake.write(path, file, [("ts", times(rows)), ("event_props", props)], vec![]);
        },
    },
    Fault {
        name: "a list in row 1",
        says: &["row 1", "not a JSON object"],
        breaks: |app, file, path, rows| {
            let text =
                |(at, row): (usize, &EventRow)| if at == 0 { "[]".to_owned() } else { row.event_props() };
            let props: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().enumerate().map(text)));
            app.lake.write(path, file, [("ts", times(rows)), ("event_props", props)], vec![]);
        },
    },
];

async fn failures(app: &TestApp, run: &Run) -> Vec<String> {
    let plan = run.plan.clone().unwrap();
    let chunks = app.store.chunks(run.key, &plan.token, None, 1_000).await.unwrap().chunks;
    let reason = |state: &ChunkState| match state {
        ChunkState::Failed { reason } => Some(reason.clone()),
        _ => None,
    };
    chunks.iter().filter_map(|chunk| reason(chunk.state())).collect()
}

/// A good file of one event, a faulty one of another.
async fn fails_alone_and_is_mended(fault: &Fault, format: Format, lists_keys: bool) {
    let mut app = TestApp::new().await;
    if format == Format::Parquet {
        app.options.file_limit_bytes = 60_000;
    }
    let file = FileSpec { lists_keys, ..app.file(5) };
    let (good, mut bad) = (rows("good", "Viewed"), rows("bad", "Charged"));
    app.lake.write_events(&file, &good);
    let path = app.lake.write_events(&file, &bad);
    (fault.breaks)(&app, &file, &path, &bad);
    let (export, run) = app.export(app.spec(format, DAY, DAY)).await;
    app.drain().await.unwrap();

    let context = format!("{} as {format}", fault.name);
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Incomplete, "{context}");
    assert!(delivered.manifest.is_none(), "{context}");
    assert_rows_of(&delivered, &good, &context);
    let reasons = failures(&app, &delivered.run).await;
    assert_eq!(reasons.len(), 1, "{context}: {reasons:?}");
    assert!(reasons[0].contains(&path), "{context}: {}", reasons[0]);
    for part in fault.says {
        assert!(reasons[0].contains(part), "{context}: {}", reasons[0]);
    }
    let export = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap();
    assert_eq!(export.status, ExportStatus::Running, "{context}: never a silent success");

    // Mended, with a property that nobody knew when the columns were frozen.
    bad[4].more = json!({ "brought by the mending": "a value, and another" });
    app.lake.write_events_at(&file, &path, &bad);
    app.advance_secs(3_600);
    assert_eq!(steps::retry_run(&app.parts(), run.key).await.unwrap(), 1, "{context}");
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    assert_eq!(
        delivered.run.status,
        RunStatus::Done,
        "{context}: {:?}",
        failures(&app, &delivered.run).await
    );
    assert!(delivered.manifest.is_some(), "{context}");
    assert_rows(&delivered, &[good, bad].concat());
    let again = steps::retry_run(&app.parts(), run.key).await;
    assert!(matches!(again, Err(RetryError::NotIncomplete(_, "DONE"))), "{again:?}");
}

fn assert_rows_of(delivered: &spillway_tests::harness::Delivered, good: &[EventRow], context: &str) {
    let found = delivered.all_rows().filter(|row| good.iter().any(|good| good.id == row.id)).count();
    assert_eq!((found, delivered.all_rows().count()), (good.len(), good.len()), "{context}");
}

#[tokio::test]
async fn json_chunks_fail_alone_and_are_mended() {
    for fault in FAULTS {
        fails_alone_and_is_mended(fault, Format::Json, true).await;
    }
}

#[tokio::test]
async fn csv_chunks_fail_alone_and_are_mended() {
    for fault in FAULTS {
        for lists_keys in [true, false] {
            fails_alone_and_is_mended(fault, Format::Csv, lists_keys).await;
        }
    }
}

#[tokio::test]
async fn parquet_chunks_fail_alone_and_are_mended() {
    for fault in FAULTS {
        fails_alone_and_is_mended(fault, Format::Parquet, true).await;
    }
}

#[tokio::test]
async fn a_file_that_vanishes_between_plan_and_read_is_named() {
    for format in [Format::Csv, Format::Xml] {
        let app = TestApp::new().await;
        let (good, bad) = (rows("good", "Viewed"), rows("bad", "Charged"));
        app.lake.write_events(&app.file(5), &good);
        let path = app.lake.write_events(&app.file(5), &bad);
        let run = app.export(app.spec(format, DAY, DAY)).await.1;
        steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
        let bytes = app.lake.bytes(&path);
        app.lake.remove(&path);
        app.drain().await.unwrap();
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Incomplete);
        let reasons = failures(&app, &delivered.run).await;
        assert!(reasons[0].contains(&path) && reasons[0].contains("has vanished"), "{reasons:?}");
        // Still gone: it fails again, and nothing else is touched.
        steps::retry_run(&app.parts(), run.key).await.unwrap();
        app.drain().await.unwrap();
        assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
        app.lake.write_raw(&path, app.now(), &bytes);
        steps::retry_run(&app.parts(), run.key).await.unwrap();
        app.drain().await.unwrap();
        assert_rows(&app.delivered(run.key).await, &[good, bad].concat());
    }
}

#[tokio::test]
async fn a_footer_that_does_not_list_all_keys_loses_nothing() {
    let app = TestApp::new().await;
    let mut all = rows("a", "Viewed");
    for row in &mut all {
        row.more = json!({});
    }
    let path = app.lake.write_events(&app.file(50), &all);
    all[9].more = json!({ "unlisted": "value" });
    let lying = parquet::file::metadata::KeyValue::new(
        spillway::encode::FOOTER_KEY.to_owned(),
        r#"{"event":["uid","note"],"session":[]}"#.to_owned(),
    );
    app.lake.write(&path, &app.file(50), [("ts", times(&all)), ("event_props", texts(&all))], vec![lying]);
    let run = app.export(app.spec(Format::Csv, DAY, DAY)).await.1;
    app.drain().await.unwrap();
    let incomplete = app.run(run.key).await;
    assert_eq!(incomplete.status, RunStatus::Incomplete);
    let reasons = failures(&app, &incomplete).await;
    assert!(reasons[0].contains("`unlisted`") && reasons[0].contains("row 10"), "{reasons:?}");
    // A retry does not believe the footer any more.
    steps::retry_run(&app.parts(), run.key).await.unwrap();
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Done);
    assert_rows(&delivered, &all);
}

#[tokio::test]
async fn a_select_events_export_does_not_mind_faults_of_other_events() {
    let app = TestApp::new().await;
    let good = rows("good", "Viewed");
    app.lake.write_events(&app.file(5), &good);
    let path = app.lake.write_events(&app.file(5), &rows("bad", "Charged"));
    app.lake.write_raw(&path, app.file(5).committed, b"broken");
    let mut spec = app.spec(Format::Csv, DAY, DAY);
    spec.data = DataSelection::SelectEvents { names: vec!["Viewed".to_owned()] };
    let run = app.export(spec).await.1;
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Done);
    assert_rows(&delivered, &good);
}

#[tokio::test]
async fn a_later_window_goes_on_behind_an_incomplete_one() {
    let app = TestApp::new().await;
    let mut spec = app.spec(Format::Json, DAY, DAY);
    spec.frequency = spillway::domain::Frequency::Live { start: DAY };
    let export = app.recurring(spec).await;
    let (bad, good) = (rows("bad", "Viewed"), rows("good", "Viewed"));
    let file = app.file(50);
    let path = app.lake.write_events(&file, &bad);
    let whole = app.lake.bytes(&path);
    app.lake.write_raw(&path, file.committed, &whole[..30]);
    let first = app.next_run(export.request).await;
    app.advance_secs(300);
    app.lake.write_events(&app.file(50), &good);
    let second = app.next_run(export.request).await;
    app.drain().await.unwrap();
    assert_eq!(app.run(first.key).await.status, RunStatus::Incomplete);
    assert_rows(&app.delivered(second.key).await, &good);
    let cut = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap().delivered_cut;
    app.lake.write_raw(&path, file.committed, &whole);
    steps::retry_run(&app.parts(), first.key).await.unwrap();
    app.drain().await.unwrap();
    assert_rows(&app.delivered(first.key).await, &bad);
    let export = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap();
    assert_eq!(export.delivered_cut, cut, "what later runs delivered is not taken back");
}

#[tokio::test]
async fn a_file_mended_with_fewer_rows_is_not_delivered_as_if_it_were_whole() {
    let app = TestApp::new().await;
    let all = rows("a", "Viewed");
    let file = app.file(50);
    let path = app.lake.write_events(&file, &all);
    let text = |(at, row): (usize, &EventRow)| if at == 13 { "[]".to_owned() } else { row.event_props() };
    let props: ArrayRef = Arc::new(StringArray::from_iter_values(all.iter().enumerate().map(text)));
    app.lake.write(&path, &file, [("ts", times(&all)), ("event_props", props)], vec![]);
    let run = app.export(app.spec(Format::Csv, DAY, DAY)).await.1;
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
    app.lake.write_events_at(&file, &path, &all[..15]);
    steps::retry_run(&app.parts(), run.key).await.unwrap();
    app.drain().await.unwrap();
    let incomplete = app.run(run.key).await;
    assert_eq!(incomplete.status, RunStatus::Incomplete);
    let reasons = failures(&app, &incomplete).await;
    let told = format!(
        "lake file `{path}`: it has 15 rows now, and had 20 when the run was planned; restore it with the same rows \
         and row groups"
    );
    assert_eq!(reasons, [told]);
    app.lake.write_events_at(&file, &path, &all);
    steps::retry_run(&app.parts(), run.key).await.unwrap();
    app.drain().await.unwrap();
    assert_rows(&app.delivered(run.key).await, &all);
}
