//! The service `dashboard`.

use std::process::ExitCode;

fn main() -> ExitCode {
    spillway::service::main::<dashboard::service::Dashboard>()
}
