//! The service `chunk-encoder`.

use std::process::ExitCode;

fn main() -> ExitCode {
    spillway::service::main::<chunk_encoder::ChunkEncoder>()
}
