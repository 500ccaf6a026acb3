//! Windows of profiles: the first run is complete, later ones carry what changed; one row a profile, the newest
//! version; deleted ones are counted; CSV columns are stable.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::date};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use spillway::{
    domain::{
        ChunkState, DataSelection, ExportSpec, Format, Frequency, Packaging, ProfileFiles, RunStatus, Slice,
    },
    steps,
};
use spillway_tests::harness::{
    ACCOUNT, Delivered, FileSpec, ProfileRow, Strike, TestApp, assert_profiles, hostile_text, random_props,
    soak,
};

fn spec(app: &TestApp, format: Format) -> ExportSpec {
    let mut spec = app.spec(format, date(2026, 3, 9), date(2026, 3, 9));
    spec.data = DataSelection::AllProfiles;
    spec.frequency = Frequency::Live { start: date(2026, 3, 9) };
    spec
}

/// Every version that the lake has, with the instant at which it took them.
#[derive(Default)]
struct Model {
    versions: Vec<(Timestamp, ProfileRow)>,
}

impl Model {
    /// What a window delivers, and how many deleted profiles it passes.
    fn window(&self, after: Timestamp, upto: Timestamp) -> (Vec<&ProfileRow>, u64) {
        let mut newest = BTreeMap::<(u8, &str), &(Timestamp, ProfileRow)>::new();
        for version in self.versions.iter().filter(|(committed, _)| *committed <= upto) {
            let (committed, row) = version;
            let best = newest.entry((row.database, &row.id)).or_insert(version);
            if (row.updated_at, *committed) > (best.1.updated_at, best.0) {
                *best = version;
            }
        }
        let of_window = newest.values().filter(|(committed, _)| after < *committed);
        let deleted = of_window.clone().filter(|(_, row)| row.deleted).count() as u64;
        (of_window.map(|(_, row)| row).filter(|row| !row.deleted).collect(), deleted)
    }
}

/// Adds some files to the lake, committed now, a second apart.
fn add_files(app: &TestApp, model: &mut Model, rng: &mut StdRng, window: usize) {
    for file in 0..rng.random_range(1..4) {
        app.advance_secs(1);
        let database = rng.random_range(0..2);
        let ids: BTreeSet<u32> = (0..rng.random_range(1..70)).map(|_| rng.random_range(0..90)).collect();
        let row = |id: u32| ProfileRow {
            id: format!("user{id:03}{}", if id.is_multiple_of(7) { "é💧" } else { "" }),
            database,
            // Often older than what was delivered, sometimes the very same instant.
            updated_at: Timestamp::from_second(1_770_000_000 + i64::from(rng.random_range(0..40_u32)))
                .unwrap(),
            note: format!("{window}.{file} {}", hostile_text(rng)),
            more: random_props(rng),
            deleted: rng.random_bool(0.2),
        };
        let rows: Vec<_> = ids.into_iter().map(row).collect();
        let spec = FileSpec {
            account: ACCOUNT,
            committed: app.now(),
            group_rows: rng.random_range(3..40),
            lists_keys: rng.random(),
        };
        app.lake.write_profiles(&spec, &rows);
        model.versions.extend(rows.into_iter().map(|row| (app.now(), row)));
    }
}

fn app_for(app: &mut TestApp, rng: &mut StdRng, format: Format) {
    let scale = if format == Format::Parquet { 12 } else { 1 };
    app.options.file_limit_bytes = rng.random_range(2_500..5_000) * scale;
    app.options.plan.target_bytes = rng.random_range(800..9_000) * scale;
}

fn check(delivered: &Delivered, model: &Model, context: &str) {
    let spillway::domain::Window::Committed { after, upto } = delivered.run.window else {
        panic!("{context}")
    };
    let (rows, deleted) = model.window(after, upto);
    assert_profiles(delivered, &rows);
    let manifest = delivered.manifest.as_ref().unwrap();
    assert_eq!(manifest.deleted_profiles, deleted, "{context}: deleted profiles");
    let expected = if rows.is_empty() { RunStatus::Empty } else { RunStatus::Done };
    assert_eq!(delivered.run.status, expected, "{context}");
}

async fn windows(seed: u64, storms: bool) {
    let mut rng = StdRng::seed_from_u64(seed);
    let format = Format::ALL[(seed % 4) as usize];
    let mut app = TestApp::new().await;
    app_for(&mut app, &mut rng, format);
    let mut model = Model::default();
    add_files(&app, &mut model, &mut rng, 0);
    let mut wanted = spec(&app, format);
    wanted.packaging = if rng.random() { Packaging::Gzip } else { Packaging::Plain };
    let export = app.recurring(wanted).await;
    for window in 1..5 {
        app.advance_secs(10);
        let run = app.next_run(export.request).await;
        if storms {
            for nth in [3, 9, 15, 24, 40, 60, 90] {
                let Some(work) = app.queue.pop() else { break };
                let worker = app.worker();
                worker.gate.arm(nth, Strike::Kill);
                if worker.gate.run(steps::handle(&worker.parts, &work)).await.is_killed() {
                    app.queue.put(work);
                }
            }
        }
        app.recover(run.key).await;
        let context = format!("seed {seed}, window {window}, {format}");
        check(&app.delivered(run.key).await, &model, &context);
        app.advance_secs(3_600);
        if rng.random_bool(0.8) {
            add_files(&app, &mut model, &mut rng, window);
        }
    }
}

#[tokio::test]
async fn windows_carry_the_newest_versions_once() {
    for seed in 0..24 * soak() {
        windows(seed, false).await;
    }
}

#[tokio::test]
async fn windows_carry_the_newest_versions_once_also_when_workers_die() {
    for seed in 100..100 + 16 * soak() {
        windows(seed, true).await;
    }
}

#[tokio::test]
async fn one_time_profiles_are_the_state_at_the_cut() {
    for format in Format::ALL {
        let mut rng = StdRng::seed_from_u64(9);
        let mut app = TestApp::new().await;
        app_for(&mut app, &mut rng, format);
        let mut model = Model::default();
        for window in 0..3 {
            add_files(&app, &mut model, &mut rng, window);
        }
        app.advance_secs(10);
        let mut wanted = spec(&app, format);
        wanted.frequency = Frequency::OneTime { days: None };
        let run = app.export(wanted).await.1;
        // Taken after the cut: not delivered.
        app.advance_secs(1);
        let cut = app.now();
        add_files(&app, &mut model, &mut rng, 9);
        assert!(app.now() > cut - SignedDuration::from_secs(1));
        app.drain().await.unwrap();
        check(&app.delivered(run.key).await, &model, format.as_str());
    }
}

/// The header row of each file.
fn headers(delivered: &Delivered) -> BTreeSet<String> {
    let first_line = |bytes: &bytes::Bytes| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text).unwrap();
        text.lines().next().unwrap().to_owned()
    };
    delivered.objects.values().map(first_line).collect()
}

#[tokio::test]
async fn csv_columns_are_stable_and_grow_at_the_far_right() {
    let mut app = TestApp::new().await;
    app.options.file_limit_bytes = 1_500;
    let export = app.recurring(spec(&app, Format::Csv)).await;
    let mut last = String::new();
    for (window, keys) in [["m", "z"], ["a", "m"], ["k", "a"]].into_iter().enumerate() {
        let row = |id: usize| ProfileRow {
            id: format!("user{id:04}"),
            database: 0,
            updated_at: app.now(),
            note: String::new(),
            more: json!({ keys[0]: id, keys[1]: format!("{id:0>40}"), "Email": "x", "MSG-push": true }),
            deleted: false,
        };
        let rows: Vec<_> = (0..60).map(row).collect();
        let file =
            FileSpec { account: ACCOUNT, committed: app.now(), group_rows: 10, lists_keys: window % 2 == 0 };
        app.lake.write_profiles(&file, &rows);
        app.advance_secs(60);
        let run = app.next_run(export.request).await;
        app.drain().await.unwrap();
        let delivered = app.delivered(run.key).await;
        assert_profiles(&delivered, &rows.iter().collect::<Vec<_>>());
        let headers = headers(&delivered);
        assert_eq!(headers.len(), 1, "a run's files share one list: {headers:?}");
        let header = headers.into_iter().next().unwrap();
        assert!(header.starts_with(&last) && header.len() > last.len(), "{last} → {header}");
        last = header;
        app.advance_secs(3_600);
    }
    assert!(last.ends_with("MSG-whatsapp,m,note,z,a,k"), "{last}");
}

/// A column stands where its name in the header says, whatever control characters its key had.
#[tokio::test]
async fn csv_columns_stand_by_the_names_that_the_header_shows() {
    let app = TestApp::new().await;
    let export = app.recurring(spec(&app, Format::Csv)).await;
    let more = json!({ "a\u{1}": 1, "a!": 2, "a?": 3, "\u{7f}z": 4, "0": 5 });
    let row = ProfileRow { more, ..version("user", 1) };
    app.lake.write_profiles(&file_now(&app), &[row]);
    app.advance_secs(60);
    let run = app.next_run(export.request).await;
    app.drain().await.unwrap();
    let headers = headers(&app.delivered(run.key).await);
    let header = headers.first().unwrap();
    assert!(header.ends_with("MSG-whatsapp,0,?z,a!,a?,note"), "{header}");
}

/// What a warehouse writes of a deleted profile, and of one of which only the identity is known.
#[tokio::test]
async fn profiles_without_properties_are_profiles() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BooleanArray, StringArray, TimestampMicrosecondArray};

    for format in Format::ALL {
        for lists_keys in [false, true] {
            let app = TestApp::new().await;
            let export = app.recurring(spec(&app, format)).await;
            let columns: [(&str, ArrayRef); 4] = [
                ("object_id", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
                ("updated_at", Arc::new(TimestampMicrosecondArray::from(vec![1, 1, 1]).with_timezone("UTC"))),
                ("profile_props", Arc::new(StringArray::from(vec![None, None, Some(r#"{"note":"n"}"#)]))),
                ("deleted", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
            ];
            let file = FileSpec { lists_keys, ..file_now(&app) };
            let path = app.lake.write_profiles(&file, &[version("x", 1)]);
            app.lake.write(&path, &file, columns, Vec::new());
            app.advance_secs(60);
            let run = app.next_run(export.request).await;
            app.drain().await.unwrap();
            let delivered = app.delivered(run.key).await;
            let totals = delivered.run.totals;
            assert_eq!(delivered.run.status, RunStatus::Done, "{format}: {:?}", delivered.run.reason);
            assert_eq!((totals.rows, totals.deleted_profiles), (2, 1), "{format}");
        }
    }
}

fn version(id: &str, updated_at: i64) -> ProfileRow {
    ProfileRow {
        id: id.to_owned(),
        database: 0,
        updated_at: Timestamp::from_second(updated_at).unwrap(),
        note: format!("{id}@{updated_at}"),
        more: json!({}),
        deleted: false,
    }
}

fn file_now(app: &TestApp) -> FileSpec {
    FileSpec { account: ACCOUNT, committed: app.now(), group_rows: 2, lists_keys: true }
}

#[tokio::test]
async fn thousands_of_overlapping_files_are_planned_in_small_documents() {
    let mut app = TestApp::new().await;
    // Every chunk opens every file: thousands take minutes without optimisation, so the short run scales them down.
    let (count, named) = if soak() > 1 { (5_100, 500) } else { (600, 60) };
    app.options.plan.files = named;
    app.options.plan.target_bytes = 60_000;
    let mut newest = BTreeMap::<String, ProfileRow>::new();
    for file in 0..count {
        // Ids from the whole range, and each in several files.
        let ids: BTreeSet<i64> = (0..3).map(|part| (file * 7 + part * 337) % 1_000).collect();
        let rows: Vec<_> =
            ids.iter().map(|id| version(&format!("user{id:04}"), 1_770_000_000 + file)).collect();
        app.lake.write_profiles(&file_now(&app), &rows);
        newest.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
    }
    app.advance_secs(10);
    let mut wanted = spec(&app, Format::Json);
    wanted.frequency = Frequency::OneTime { days: None };
    wanted.packaging = Packaging::Plain;
    let run = app.export(wanted).await.1;
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    let plan = delivered.run.plan.clone().unwrap();
    let chunks = app.store.chunks(run.key, &plan.token, None, 10_000).await.unwrap().chunks;
    assert!(chunks.len() > 3, "{}", chunks.len());
    let mut listed = 0;
    for chunk in &chunks {
        let bytes = serde_json::to_string(chunk).unwrap().len();
        let Slice::Profiles { files, .. } = &chunk.plan().slice else { panic!("profiles") };
        match files {
            ProfileFiles::Named(files) => assert!(files.len() <= named),
            ProfileFiles::Listed { .. } => listed += 1,
        }
        assert!(bytes < 1024 * 1024, "{bytes}");
    }
    assert!(listed > 0);
    assert_profiles(&delivered, &newest.values().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_footers_of_delivered_files_are_read_once() {
    let app = TestApp::new().await;
    let export = app.recurring(spec(&app, Format::Json)).await;
    let old = file_now(&app);
    let path = app.lake.write_profiles(&old, &[version("a", 5), version("b", 5)]);
    app.advance_secs(600);
    let first = app.next_run(export.request).await;
    app.drain().await.unwrap();
    assert_eq!(app.run(first.key).await.status, RunStatus::Done);
    // Broken, and looking the same in the listing: whoever read its footer again would not know what it holds.
    let garbage = vec![0xAA; app.lake.bytes(&path).len()];
    app.lake.write_raw(&path, old.committed, &garbage);
    for updated_at in [9, 10] {
        // What is taken at the very instant of a cut belongs before it.
        app.advance_secs(1);
        let row = version("a", updated_at);
        app.lake.write_profiles(&file_now(&app), std::slice::from_ref(&row));
        app.advance_secs(600);
        let run = app.next_run(export.request).await;
        app.drain().await.unwrap();
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done);
        assert_profiles(&delivered, &[&row]);
    }
    // A file that looks otherwise is looked at again, and what cannot be read may hold anything.
    app.advance_secs(1);
    app.lake.write_raw(&path, old.committed, &garbage[1..]);
    app.lake.write_profiles(&file_now(&app), &[version("a", 11)]);
    app.advance_secs(600);
    let run = app.next_run(export.request).await;
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
}

#[tokio::test]
async fn a_broken_file_keeps_what_was_delivered_in_its_chunk() {
    let app = TestApp::new().await;
    let export = app.recurring(spec(&app, Format::Json)).await;
    app.lake.write_profiles(&file_now(&app), &[version("a", 9)]);
    app.advance_secs(600);
    app.next_run(export.request).await;
    app.drain().await.unwrap();
    app.advance_secs(1);
    // A newer file, and a broken one with an older version of a profile that was delivered.
    app.lake.write_profiles(&file_now(&app), &[version("b", 100)]);
    let broken = file_now(&app);
    let path = app.lake.write_profiles(&broken, &[version("a", 5), version("c", 1)]);
    let whole = app.lake.bytes(&path);
    app.lake.write_raw(&path, broken.committed, &whole[..40]);
    app.advance_secs(600);
    let run = app.next_run(export.request).await;
    app.drain().await.unwrap();
    let incomplete = app.run(run.key).await;
    assert_eq!(incomplete.status, RunStatus::Incomplete);
    let token = incomplete.plan.unwrap().token;
    let chunks = app.store.chunks(run.key, &token, None, 10).await.unwrap().chunks;
    assert!(
        chunks
            .iter()
            .any(|chunk| matches!(chunk.state(), ChunkState::Failed { reason } if reason.contains(&path)))
    );
    app.lake.write_raw(&path, broken.committed, &whole);
    steps::retry_run(&app.parts(), run.key).await.unwrap();
    app.drain().await.unwrap();
    let delivered = app.delivered(run.key).await;
    assert_eq!(delivered.run.status, RunStatus::Done);
    assert_profiles(&delivered, &[&version("b", 100), &version("c", 1)]);
}
