//! An account's webhook: its secret is made, and deliveries are signed and sent.

use std::time::Duration;

use bytes::Bytes;
use zeroize::Zeroizing;

use super::{
    Parts, StepError,
    account::{AccountError, TRIES},
};
use crate::{
    domain::{
        Account, AccountId, SealedKey,
        webhook::{Payload, SigningSecret, WebhookSecrets, seal_name, signature_header},
    },
    ports::{ServiceAccountKey, StoreError, VaultError, WebhookCall, WebhookError},
};

/// What became of a delivery that was made at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedWebhook {
    /// The status with which it was taken, or why it did not arrive.
    pub outcome: Result<u16, String>,
    /// How long that took.
    pub took: Duration,
}

/// Makes the account's webhook another secret and gives it: it is shown once. Those before it sign too for a day.
///
/// # Errors
/// [`AccountError`]: the settings may have changed meanwhile.
pub async fn renew_webhook_secret(
    parts: &Parts,
    account: AccountId,
) -> Result<(Zeroizing<String>, Account), AccountError> {
    let (secret, sealed) = new_secret(parts, account).await?;
    for _ in 0..TRIES {
        let known = parts.store.account(account).await?.ok_or(AccountError::NoAccount(account))?;
        let secrets = match known.webhook_secrets.clone() {
            Some(before) => before.replaced_by(sealed.clone(), parts.now()),
            None => WebhookSecrets::new(sealed.clone(), parts.now()),
        };
        let changed = Account { webhook_secrets: Some(secrets), ..known.clone() };
        match parts.store.replace_account(&known, &changed).await {
            Err(StoreError::Conflict(_)) => {}
            replaced => {
                replaced?;
                return Ok((secret.expose(), changed));
            }
        }
    }
    Err(AccountError::Changed(account))
}

/// A webhook that a customer enters has a secret from the beginning, which nobody has seen yet.
pub(super) async fn with_secret(parts: &Parts, account: Account) -> Result<Account, StepError> {
    if account.webhook.is_none() || account.webhook_secrets.is_some() {
        return Ok(account);
    }
    let (_, sealed) = new_secret(parts, account.id).await?;
    Ok(Account { webhook_secrets: Some(WebhookSecrets::new(sealed, parts.now())), ..account })
}

async fn new_secret(parts: &Parts, account: AccountId) -> Result<(SigningSecret, SealedKey), StepError> {
    let secret = SigningSecret::from_random(rand::random());
    let text = ServiceAccountKey::new(secret.expose().to_string());
    let sealed = parts.vault.seal(account, &seal_name(), &text).await?;
    Ok((secret, sealed))
}

/// Sends the account's webhook a test, and waits for the answer. None where it has no webhook.
///
/// # Errors
/// [`StepError`] where that cannot be tried at all.
pub async fn test_webhook(parts: &Parts, account: AccountId) -> Result<Option<TriedWebhook>, StepError> {
    let Some(settings) = parts.store.account(account).await? else { return Ok(None) };
    let began = parts.now();
    let id = format!("test-{:016x}", rand::random::<u64>());
    let body = Payload::test(&settings, began).to_bytes();
    let outcome = match deliver_webhook(parts, &settings, &id, &body).await? {
        None => return Ok(None),
        Some(outcome) => outcome.map_err(|error| error.to_string()),
    };
    let took = parts.now().duration_since(began);
    Ok(Some(TriedWebhook { outcome, took: took.try_into().unwrap_or_default() }))
}

/// Signs a delivery and sends it, once. None where the account has no webhook any more.
///
/// # Errors
/// [`StepError`] where the secrets cannot be opened.
pub async fn deliver_webhook(
    parts: &Parts,
    account: &Account,
    id: &str,
    body: &[u8],
) -> Result<Option<Result<u16, WebhookError>>, StepError> {
    let Some(url) = account.webhook.clone() else { return Ok(None) };
    let now = parts.now();
    // Nothing ever goes out unsigned.
    let Some(secrets) = open_secrets(parts, account).await? else {
        return Ok(Some(Err(WebhookError::NoSecret)));
    };
    let call = WebhookCall {
        url,
        id: id.to_owned(),
        timestamp: now.as_second(),
        signatures: signature_header(&secrets, id, now, body),
        body: Bytes::copy_from_slice(body),
    };
    Ok(Some(parts.webhooks.call(&call).await))
}

/// The secrets that sign now; none where there is none that can be opened, which the customer mends by a new one.
async fn open_secrets(parts: &Parts, account: &Account) -> Result<Option<Vec<SigningSecret>>, StepError> {
    let mut opened = Vec::new();
    for sealed in account.webhook_secrets.iter().flat_map(|secrets| secrets.signing(parts.now())) {
        let text = match parts.vault.open(account.id, &seal_name(), sealed).await {
            Ok(text) => text,
            Err(VaultError::Unreadable { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match SigningSecret::read(text.expose()) {
            Ok(secret) => opened.push(secret),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(opened).filter(|opened| !opened.is_empty()))
}
