//! What the tests share: contract suites, a clock that is moved by hand, the harness of the engine, readers that are
//! not ours.

pub mod clock;
pub mod contract;
pub mod emulators;
pub mod harness;
pub mod readers;
pub mod web;
