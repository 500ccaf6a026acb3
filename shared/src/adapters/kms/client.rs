//! Two calls of Cloud KMS, with every checksum that it knows, sent and compared.

use std::time::Duration;

use bytes::Bytes;
use crc32c::crc32c;
use google_cloud_auth::credentials::Credentials;
use google_cloud_gax::{
    client_builder,
    error::{Error, rpc::Code},
    options::RequestOptionsBuilder,
    retry_policy::{Aip194Strict, RetryPolicyExt},
};
use google_cloud_kms_v1::client::KeyManagementService;
use zeroize::Zeroizing;

/// How long one call may take, and all its repetitions.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// How often an answer that was damaged on the way is asked for again.
const DAMAGED_ATTEMPTS: usize = 3;

/// Why KMS did not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum KmsError {
    /// This ciphertext with this additional data was not made by this key.
    #[error("KMS refuses the ciphertext")]
    Refused,
    /// No permission, a disabled key version, an outage: ours to mend, then the same call works.
    #[error("{0}")]
    Call(String),
    /// The checksums did not match, again and again.
    #[error("what KMS answers is damaged on the way")]
    Damaged,
}

/// The client for one key.
pub(super) struct KmsClient {
    service: KeyManagementService,
    key_name: String,
}

impl KmsClient {
    pub(super) async fn new(
        key_name: String,
        endpoint: Option<String>,
        credentials: Option<Credentials>,
    ) -> Result<Self, client_builder::Error> {
        // Both calls can be repeated: they change nothing at KMS.
        let mut builder =
            KeyManagementService::builder().with_retry_policy(Aip194Strict.with_time_limit(CALL_TIMEOUT));
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(credentials) = credentials {
            builder = builder.with_credentials(credentials);
        }
        Ok(Self { service: builder.build().await?, key_name })
    }

    /// Encrypts under the key's primary version.
    pub(super) async fn encrypt(&self, plaintext: &[u8], purpose: &[u8]) -> Result<Vec<u8>, KmsError> {
        for _ in 0..DAMAGED_ATTEMPTS {
            let call = self
                .service
                .encrypt()
                .set_name(&self.key_name)
                // The copies in the client's hands cannot be wiped; they last as long as the call.
                .set_plaintext(Bytes::copy_from_slice(plaintext))
                .set_plaintext_crc32c(crc32c(plaintext))
                .set_additional_authenticated_data(Bytes::copy_from_slice(purpose))
                .set_additional_authenticated_data_crc32c(crc32c(purpose))
                .with_idempotency(true)
                .with_attempt_timeout(ATTEMPT_TIMEOUT);
            let answer = match call.send().await {
                Ok(answer) => answer,
                Err(error) if is_damaged(&error) => continue,
                Err(error) => return Err(KmsError::Call(error.to_string())),
            };
            let is_whole = answer.verified_plaintext_crc32c
                && answer.verified_additional_authenticated_data_crc32c
                && answer.ciphertext_crc32c == Some(i64::from(crc32c(&answer.ciphertext)));
            if is_whole {
                return if self.is_version_of_ours(&answer.name) {
                    Ok(answer.ciphertext.to_vec())
                } else {
                    Err(KmsError::Call(format!("KMS encrypted under another key, `{}`", answer.name)))
                };
            }
        }
        Err(KmsError::Damaged)
    }

    /// Decrypts under whichever version of the key the ciphertext names.
    pub(super) async fn decrypt(
        &self,
        ciphertext: &[u8],
        purpose: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        for _ in 0..DAMAGED_ATTEMPTS {
            let call = self
                .service
                .decrypt()
                .set_name(&self.key_name)
                .set_ciphertext(Bytes::copy_from_slice(ciphertext))
                .set_ciphertext_crc32c(crc32c(ciphertext))
                .set_additional_authenticated_data(Bytes::copy_from_slice(purpose))
                .set_additional_authenticated_data_crc32c(crc32c(purpose))
                .with_idempotency(true)
                .with_attempt_timeout(ATTEMPT_TIMEOUT);
            let answer = match call.send().await {
                Ok(answer) => answer,
                Err(error) if is_damaged(&error) => continue,
                Err(error) if code(&error) == Some(Code::InvalidArgument) => return Err(KmsError::Refused),
                Err(error) => return Err(KmsError::Call(error.to_string())),
            };
            if answer.plaintext_crc32c == Some(i64::from(crc32c(&answer.plaintext))) {
                return Ok(Zeroizing::new(answer.plaintext.to_vec()));
            }
        }
        Err(KmsError::Damaged)
    }

    fn is_version_of_ours(&self, name: &str) -> bool {
        name.strip_prefix(&self.key_name).is_some_and(|version| version.starts_with("/cryptoKeyVersions/"))
    }
}

fn code(error: &Error) -> Option<Code> {
    error.status().map(|status| status.code)
}

/// A request whose checksum did not match is refused as an invalid argument too, but says nothing about the seal. KMS
/// names the field.
fn is_damaged(error: &Error) -> bool {
    let names_checksum = |message: &str| message.contains("crc32c") || message.contains("checksum");
    code(error) == Some(Code::InvalidArgument)
        && error.status().is_some_and(|status| names_checksum(&status.message))
}
