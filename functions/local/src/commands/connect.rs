//! Accounts and buckets, as the command line connects them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use gcs_emulator::{BucketOptions, Emulator, Role};
use serde_json::Value;
use spillway::{
    adapters::local_queue::LocalQueue,
    domain::{Account, AccountId, BucketId, PartnerBucket, StepOutcome, ZoneName},
    ports::ServiceAccountKey,
    steps::{self, BucketProposal, Parts},
};
use zeroize::Zeroize;

use crate::{output::counted, private, system::System};

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
            "account {id} has {}, not {shards}; they cannot change once there is data",
            counted(account.shards.into(), "shard")
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
    let buckets = system.store().buckets(account).await?;
    let known = buckets.iter().find(|bucket| bucket.bucket_name == name).cloned();
    // A bucket that is new here takes its name as nickname; exports into the one that has it must not be moved.
    if let (None, Some(other)) = (&known, buckets.iter().find(|bucket| bucket.id.0 == name)) {
        bail!(
            "account {account} calls another bucket `{name}`, the one named `{}`; connect the bucket `{name}` under \
             another nickname in the dashboard first",
            other.bucket_name
        );
    }
    let given = match connection.key_file {
        Some(file) => Some(private::read_key(file)?),
        None => None,
    };
    let connected = connect(system, account, (name, connection.create), given, known).await;
    match connection.key_file {
        // What is wrong is with this key, as far as anybody can tell.
        Some(file) => connected.with_context(|| format!("with the key {}", file.display())),
        None => connected,
    }
}

async fn connect(
    system: &System,
    account: AccountId,
    (name, create): (&str, bool),
    mut key: Option<ServiceAccountKey>,
    known: Option<PartnerBucket>,
) -> anyhow::Result<PartnerBucket> {
    if create {
        key = make_local(system, name, key, known.as_ref()).await?;
    }
    match (key, known) {
        (Some(key), known) => save(system, account, name, key, known).await,
        (None, Some(known)) => Ok(known),
        (None, None) if system.is_local() && !system.emulator()?.bucket_exists(name)? => {
            bail!("there is no local bucket `{name}`; make it with --create-bucket")
        }
        (None, None) if system.is_local() && system.home.bucket_key(name).exists() => {
            let file = system.home.bucket_key(name);
            // The key lies in the home for whoever made the bucket. To another account it is as foreign as a key at
            // Google would be: who has that account's rows put there says so, by giving the key.
            if let Some(owner) = system.store().buckets_named(name).await?.first() {
                bail!(
                    "the local bucket `{name}` is account {0}'s; to write account {account}'s files into it too, give \
                     its key: --key {1}. Else name another bucket",
                    owner.account,
                    file.display()
                );
            }
            save(system, account, name, private::read_key(&file)?, None).await
        }
        (None, None) => {
            bail!("account {account} does not know the bucket `{name}`; give its key with --key FILE")
        }
    }
}

/// A local bucket that no account knows yet, and where its key lies: for whoever connects it by hand.
pub(crate) async fn local_bucket(system: &System, name: &str) -> anyhow::Result<PathBuf> {
    make_local(system, name, None, None).await?;
    Ok(system.home.bucket_key(name))
}

/// Makes a local bucket that does not exist, with a key of its own where there is none. Every part may be there
/// already, left by a process that was killed: first comes the key, then the bucket with its grants in one piece, and
/// last, by the caller, what the store knows of it. Returns the key that the store does not know yet.
async fn make_local(
    system: &System,
    name: &str,
    given: Option<ServiceAccountKey>,
    known: Option<&PartnerBucket>,
) -> anyhow::Result<Option<ServiceAccountKey>> {
    let emulator = system.emulator()?;
    if emulator.has_grants(name)? {
        return Ok(given);
    }
    // What the emulator would refuse later must not leave a key behind.
    emulator.check_bucket_name(name)?;
    let (key, is_new) = match (given, known) {
        (Some(given), _) => (given, true),
        // Its folder was deleted: it comes back under the key that it had.
        (None, Some(known)) => (system.parts.vault.open(known.account, &known.id, &known.key).await?, false),
        (None, None) => (own_key(system, emulator, name)?, true),
    };
    let text = serde_json::from_str(key.expose()).context("the key is not JSON")?;
    let email = emulator.register_key(&Wiped(text).0)?;
    let options = BucketOptions { project: LOCAL_PROJECT.to_owned(), ..BucketOptions::default() };
    // What the set-up guide asks a customer for: create, and read back.
    let grants = [(email.as_str(), Role::ObjectCreator), (&email, Role::ObjectViewer)];
    emulator.create_bucket_with(name, options, &grants)?;
    Ok(is_new.then_some(key))
}

/// The key that lies in the home for this bucket; a new one where there is none. Its account is of this bucket only,
/// so that one bucket's key says nothing about another bucket.
fn own_key(system: &System, emulator: &Emulator, name: &str) -> anyhow::Result<ServiceAccountKey> {
    let file = system.home.bucket_key(name);
    if !file.exists() {
        let email = format!("{name}@{LOCAL_PROJECT}.iam.gserviceaccount.com");
        let made = Wiped(emulator.create_service_account_key(LOCAL_PROJECT, &email)?);
        // With room for all of it, so that no copy is left behind by growing.
        let mut text = Vec::with_capacity(KEY_ROOM_BYTES);
        serde_json::to_writer_pretty(&mut text, &made.0)?;
        private::write_new_key(&file, &ServiceAccountKey::new(String::from_utf8(text)?))?;
    }
    // Where another process was first, its key counts.
    private::read_key(&file)
}

/// More than a key that we make takes, in bytes.
const KEY_ROOM_BYTES: usize = 8 * 1024;

/// A key's JSON, whose secret part is wiped when it is dropped.
struct Wiped(Value);

impl Drop for Wiped {
    fn drop(&mut self) {
        if let Some(Value::String(secret)) = self.0.get_mut("private_key") {
            secret.zeroize();
        }
    }
}

/// Saves a bucket as the dashboard does: where it passes the check. A wrong key leaves a working one alone.
async fn save(
    system: &System,
    account: AccountId,
    name: &str,
    key: ServiceAccountKey,
    known: Option<PartnerBucket>,
) -> anyhow::Result<PartnerBucket> {
    let replaces = known.is_some();
    let nickname = known.map_or_else(|| BucketId(name.to_owned()), |known| known.id);
    let proposal = BucketProposal { nickname: nickname.clone(), bucket_name: name.to_owned(), key, replaces };
    let saved = check_and_save(system, account, proposal).await;
    match saved {
        // Another process connected it meanwhile.
        Err(_) if !replaces => match system.store().bucket(account, &nickname).await? {
            Some(bucket) if bucket.bucket_name == name => Ok(bucket),
            _ => saved,
        },
        saved => saved,
    }
}

async fn check_and_save(
    system: &System,
    account: AccountId,
    proposal: BucketProposal,
) -> anyhow::Result<PartnerBucket> {
    let name = proposal.bucket_name.clone();
    // What waits for the bucket is not this command's to wake: it goes on with what has its own places when it starts.
    let parts = Parts { queue: Arc::new(LocalQueue::new()), ..system.parts.clone() };
    let candidate = steps::propose_bucket(&parts, account, proposal).await?;
    let mut failed = None;
    let saved = steps::check_candidate(&parts, account, &candidate, |report| {
        if let StepOutcome::Failed { wrong, remedy } = report.outcome {
            failed = Some(format!("{wrong} {remedy}"));
        }
    });
    match (saved.await?, failed) {
        (Some(bucket), _) => Ok(bucket),
        (None, Some(failed)) => bail!("the bucket `{name}` does not pass its check: {failed}"),
        (None, None) => bail!("the check of the bucket `{name}` came to no end; try again"),
    }
}
