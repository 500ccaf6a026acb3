//! Spillway on a laptop: every function in one process, with the embedded parts, behind one command line.

mod allocator;
mod cli;
mod commands;
mod engine;
mod home;
pub mod ingest;
mod interrupt;
mod leftover;
mod origins;
mod output;
mod private;
mod progress;
mod sample;
mod serve;
mod simulate;
mod system;
mod vault;
pub mod verify;

use std::process::ExitCode;

pub use cli::main;
pub use engine::Workers;

/// The command did what it was asked to, or found nothing wrong.
pub(crate) const SUCCESS: ExitCode = ExitCode::SUCCESS;
