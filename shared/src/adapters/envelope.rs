//! How every vault seals: AES-256-GCM under a random nonce, for one account and bucket.
//!
//! What is sealed is the nonce of 12 bytes followed by the ciphertext with its tag. The additional data names the
//! account and the bucket, so a seal that is moved elsewhere does not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, MAX_TAG_LEN, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::{
    domain::{AccountId, BucketId},
    ports::ServiceAccountKey,
};

/// AES-256.
pub(super) const KEY_BYTES: usize = 32;
/// What the additional data begins with.
const PURPOSE: &[u8] = b"spillway/service-account-key/v1/";

/// A key that seals and opens.
pub(super) struct SealingKey(RandomizedNonceKey);

impl SealingKey {
    /// None where it has another length.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, bytes).ok().map(Self)
    }

    /// None where the system gives no random bits.
    pub(super) fn seal(&self, purpose: &[u8], key: &ServiceAccountKey) -> Option<Vec<u8>> {
        let text = key.expose().as_bytes();
        // With room for the tag, so that no copy of the text is left behind by growing.
        let mut sealed = Zeroizing::new(Vec::with_capacity(text.len() + MAX_TAG_LEN));
        sealed.extend_from_slice(text);
        let nonce = self.0.seal_in_place_append_tag(Aad::from(purpose), &mut *sealed).ok()?;
        Some([nonce.as_ref().as_slice(), sealed.as_slice()].concat())
    }

    /// None where the seal is not of this key and purpose, or was touched.
    pub(super) fn open(&self, purpose: &[u8], sealed: &[u8]) -> Option<ServiceAccountKey> {
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let (nonce, ciphertext) = sealed.split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let text = self.0.open_in_place(nonce, Aad::from(purpose), ciphertext).ok()?;
        Some(ServiceAccountKey::new(str::from_utf8(text).ok()?.to_owned()))
    }
}

/// The additional data: different for any two pairs, since the account has a fixed width.
pub(super) fn purpose(account: AccountId, bucket: &BucketId) -> Vec<u8> {
    [PURPOSE, &account.0.to_be_bytes(), bucket.0.as_bytes()].concat()
}
