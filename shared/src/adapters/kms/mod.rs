//! The key vault of the cloud: a data key of its own for each secret, wrapped by Cloud KMS.
//!
//! Sealing calls Encrypt only and opening Decrypt only, so that whoever takes keys in need not be able to read them.
//! Both the envelope and the wrapping are bound to the account and the bucket. When the key is rotated, old seals open
//! under the version that their wrapped key names, and new ones are made under the new.

mod client;
mod seal;

use async_trait::async_trait;
use aws_lc_rs::rand;
use google_cloud_auth::credentials::Credentials;
use zeroize::Zeroizing;

use self::{
    client::{KmsClient, KmsError},
    seal::Seal,
};
use super::envelope::{KEY_BYTES, SealingKey, purpose};
use crate::{
    domain::{AccountId, BucketId, SealedKey},
    ports::{KeyVault, ServiceAccountKey, VaultError},
};

/// Which key, and where.
#[derive(Debug, Clone)]
pub struct KmsOptions {
    /// `projects/…/locations/…/keyRings/…/cryptoKeys/…`, without a version.
    pub key_name: String,
    /// Another endpoint than Google's public one: private access, or a test's.
    pub endpoint: Option<String>,
}

/// The vault.
pub struct KmsVault {
    client: KmsClient,
}

impl KmsVault {
    /// A vault with the credentials of the machine; nothing is asked of the network yet.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`] where the machine has none, or its TLS is unusable.
    pub async fn connect(options: KmsOptions) -> Result<Self, VaultError> {
        Self::new(options, None).await
    }

    /// A vault with other credentials.
    ///
    /// # Errors
    /// As [`KmsVault::connect`].
    pub async fn connect_as(options: KmsOptions, credentials: Credentials) -> Result<Self, VaultError> {
        Self::new(options, Some(credentials)).await
    }

    async fn new(options: KmsOptions, credentials: Option<Credentials>) -> Result<Self, VaultError> {
        let client = KmsClient::new(options.key_name, options.endpoint, credentials).await;
        Ok(Self { client: client.map_err(|error| VaultError::Unavailable(error.to_string()))? })
    }
}

#[async_trait]
impl KeyVault for KmsVault {
    async fn seal(
        &self,
        account: AccountId,
        bucket: &BucketId,
        key: &ServiceAccountKey,
    ) -> Result<SealedKey, VaultError> {
        let purpose = purpose(account, bucket);
        let failed = || VaultError::Unavailable("sealing failed".to_owned());
        let mut data_key = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(data_key.as_mut()).map_err(|_| failed())?;
        let sealed = SealingKey::new(data_key.as_slice()).and_then(|data_key| data_key.seal(&purpose, key));
        let sealed = sealed.ok_or_else(failed)?;
        let wrapped = self.client.encrypt(data_key.as_slice(), &purpose).await;
        let wrapped = wrapped.map_err(|error| VaultError::Unavailable(error.to_string()))?;
        Seal { wrapped, sealed }.write().ok_or_else(failed)
    }

    async fn open(
        &self,
        account: AccountId,
        bucket: &BucketId,
        sealed: &SealedKey,
    ) -> Result<ServiceAccountKey, VaultError> {
        let unreadable = || VaultError::Unreadable { bucket: bucket.clone() };
        let purpose = purpose(account, bucket);
        let seal = Seal::read(sealed).ok_or_else(unreadable)?;
        let data_key = self.client.decrypt(&seal.wrapped, &purpose).await.map_err(|error| match error {
            KmsError::Refused => unreadable(),
            error => VaultError::Unavailable(error.to_string()),
        })?;
        let opened = SealingKey::new(&data_key).and_then(|data_key| data_key.open(&purpose, &seal.sealed));
        opened.ok_or_else(unreadable)
    }
}
