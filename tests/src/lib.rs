//! What the tests of Spillway share: contract suites of the ports, and a clock that is set by hand.

pub mod clock;
pub mod contract;
