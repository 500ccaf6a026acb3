//! Windows of profiles: the first run is complete, later ones carry what changed; one row a profile, the newest
//! version; deleted ones are counted; CSV columns are stable.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::date};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use spillway::{
    domain::{DataSelection, ExportSpec, Format, Frequency, Packaging, RunStatus},
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
