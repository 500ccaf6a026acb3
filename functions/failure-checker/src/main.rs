//! The service `failure-checker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    spillway::service::main::<failure_checker::FailureChecker>()
}
