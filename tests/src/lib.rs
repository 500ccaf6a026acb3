//! What the tests of Spillway share: contract suites of the ports, a clock that is set by hand, and the harness of
//! the engine.

pub mod clock;
pub mod contract;
pub mod harness;
