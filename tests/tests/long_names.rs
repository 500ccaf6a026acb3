//! Broken lake files of events whose names are too long for a folder: they fail their chunks, and once they are mended
//! their files go by the event's own name.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    domain::{DataSelection, FileEventName, Format, RunStatus},
    steps,
};
use spillway_tests::harness::{EventRow, TestApp, assert_rows};

const DAY: Date = date(2026, 3, 9);

fn rows(file: &str, event: &str) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(5);
    (0..20).map(|row| EventRow::random(&mut rng, format!("{file}-{row}"), event, DAY, 0)).collect()
}

fn long_name(ending: &str) -> String {
    format!("{}{ending}", "A very long name of an event ".repeat(9))
}

/// What is in the lake beside the broken file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// A good file of the same event.
    Neighbour,
    /// An event of another name that is the same in file names.
    Namesake,
}

async fn broken_and_mended(format: Format, beside: Beside, select: bool) {
    let mut app = TestApp::new().await;
    app.options.file_limit_bytes = if format == Format::Parquet { 60_000 } else { 2_600 };
    let (name, context) = (long_name("one"), format!("{format} {beside:?} {select}"));
    let mut all = rows("bad", &name);
    let path = app.lake.write_events(&app.file(5), &all);
    let whole = app.lake.bytes(&path);
    app.lake.write_raw(&path, app.file(5).committed, &whole[..50]);
    let other = match beside {
        Beside::Nothing => None,
        Beside::Neighbour => Some(name.clone()),
        Beside::Namesake => Some(long_name("two")),
    };
    if let Some(other) = &other {
        assert_eq!(FileEventName::new(other), FileEventName::new(&name));
        let more = rows("good", other);
        app.lake.write_events(&app.file(5), &more);
        all.extend(more);
    }
    let mut spec = app.spec(format, DAY, DAY);
    if select {
        let names = std::iter::once(name.clone()).chain(other).collect();
        spec.data = DataSelection::SelectEvents { names };
    }
    let run = app.export(spec).await.1;
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete, "{context}: it is not passed over");

    app.lake.write_raw(&path, app.file(5).committed, &whole);
    assert_eq!(steps::retry_run(&app.parts(), run.key).await.unwrap(), 1, "{context}");
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Done, "{context}");
    assert_rows(&delivered, &all);
    let manifest = delivered.manifest.unwrap();
    let of_event = manifest.files.iter().filter(|file| file.event_name.as_ref() == Some(&name));
    let begin = format!("{}-{}-20260309-", run.key, FileEventName::new(&name).as_str());
    // A namesake has that name already: then the folder's stays in the file's name, and nowhere else.
    let has_own_name = beside != Beside::Namesake || select;
    let names: Vec<_> = of_event.map(|file| file.name.clone()).collect();
    assert!(!names.is_empty(), "{context}: {manifest:?}");
    assert!(names.iter().all(|name| name.starts_with(&begin) == has_own_name), "{context}: {names:?}");
    if format == Format::Json {
        for name in &names {
            let mut text = String::new();
            let mut reader = flate2::read::GzDecoder::new(&delivered.objects[name][..]);
            std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
            assert_eq!(text.lines().next(), Some(&*long_name("one")), "{context}");
        }
    }
}

#[tokio::test]
async fn a_mended_file_goes_by_its_events_own_name() {
    for format in [Format::Json, Format::Csv] {
        for beside in [Beside::Nothing, Beside::Neighbour, Beside::Namesake] {
            broken_and_mended(format, beside, false).await;
        }
    }
}

#[tokio::test]
async fn a_select_events_export_does_not_pass_a_broken_file_of_a_long_name_over() {
    for beside in [Beside::Nothing, Beside::Neighbour, Beside::Namesake] {
        broken_and_mended(Format::Json, beside, true).await;
    }
}
