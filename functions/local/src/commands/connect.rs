//! Accounts and buckets, as the command line connects them.

use std::{os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, bail};
use gcs_emulator::{BucketOptions, Role};
use spillway::{
    adapters::gcs::key_facts,
    domain::{Account, AccountId, BucketId, BucketState, PartnerBucket, ZoneName},
    ports::ServiceAccountKey,
};

use crate::system::System;

/// The project that local buckets and service accounts are said to be in.
const LOCAL_PROJECT: &str = "spillway-local";

/// An account, made on first use. Its time zone and its shards cannot change afterwards: the lake's folders depend
/// on them.
pub(crate) async fn account(
    system: &System,
    id: AccountId,
    time_zone: Option<ZoneName>,
    shards: Option<u8>,
) -> anyhow::Result<Account> {
    let is_known = system.store().account(id).await?.is_some();
    let account = account_to_be(system, id, time_zone, shards).await?;
    if !is_known {
        system.store().put_account(&account).await?;
    }
    Ok(account)
}

/// As [`account`], but stores nothing.
pub(crate) async fn account_to_be(
    system: &System,
    id: AccountId,
    time_zone: Option<ZoneName>,
    shards: Option<u8>,
) -> anyhow::Result<Account> {
    let Some(account) = system.store().account(id).await? else {
        let mut account = Account::new(id, time_zone.unwrap_or_default());
        account.shards = shards.unwrap_or(1);
        return Ok(account);
    };
    if let Some(zone) = time_zone.filter(|zone| *zone != account.time_zone) {
        bail!(
            "account {id} is in the time zone {}, not {zone}; it cannot change once there is data",
            account.time_zone
        );
    }
    if let Some(shards) = shards.filter(|shards| *shards != account.shards) {
        bail!(
            "account {id} has {} shards, not {shards}; they cannot change once there is data",
            account.shards
        );
    }
    Ok(account)
}

/// How a bucket is to be connected.
pub(crate) struct Connection<'a> {
    pub(crate) bucket_name: &'a str,
    pub(crate) key_file: Option<&'a Path>,
    pub(crate) create: bool,
}

/// The account's bucket of this name: made, connected or given another key, as asked for.
pub(crate) async fn bucket(
    system: &System,
    account: AccountId,
    connection: &Connection<'_>,
) -> anyhow::Result<PartnerBucket> {
    let name = connection.bucket_name;
    let known = system.store().buckets(account).await?.into_iter().find(|bucket| bucket.bucket_name == name);
    let mut key = match connection.key_file {
        Some(file) => Some(read_key(file)?),
        None => None,
    };
    if connection.create {
        make_local(system, name, &mut key, known.is_some())?;
    }
    match (key, known) {
        (Some(key), known) => save(system, account, name, &key, known).await,
        (None, Some(known)) => Ok(known),
        (None, None) if system.is_local() && !system.emulator()?.bucket_exists(name)? => {
            bail!("there is no local bucket `{name}`; make it with --create-bucket")
        }
        (None, None) if system.is_local() && system.home.bucket_key(name).exists() => {
            let key = read_key(&system.home.bucket_key(name))?;
            save(system, account, name, &key, None).await
        }
        (None, None) => {
            bail!("account {account} does not know the bucket `{name}`; give its key with --key FILE")
        }
    }
}

fn read_key(file: &Path) -> anyhow::Result<ServiceAccountKey> {
    let text = std::fs::read_to_string(file);
    text.map(ServiceAccountKey::new)
        .with_context(|| format!("the key file {} cannot be read", file.display()))
}

/// Makes a local bucket that does not exist, and a key for it where there is none.
fn make_local(
    system: &System,
    name: &str,
    key: &mut Option<ServiceAccountKey>,
    is_known: bool,
) -> anyhow::Result<()> {
    let emulator = system.emulator()?;
    if emulator.bucket_exists(name)? {
        return Ok(());
    }
    let options = BucketOptions { project: LOCAL_PROJECT.to_owned(), ..BucketOptions::default() };
    emulator.create_bucket(name, options)?;
    if key.is_none() && !is_known {
        // An account of its own, so that one bucket's key says nothing about another bucket.
        let email = format!("{name}@{LOCAL_PROJECT}.iam.gserviceaccount.com");
        let made = emulator.create_service_account_key(LOCAL_PROJECT, &email)?;
        let text = serde_json::to_string_pretty(&made)?;
        write_private(&system.home.bucket_key(name), &text)?;
        *key = Some(ServiceAccountKey::new(text));
    }
    if let Some(key) = key {
        let email =
            emulator.register_key(&serde_json::from_str(key.expose()).context("the key is not JSON")?)?;
        // What the set-up guide asks a customer for: create, and read back.
        emulator.grant(name, &email, Role::ObjectCreator)?;
        emulator.grant(name, &email, Role::ObjectViewer)?;
    }
    Ok(())
}

fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut opened = options.write(true).create(true).truncate(true).mode(0o600).open(file)?;
    std::io::Write::write_all(&mut opened, text.as_bytes())?;
    Ok(())
}

async fn save(
    system: &System,
    account: AccountId,
    name: &str,
    key: &ServiceAccountKey,
    known: Option<PartnerBucket>,
) -> anyhow::Result<PartnerBucket> {
    let id = known.map_or_else(|| BucketId(name.to_owned()), |known| known.id);
    let facts = key_facts(key, system.parts.clock.now()).map_err(|failure| anyhow::anyhow!("{failure}"))?;
    let sealed = system.parts.vault.seal(account, &id, key).await?;
    let bucket = PartnerBucket {
        account,
        id,
        bucket_name: name.to_owned(),
        key: sealed,
        key_facts: facts,
        state: BucketState::Ready,
    };
    system.store().put_bucket(&bucket).await?;
    Ok(bucket)
}
