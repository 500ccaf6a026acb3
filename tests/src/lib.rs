//! What the tests share: contract suites, a clock that is moved by hand, the harness of the engine, readers that are
//! not ours.

pub mod clock;
pub mod contract;
pub mod emulators;
pub mod fakes;
pub mod harness;
pub mod readers;
pub mod tokens;
pub mod web;

use std::path::{Path, PathBuf};

/// A program of this workspace, beside which this test was built.
///
/// # Panics
/// Where it was not built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("this test's path");
    let path = this.parent().and_then(Path::parent).expect("a target folder").join(name);
    assert!(
        path.exists(),
        "{} is missing; build it: cargo build --locked --workspace --bins",
        path.display()
    );
    path
}
