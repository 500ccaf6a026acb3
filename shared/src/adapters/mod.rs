//! The embedded implementations of the ports. Adapters never use each other.

pub mod key_file;
pub mod local_queue;
pub mod sqlite;
pub mod system_clock;
