//! Serves the HTTP API over the parts of the tests, for tools that ask it at random:
//! `cargo run -p spillway-tests --example api_server -- 8099`.
//!
//! The account has data, a bucket at the emulator, a finished export and a recurring one. The clock stands still, and
//! nobody is asked to slow down.

use dashboard::{App, config::Secret, identity::Role};
use gcs_emulator::BucketOptions;
use jiff::civil::date;
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    domain::{Cycle, EveryHours, ExportSpec, Format, Frequency},
    steps,
};
use spillway_tests::{
    harness::{ACCOUNT, EventRow, Google, TestApp},
    web::{local_config, serve},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port: u16 = std::env::args().nth(1).unwrap_or_else(|| "8099".to_owned()).parse()?;
    let mut app = TestApp::new().await;
    let google = Google::start(&mut app, BucketOptions::default()).await;
    let day = date(2026, 3, 9);
    let mut rng = StdRng::seed_from_u64(1);
    let row = |id: usize| EventRow::random(&mut rng, id.to_string(), "Charged", day, 0);
    let rows: Vec<_> = (0..200).map(row).collect();
    app.lake.write_events(&app.file(50), &rows);
    let parts = app.parts();
    steps::keep_catalogue(&parts, ACCOUNT).await?;
    let once = app.spec(Format::Csv, day, day);
    steps::create_export(&parts, ACCOUNT, once.clone()).await?;
    app.drain().await?;
    let cycle = Cycle { every: EveryHours::try_from(6)?, start: date(2026, 3, 10), anchor_hour: 0 };
    let recurring = ExportSpec { frequency: Frequency::Recurring(cycle), ..once };
    steps::create_export(&parts, ACCOUNT, recurring).await?;

    let secret = "only for this process";
    let validator = credential_validator::BearerSecret::new(secret.to_owned())?;
    let mut config = local_config(ACCOUNT, Role::Editor);
    config.validator.url = serve(credential_validator::router(parts.clone(), validator)).await;
    config.validator.secret = Some(Secret::from(secret.to_owned()));
    (config.limits.reads_per_minute, config.limits.writes_per_minute) = (u32::MAX, u32::MAX);
    let router = dashboard::router(App::new(parts, config)?);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/api/v1/openapi.json, Google at {}", listener.local_addr()?, google.base_url());
    app.abandon();
    axum::serve(listener, router).await?;
    Ok(())
}
