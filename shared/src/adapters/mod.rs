//! The ports against the real world. Adapters never use each other; only the wiring builds them.

pub mod lake;
