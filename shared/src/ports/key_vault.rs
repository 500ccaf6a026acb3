//! Where service account keys are sealed and opened.

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::domain::{AccountId, BucketId, SealedKey};

/// A service account key in the open: the JSON text as the customer gave it. It is wiped when dropped and never
/// shown.
pub struct ServiceAccountKey(Zeroizing<String>);

impl ServiceAccountKey {
    /// Takes the JSON text.
    #[must_use]
    pub fn new(json: String) -> Self {
        Self(Zeroizing::new(json))
    }

    /// The JSON text. Whoever calls this must not let it out of the process.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServiceAccountKey(…)")
    }
}

/// Why a key cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The seal is broken, of another vault key, or of another account or bucket: ours to mend, never the customer's.
    #[error(
        "the sealed key of bucket `{bucket}` cannot be opened: it was sealed under another key of the vault, or is \
         damaged; bring the vault's key back, or have the customer give the key again"
    )]
    Unreadable {
        /// The bucket.
        bucket: BucketId,
    },
    /// The vault itself does not work; try again.
    #[error("the key vault is not available: {0}")]
    Unavailable(String),
}

/// Seals keys for one account and bucket each; a seal opens for no other.
#[async_trait]
pub trait KeyVault: Send + Sync {
    /// Seals a key. Two seals of the same key differ.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`].
    async fn seal(
        &self,
        account: AccountId,
        bucket: &BucketId,
        key: &ServiceAccountKey,
    ) -> Result<SealedKey, VaultError>;

    /// Opens a seal.
    ///
    /// # Errors
    /// [`VaultError`].
    async fn open(
        &self,
        account: AccountId,
        bucket: &BucketId,
        sealed: &SealedKey,
    ) -> Result<ServiceAccountKey, VaultError>;
}
