//! The ports' implementations. They know the world and never each other; only the wiring builds them.

pub mod gcs;
pub mod lake;
