//! A run whose document is damaged holds up nobody else.

use spillway::{
    domain::{Format, RunStatus},
    ports::{StoreError, Work},
    steps::{self, Handled, StepError},
};
use spillway_tests::harness::{ACCOUNT, TestApp, assert_rows};

use crate::{DAY, damage, rows};

#[tokio::test]
async fn a_damaged_run_is_reported_and_the_others_go_on() {
    let app = TestApp::new().await;
    let all = rows("a", "Viewed");
    app.lake.write_events(&app.file(50), &all);
    let spec = || app.spec(Format::Json, DAY, DAY);
    let broken = app.export(spec()).await.1;
    app.advance_secs(1);
    let good = app.export(spec()).await.1;
    damage(&app, &format!("UPDATE runs SET doc = '{{' WHERE run = {}", broken.key.run.0));
    // Its own message is given up, for no delivery helps.
    let handled = steps::handle(&app.parts(), &Work::Run { run: broken.key }).await.unwrap();
    assert_eq!(handled, Handled::Done);
    app.queue.lose_all();
    app.advance_secs(901);
    let ticked = steps::tick(&app.parts()).await.unwrap();
    assert_eq!(ticked.woken, [good.key]);
    let [(account, request, error)] = &ticked.failed[..] else { panic!("{ticked:?}") };
    assert_eq!((*account, *request), (ACCOUNT, broken.key.request));
    assert!(matches!(error, StepError::Store(StoreError::Unreadable { .. })), "{error}");
    app.drain().await.unwrap();
    assert_eq!(app.run(good.key).await.status, RunStatus::Done);
    assert_rows(&app.delivered(good.key).await, &all);
    let open = app.store.open_runs().await.unwrap();
    assert_eq!(open, [], "what a start looks through");
    assert_eq!(app.store.open_run_keys().await.unwrap(), [broken.key]);
}
