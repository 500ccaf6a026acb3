//! The service `export-scheduler`.

use std::process::ExitCode;

fn main() -> ExitCode {
    spillway::service::main::<export_scheduler::ExportScheduler>()
}
