//! Estimates, from the catalogue alone.

use jiff::civil::date;
use spillway::{
    domain::{Basis, DataSelection, ExportSpec, Format, Frequency},
    steps::{self, EstimateError},
};
use spillway_tests::harness::{ACCOUNT, ProfileRow, TestApp};

use super::{at, commit, without_lake};

async fn app() -> TestApp {
    let app = TestApp::new().await;
    commit(&app, at("2026-03-10T09:00:00Z"), "Charged", date(2026, 3, 8), 5);
    commit(&app, at("2026-03-10T09:00:00Z"), "Charged", date(2026, 3, 9), 30);
    commit(&app, at("2026-03-10T09:00:00Z"), "App Launched", date(2026, 3, 9), 2);
    let profile = |id: &str| ProfileRow {
        id: id.to_owned(),
        database: 4,
        updated_at: app.now(),
        note: String::new(),
        more: serde_json::Value::Null,
        deleted: false,
    };
    app.lake.write_profiles(&app.file(4), &[profile("anna"), profile("bert")]);
    app.lake.write_profiles(&app.file(4), &[profile("anna")]);
    steps::keep_catalogue(&app.parts(), ACCOUNT).await.unwrap();
    app
}

#[tokio::test]
async fn an_export_delivers_the_rows_that_were_estimated() {
    let app = app().await;
    let spec = app.spec(Format::Json, date(2026, 3, 7), date(2026, 3, 9));
    let told = steps::estimate(&without_lake(&app), ACCOUNT, &spec, None).await.unwrap();
    assert_eq!((told.basis, told.rows, told.clipped), (Basis::Once, 37, None));
    assert_eq!(told.days_without_data, [date(2026, 3, 7)]);
    assert_eq!(told.first_event, Some(at("2026-03-08T12:00:00Z")));
    assert!(told.files >= 3 && told.bytes > 0);
    let created = steps::create_export(&app.parts(), ACCOUNT, spec.clone()).await.unwrap();
    app.drain().await.unwrap();
    let run = app.run(created.run.unwrap().key).await;
    assert_eq!(run.totals.rows, told.rows);
    // The name that was told is the one that was written: nothing else happened in that second.
    let files = steps::run_files(&app.parts(), run.key, None, 100).await.unwrap().files;
    let names: Vec<_> = files.into_iter().map(|file| file.file.name).collect();
    assert!(names.contains(&told.example_name), "{} {names:?}", told.example_name);
    // By the ratios of that run the next estimate is near the truth.
    let again = steps::estimate(&without_lake(&app), ACCOUNT, &spec, None).await.unwrap();
    let off = again.bytes.abs_diff(run.totals.bytes);
    assert!(off * 10 < run.totals.bytes, "{} is far from {}", again.bytes, run.totals.bytes);
}

#[tokio::test]
async fn days_are_clipped_or_refused_as_when_creating() {
    let app = app().await;
    let parts = without_lake(&app);
    let wide = app.spec(Format::Csv, date(2025, 1, 1), date(2026, 3, 9));
    let told = steps::estimate(&parts, ACCOUNT, &wide, None).await.unwrap();
    let clipped = told.clipped.unwrap().to_string();
    assert_eq!(clipped, "Days before 2026-01-10 are left out: an export reaches at most 60 days back.");
    assert_eq!(told.days_without_data.len(), 57);
    let refused = async |spec: ExportSpec| {
        let refused = steps::estimate(&parts, ACCOUNT, &spec, None).await.unwrap_err();
        assert!(matches!(refused, EstimateError::Refused(_)), "{refused:?}");
        refused.to_string()
    };
    let future = app.spec(Format::Csv, date(2026, 3, 10), date(2026, 3, 11));
    assert!(refused(future).await.starts_with("2026-03-11 has not begun yet in UTC"));
    let none = ExportSpec { data: DataSelection::SelectEvents { names: vec![] }, ..wide.clone() };
    assert!(refused(none).await.starts_with("No event is selected."));
    let no_days = ExportSpec { frequency: Frequency::OneTime { days: None }, ..wide.clone() };
    assert!(refused(no_days).await.starts_with("The days are missing."));
    let profiles = ExportSpec { data: DataSelection::AllProfiles, ..wide.clone() };
    assert!(refused(profiles).await.ends_with("Leave the days out."));
    let nobody = steps::estimate(&parts, spillway::domain::AccountId(9), &wide, None).await.unwrap_err();
    assert!(matches!(nobody, EstimateError::NoAccount(_)));
}

#[tokio::test]
async fn profiles_are_counted_by_versions_and_runs_by_days() {
    let app = app().await;
    let parts = without_lake(&app);
    let once = ExportSpec {
        data: DataSelection::AllProfiles,
        frequency: Frequency::OneTime { days: None },
        ..app.spec(Format::Csv, date(2026, 3, 9), date(2026, 3, 9))
    };
    let told = steps::estimate(&parts, ACCOUNT, &once, None).await.unwrap();
    assert_eq!((told.rows, told.files, told.is_upper_bound), (3, 1, true));
    let live = ExportSpec {
        data: DataSelection::SelectEvents { names: vec!["Charged".to_owned()] },
        frequency: Frequency::Live { start: date(2026, 3, 9) },
        ..once
    };
    let told = steps::estimate(&parts, ACCOUNT, &live, None).await.unwrap();
    assert_eq!((told.basis, told.rows, told.is_upper_bound), (Basis::EachRun, 1, false));
}
