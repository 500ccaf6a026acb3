//! The binary `spillway`: everything in one process.

use std::process::ExitCode;

fn main() -> ExitCode {
    spillway_local::main()
}
