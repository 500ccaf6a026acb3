//! Names of events that are hard on file names, and accounts that share a bucket.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use gcs_emulator::BucketOptions;
use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    domain::{AccountId, DataSelection, Format, RunStatus},
    steps,
};
use spillway_tests::harness::{ACCOUNT, BUCKET, EventRow, FileSpec, Google, TestApp, assert_rows};

const DAY: Date = date(2026, 3, 9);

/// Event names, each a trap.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "Product Viewed",
        "Product-Viewed",
        "Product/Viewed",
        "Product\tViewed",
        "Product\u{a0}Viewed",
        "Product\\Viewed",
        "Product*Viewed",
        "Product#Viewed",
        "Product[Viewed",
        "💧🛒",
        "שלום עולם",
        "مرحبا",
        "商品を見た",
        "\u{202e}desrever",
        "a\u{1}b",
        "a\u{7f}b",
        "a?b",
        "new\nline",
        "../../etc/passwd",
        "..",
        ".",
        ".hidden",
        "...",
        "%2e%2e",
        "50%",
        "%~x",
        "con",
        "-",
        "a~0123456789abcdef",
        "=1+1",
        "'quoted'",
        "\"quoted\"",
        "<Event>",
        "a&b",
        "a,b",
        "null",
        "true",
        "0",
        "e\u{301}",
        "\u{e9}",
        "_SUCCESS",
        "db=3",
        "date=2026-01-01",
        "captured=2026-03-10-11",
        "profiles",
        "events",
    ]
    .map(str::to_owned)
    .to_vec();
    // 512 bytes, of one byte, of three and of four each; two that differ only at their ends.
    names.extend(["x".repeat(512), format!("{}y", "x".repeat(511)), "漢".repeat(170), "💧".repeat(128)]);
    names.push(format!("{}/{}", "a b".repeat(60), "c".repeat(300)));
    names
}

fn rows(names: &[String], count: usize) -> Vec<Vec<EventRow>> {
    let mut rng = StdRng::seed_from_u64(11);
    let row = |(file, event): (usize, &String)| {
        (0..count).map(|row| EventRow::random(&mut rng, format!("{file}-{row}"), event, DAY, 0)).collect()
    };
    names.iter().enumerate().map(row).collect()
}

#[tokio::test]
async fn hard_names_keep_their_rows_apart() {
    for format in Format::ALL {
        let mut app = TestApp::new().await;
        app.options.file_limit_bytes = if format == Format::Parquet { 60_000 } else { 2_500 };
        let mut names = names();
        // The run's own names: what its manifest is called, and what its first file is called.
        let request = app.now().as_second();
        names.extend([
            format!("{request}-{request}.manifest"),
            format!("{request}-{request}-Product-Viewed-20260309-0-0"),
        ]);
        let files = rows(&names, 12);
        for rows in &files {
            app.lake.write_events(&app.file(5), rows);
        }
        let run = app.export(app.spec(format, DAY, DAY)).await.1;
        app.drain().await.unwrap();
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done);
        assert_rows(&delivered, &files.concat());
        for name in delivered.objects.keys() {
            assert!(name.len() <= 255, "{name} fits on a disk");
            assert!(!name.contains(['/', '\\', '\n', '\0', '*', '#', '[', ']']), "{name:?}");
            assert!(!name.chars().any(char::is_control), "{name:?}");
        }
        let viewed = delivered.manifest.unwrap().files;
        let viewed = viewed.iter().filter(|file| file.name.contains("-Product-Viewed-20260309-"));
        let indexes: Vec<_> = viewed.clone().map(|file| &file.name).collect();
        assert!(viewed.count() >= 8, "events that become the same name share its indexes: {indexes:?}");
    }
}

#[tokio::test]
async fn a_selected_event_is_the_one_of_that_name_and_no_other() {
    let mut app = TestApp::new().await;
    app.options.file_limit_bytes = 20_000;
    let names = names();
    let files = rows(&names, 2);
    for rows in &files {
        app.lake.write_events(&app.file(5), rows);
    }
    for chosen in 0..names.len() {
        let mut spec = app.spec(Format::Json, DAY, DAY);
        spec.data = DataSelection::SelectEvents { names: vec![names[chosen].clone()] };
        let run = app.export(spec).await.1;
        app.drain().await.unwrap();
        assert_rows(&app.delivered(run.key).await, &files[chosen]);
        app.advance_secs(1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hard_names_through_the_official_client_onto_a_disk() {
    let mut app = TestApp::new().await;
    app.options.file_limit_bytes = 20_000;
    let google = Google::start(&mut app, BucketOptions::default()).await;
    let files = rows(&names(), 2);
    for rows in &files {
        app.lake.write_events(&app.file(5), rows);
    }
    let run = app.export(app.spec(Format::Csv, DAY, DAY)).await.1;
    app.drain().await.unwrap();
    // By their names at Google, wherever they lie on the disk.
    let parts = app.parts();
    let bucket = app.bucket().await;
    let key = parts.vault.open(ACCOUNT, &bucket.id, &bucket.key).await.unwrap();
    let listed = parts.buckets.open(BUCKET, &key).await.unwrap().list("").await.unwrap();
    let objects: BTreeMap<_, _> = listed
        .into_iter()
        .map(|facts| {
            let bytes = std::fs::read(google.emulator().object_path(BUCKET, &facts.name)).unwrap();
            (facts.name, bytes.into())
        })
        .collect();
    assert_eq!(objects.len(), google.objects().len(), "each object is a file, each file an object");
    let delivered = app.delivered_into(run.key, &objects).await;
    assert_eq!(delivered.run.status, RunStatus::Done);
    assert_rows(&delivered, &files.concat());
}

#[tokio::test]
async fn two_accounts_share_a_bucket_and_never_a_name() {
    let app = TestApp::new().await;
    let other = AccountId(7);
    app.connect(other, "theirs", BUCKET, "{}").await;
    let (ours, theirs) = (rows(&["Viewed".to_owned()], 30), rows(&["Viewed".to_owned()], 40));
    app.lake.write_events(&app.file(10), &ours[0]);
    app.lake.write_events(&FileSpec { account: other, ..app.file(10) }, &theirs[0]);
    let spec = app.spec(Format::Json, DAY, DAY);
    let mut their_spec = spec.clone();
    their_spec.bucket = spillway::domain::BucketId("theirs".to_owned());
    // In the same second, twice each.
    let mut runs = Vec::new();
    for _ in 0..2 {
        runs.push((app.export(spec.clone()).await.1, &ours[0]));
        let made = steps::create_one_time(&app.parts(), other, their_spec.clone()).await.unwrap();
        runs.push((made.1, &theirs[0]));
    }
    app.drain().await.unwrap();
    let requests: std::collections::BTreeSet<_> = runs.iter().map(|(run, _)| run.key.request).collect();
    assert_eq!(requests.len(), 4, "a request id is unique in its bucket");
    for (run, rows) in runs {
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done);
        assert_eq!(delivered.manifest.as_ref().unwrap().account, run.key.account);
        assert_rows(&delivered, rows);
    }
}
