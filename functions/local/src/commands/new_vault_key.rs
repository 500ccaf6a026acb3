//! `spillway new-vault-key`: another key for the vault, where the one under which keys were sealed is lost.

use std::{path::Path, process::ExitCode};

use serde_json::json;

use crate::{home::Home, output::Output, vault};

pub(crate) async fn run(home: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let home = Home::open(home)?;
    let locked_out = vault::make_key_anew(&home).await?;
    let file = home.vault_key();
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
