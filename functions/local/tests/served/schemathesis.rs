//! A fuzzer that reads the served OpenAPI document finds nothing.

use std::{path::Path, process::Command};

use crate::support::{Browser, DESK, Served};

#[tokio::test(flavor = "multi_thread")]
async fn the_api_does_what_its_description_says() {
    let served = Served::sample();
    Browser::open(&served, DESK).await.connect(&served, "warehouse").await;
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let program = target.join("readers-venv/bin/schemathesis");
    let mut command = Command::new(&program);
    command.args(["--config-file", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/served/schemathesis.toml")]);
    command.args(["run", &format!("{}/api/v1/openapi.json", served.url)]);
    command.args(["--checks", "all", "--max-examples", "25", "--continue-on-failure", "--seed", "1"]);
    command.args(["--generation-database", "none", "--no-color"]).env("SCHEMATHESIS_HOOKS", "");
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; install it with `tests/run venv`", program.display()));
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
}
