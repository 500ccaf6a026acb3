//! Rows out = rows in, once each, whatever goes wrong on the way.
#![allow(clippy::unwrap_used, reason = "tests")]

use spillway::domain::{Format, RunStatus};
use spillway_tests::harness::{ChaosCase, Strike, TestApp, assert_rows};

/// How many times longer than usual the suites run: `SPILLWAY_SOAK=50 cargo nextest run -p spillway-tests chaos`.
fn soak() -> u64 {
    std::env::var("SPILLWAY_SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

#[tokio::test]
async fn without_any_fault_the_rows_arrive() {
    for seed in 0..24 {
        let mut app = TestApp::new().await;
        let case = ChaosCase::new(seed, app.options);
        let run = case.begin(&mut app).await;
        app.drain().await.unwrap();
        let delivered = app.delivered(run.key).await;
        assert_eq!(delivered.run.status, RunStatus::Done, "seed {seed}: {case:?}");
        assert_rows(&delivered, &case.rows());
    }
}
