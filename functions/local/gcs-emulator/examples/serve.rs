//! Serves a folder as Google Cloud Storage until Ctrl-C, for trying `curl` and `gcloud storage` on it.
//!
//! ```sh
//! cargo run -p gcs-emulator --example serve -- FOLDER BUCKET KEY_FILE
//! ```
//! `gcloud` takes the address by `CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=<address>storage/v1/`. It would exchange the
//! key for a token at Google: give it a JWT that the key signed (RS256; `scope` or `aud`) instead, in the file that
//! `CLOUDSDK_AUTH_ACCESS_TOKEN_FILE` names.
//!
//! The bucket is made where it is missing, and a service account that administers it, whose key is written to
//! `KEY_FILE` (for its owner only; the file must not be there yet).

use std::{error::Error, fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, sync::Arc};

use gcs_emulator::{BucketOptions, Clock, Emulator, Role};
use jiff::Timestamp;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, bucket, key_file] = arguments.as_slice() else {
        return Err("give three arguments: FOLDER BUCKET KEY_FILE".into());
    };
    #[expect(clippy::disallowed_methods, reason = "a program's wiring hands out the system's clock")]
    let clock: Clock = Arc::new(Timestamp::now);
    let running = Emulator::start(folder, clock).await?;
    let emulator = running.emulator();
    let options = BucketOptions::default();
    let (project, email) = (options.project.clone(), "trial@emulated-project.iam.gserviceaccount.com");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(key_file)?;
    let key = emulator.create_service_account_key(&project, email)?;
    file.write_all(key.to_string().as_bytes())?;
    emulator.create_bucket_with(bucket, options, &[(email, Role::Admin)])?;
    println!("{}/", running.base_url());
    tokio::signal::ctrl_c().await?;
    running.shutdown().await;
    Ok(())
}
