//! The ports' implementations. They know the world and never each other; only the wiring builds them.

mod causes;
mod envelope;
#[cfg(feature = "cloud")]
pub mod firestore;
pub mod gcs;
pub mod key_file;
#[cfg(feature = "cloud")]
pub mod kms;
pub mod lake;
pub mod local_queue;
pub mod mail;
#[cfg(feature = "cloud")]
pub mod pubsub;
pub mod sqlite;
pub mod system_clock;
pub mod webhooks;
