//! The pages of a run whose bucket's nickname means another bucket by now.

use dashboard::identity::Role;
use jiff::civil::date;
use rand::{SeedableRng, rngs::StdRng};
use spillway::domain::{Format, RunStatus};
use spillway_tests::harness::{ACCOUNT, BUCKET, EventRow, TestApp};

#[tokio::test]
async fn the_files_of_a_run_are_shown_where_they_are() {
    let app = TestApp::new().await;
    let day = date(2026, 3, 9);
    let row = EventRow::random(&mut StdRng::seed_from_u64(1), "1".to_owned(), "Charged", day, 0);
    app.lake.write_events(&app.file(10), &[row]);
    let run = app.export(app.spec(Format::Csv, day, day)).await.1;
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Done);
    app.connect(ACCOUNT, BUCKET, "elsewhere", "{}").await;
    let page = app.person(ACCOUNT, Role::Viewer).get(&format!("/exports/{}", run.key.request)).await;
    let file = format!("gs://{BUCKET}/{}-Charged", run.key);
    assert!(page.text().contains(&file), "{file}: {}", page.text());
    assert!(!page.text().contains(&format!("gs://elsewhere/{}", run.key)), "{}", page.text());
}
