//! The binary `spillway`: its parts, so that tests can use them.

pub mod verify;
