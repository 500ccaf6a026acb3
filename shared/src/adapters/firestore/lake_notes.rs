//! What was learned of an account's lake: property keys of scanned files, and ratios of output to input.

use std::collections::BTreeMap;

use super::{
    client::Client,
    documents::{Fields, Stored},
    faults::Fault,
    paths::{self, DocPath, text_id},
    transaction::Transaction,
};
use crate::{domain::AccountId, ports::StoreError};

fn keys_path(account: AccountId, path: &str) -> DocPath {
    paths::account(account).child("scanned_keys", &text_id(path))
}

pub(super) async fn scanned_keys(
    client: &Client,
    account: AccountId,
    path: &str,
) -> Result<Option<String>, Fault> {
    let stored = client.get_one(&keys_path(account, path)).await?;
    Ok(stored.map(|stored| stored.read(|| format!("the scanned keys of lake file `{path}`"))).transpose()?)
}

pub(super) fn put_scanned_keys(tx: &Transaction, account: AccountId, path: &str, keys: &str) {
    tx.put(keys_path(account, path), Fields::of(&keys));
}

fn ratios_path(account: AccountId, format_key: &str) -> DocPath {
    paths::account(account).child("ratios", &text_id(format_key))
}

/// A ratio is kept as its 64 bits: in JSON the last of them may change.
fn read_ratios(
    stored: Option<Stored>,
    account: AccountId,
    format_key: &str,
) -> Result<BTreeMap<String, f64>, StoreError> {
    let Some(stored) = stored else { return Ok(BTreeMap::new()) };
    let bits: BTreeMap<String, u64> =
        stored.read(|| format!("ratios of {format_key} in account {account}"))?;
    Ok(bits.into_iter().map(|(name, bits)| (name, f64::from_bits(bits))).collect())
}

pub(super) async fn ratios(
    client: &Client,
    account: AccountId,
    format_key: &str,
) -> Result<BTreeMap<String, f64>, Fault> {
    let stored = client.get_one(&ratios_path(account, format_key)).await?;
    Ok(read_ratios(stored, account, format_key)?)
}

/// Ratios that are no numbers say nothing and are passed over.
pub(super) async fn put_ratios(
    tx: &Transaction,
    account: AccountId,
    format_key: &str,
    ratios: &BTreeMap<String, f64>,
) -> Result<(), Fault> {
    let path = ratios_path(account, format_key);
    let mut known = read_ratios(tx.get(&path).await?, account, format_key)?;
    known.extend(
        ratios.iter().filter(|(_, ratio)| ratio.is_finite()).map(|(name, ratio)| (name.clone(), *ratio)),
    );
    let bits: BTreeMap<String, u64> =
        known.into_iter().map(|(name, ratio)| (name, ratio.to_bits())).collect();
    tx.put(path, Fields::of(&bits));
    Ok(())
}
