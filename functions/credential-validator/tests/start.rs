//! The binary does not start without its environment, and says what it wants.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_credential-validator")).env_clear().args(args).output().unwrap()
}

#[test]
fn what_is_missing_is_named() {
    let refused = run(&[]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(
        told.starts_with("credential-validator does not start, for its environment is wrong:\n"),
        "{told}"
    );
    for name in ["SPILLWAY_PROJECT_ID", "SPILLWAY_LAKE_URL", "SPILLWAY_KMS_KEY"] {
        assert!(told.contains(&format!("  {name}: it is not set.")), "{told}");
    }
    assert!(refused.stdout.is_empty());
}

#[test]
fn help_names_every_variable() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(
        help.starts_with("credential-validator: ") && help.contains("  SPILLWAY_LAKE_URL (required)\n"),
        "{help}"
    );
}
