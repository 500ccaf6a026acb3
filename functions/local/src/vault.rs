//! The vault of a home: its key is made with the first start, and never in silence again once keys are sealed under it.

use anyhow::{Context, bail};
use spillway::{
    adapters::{
        key_file::{KeyFileError, KeyFileVault},
        sqlite::SqliteStore,
    },
    domain::PartnerBucket,
    ports::{AccountStore, BucketStore},
};

use crate::{home::Home, output::counted};

/// How many accounts are looked at in one page.
const PAGE: usize = 1_000;

/// Opens the vault. A missing key is made while nothing is sealed; else it was lost.
pub(crate) async fn open(
    home: &Home,
    store: &(impl AccountStore + BucketStore),
) -> anyhow::Result<KeyFileVault> {
    let path = home.vault_key();
    match KeyFileVault::open_existing(&path) {
        Err(KeyFileError::Missing { .. }) => {}
        opened => return Ok(opened?),
    }
    let sealed = sealed_buckets(store).await?;
    let Some(first) = sealed.first() else { return Ok(KeyFileVault::open(&path)?) };
    match KeyFileVault::open_existing(&path) {
        Err(error @ KeyFileError::Missing { .. }) => bail!(
            "{error}. {} sealed under it, first `{}` of account {}. If it is lost, `spillway new-vault-key` makes \
             another; each of these buckets then needs its service account key again",
            match sealed.len() {
                1 => "1 bucket's key is".to_owned(),
                several => format!("The keys of {} are", counted(several as u64, "bucket")),
            },
            first.bucket_name,
            first.account,
        ),
        // Another process made it, and sealed, while we looked.
        opened => Ok(opened?),
    }
}

/// Makes another key where the vault's is gone. Gives the buckets whose keys were sealed under the lost one.
pub(crate) async fn make_key_anew(home: &Home) -> anyhow::Result<Vec<PartnerBucket>> {
    let file = home.vault_key();
    if file.symlink_metadata().is_ok() {
        bail!("the vault has its key, {}; move it away first if it is not the right one", file.display());
    }
    let store = SqliteStore::open(&home.state()).context("the state cannot be opened")?;
    let locked_out = sealed_buckets(&store).await?;
    drop(KeyFileVault::open(&file)?);
    Ok(locked_out)
}

/// Every account's buckets: each has a sealed key.
async fn sealed_buckets(store: &(impl AccountStore + BucketStore)) -> anyhow::Result<Vec<PartnerBucket>> {
    let (mut sealed, mut after) = (Vec::new(), None);
    loop {
        let accounts = store.account_ids(after, PAGE).await?;
        for account in &accounts {
            sealed.extend(store.buckets(*account).await?);
        }
        after = accounts.last().copied();
        if after.is_none() {
            return Ok(sealed);
        }
    }
}
