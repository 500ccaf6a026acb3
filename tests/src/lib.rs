//! What the tests share: contract suites, a clock that is moved by hand, readers that are not ours.

pub mod clock;
pub mod contract;
pub mod readers;
