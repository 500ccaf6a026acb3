//! `spillway new-vault-key`: another key for the vault, where the one under which keys were sealed is lost.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, bail};
use serde_json::json;
use spillway::adapters::{key_file::KeyFileVault, sqlite::SqliteStore};

use crate::{home::Home, output::Output, vault};

pub(crate) async fn run(home: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let home = Home::open(home)?;
    let file = home.vault_key();
    if file.symlink_metadata().is_ok() {
        bail!("the vault has its key, {}; move it away first if it is not the right one", file.display());
    }
    let store = SqliteStore::open(&home.state()).context("the state cannot be opened")?;
    let locked_out = vault::sealed_buckets(&store).await?;
    drop(KeyFileVault::open(&file)?);
    output.line(format!("The vault has a new key, {}.", file.display()))?;
    let mut buckets = Vec::new();
    for bucket in locked_out {
        let own = home.bucket_key(&bucket.bucket_name);
        let own = own.exists().then(|| own.display().to_string());
        let key = own.as_deref().unwrap_or("FILE");
        let (account, name) = (bucket.account, &bucket.bucket_name);
        output.line(format!(
            "The bucket `{name}` of account {account} needs its service account key again: `spillway export --key \
             {key}`, or Replace the key in the dashboard."
        ))?;
        buckets.push(json!({ "account": account, "bucket": name, "keyFile": own }));
    }
    output.result(&json!({ "vaultKey": file.display().to_string(), "needKeys": buckets }))?;
    Ok(ExitCode::SUCCESS)
}
