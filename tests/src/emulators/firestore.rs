//! The Firestore emulator.

use super::{Emulator, Kind, sdk};

/// What is to be known of it.
pub const FIRESTORE: Kind =
    Kind { name: "firestore", variable: "FIRESTORE_EMULATOR_HOST", command: |port| command(port) };

fn command(port: u16) -> Vec<String> {
    let jar = sdk().join("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar");
    assert!(
        jar.exists(),
        "{} is missing: apt-get install -y google-cloud-cli-firestore-emulator",
        jar.display()
    );
    // Not `gcloud emulators firestore start`: it leaves its Java behind. It says no to languages without a file of its own.
    let main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore";
    let (jar, port) = (jar.to_string_lossy().into_owned(), format!("--port={port}"));
    ["java", "-Duser.language=en", "-Xmx4g", "-cp", &jar, main, "start", "--host=127.0.0.1", &port]
        .map(ToOwned::to_owned)
        .into()
}

/// The one of all tests.
#[must_use]
pub fn shared() -> Emulator {
    Emulator::shared(&FIRESTORE)
}

/// A project of the caller's own, empty.
#[must_use]
pub fn project_id() -> String {
    format!("test-{:016x}", rand::random::<u64>())
}
