//! The ports' implementations. They know the world and never each other; only the wiring builds them.

#[cfg(feature = "cloud")]
pub mod firestore;
pub mod gcs;
pub mod key_file;
pub mod lake;
pub mod local_queue;
pub mod sqlite;
pub mod system_clock;
