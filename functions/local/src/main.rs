//! The binary `spillway`: everything in one process.

use std::process::ExitCode;

/// glibc keeps what a thread has freed in an arena of the thread's: an export that needs 140 MiB came to 420.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    spillway_local::main()
}
