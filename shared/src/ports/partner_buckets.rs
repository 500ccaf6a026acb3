//! The customer's bucket, under the customer's own key.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::ServiceAccountKey;
use crate::domain::{BucketFailure, BucketSettings, Crc32c};

/// The bytes of an object in the making. The upload holds no more of them than its buffer.
#[async_trait]
pub trait ByteSource: Send {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// [`SourceError`] ends the upload without an object.
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError>;
}

/// Bytes in one piece.
#[async_trait]
impl ByteSource for Option<Bytes> {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(self.take())
    }
}

/// The source has given up; it keeps the reason itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of the upload has given up")]
pub struct SourceError;

/// What a stored object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Its name.
    pub name: String,
    /// Its size as stored.
    pub bytes: u64,
    /// Of the stored bytes.
    pub crc32c: Crc32c,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}

/// Why an object was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateObjectError {
    /// An object of this name is there already.
    #[error("an object of this name exists")]
    Exists,
    /// The source gave up.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Google refused or could not be reached.
    #[error("{0}")]
    Failed(BucketFailure),
}

/// Opens buckets. There is one code path, locally and in the cloud: the official client.
#[async_trait]
pub trait PartnerBuckets: Send + Sync {
    /// A bucket under a key. Nothing is asked of Google yet.
    ///
    /// # Errors
    /// A failure of class `KeyUnusable` for a text that is no service account key.
    async fn open(
        &self,
        bucket_name: &str,
        key: &ServiceAccountKey,
    ) -> Result<Box<dyn BucketHandle>, BucketFailure>;

    /// The same, to find out whether exports would work. A token has been signed with the key, so that a private key
    /// that was damaged is told from one that Google refuses; nothing is asked of Google yet.
    ///
    /// # Errors
    /// A failure of class `KeyUnusable` for a text that is no service account key, or one that nothing can be signed
    /// with.
    async fn probe(
        &self,
        bucket_name: &str,
        key: &ServiceAccountKey,
    ) -> Result<Box<dyn BucketProbe>, BucketFailure>;
}

/// One bucket under one key that has to prove itself. Each call is one request, made once: what passes is told as such.
/// No call leaves anything behind in the bucket.
#[async_trait]
pub trait BucketProbe: Send + Sync {
    /// Whether the account holds a permission on the bucket. Asking takes none.
    ///
    /// # Errors
    /// [`BucketFailure`].
    async fn holds(&self, permission: &str) -> Result<bool, BucketFailure>;

    /// Begins the upload of an object as an export does, create-only, and cancels it.
    ///
    /// # Errors
    /// [`BucketFailure`] where it cannot be begun.
    async fn try_upload(&self, name: &str) -> Result<(), BucketFailure>;

    /// What the bucket's owner has set.
    ///
    /// # Errors
    /// [`BucketFailure`]; `PermissionMissing` for accounts that deal with objects only, which is the usual case.
    async fn settings(&self) -> Result<BucketSettings, BucketFailure>;
}

/// One bucket under one key.
#[async_trait]
pub trait BucketHandle: Send + Sync {
    /// Creates an object from `source`, never overwriting one.
    ///
    /// # Errors
    /// [`CreateObjectError`]; after any of them the object may exist nevertheless, written by this call.
    async fn create(
        &self,
        name: &str,
        content_type: &str,
        source: Box<dyn ByteSource>,
    ) -> Result<ObjectFacts, CreateObjectError>;

    /// The facts of an object; none where it does not exist.
    ///
    /// # Errors
    /// [`BucketFailure`]; `PermissionMissing` where the key may not read objects.
    async fn facts(&self, name: &str) -> Result<Option<ObjectFacts>, BucketFailure>;

    /// Reads an object, piece by piece.
    ///
    /// # Errors
    /// [`BucketFailure`] at the opening; a source that gives up means that reading broke off.
    async fn read(&self, name: &str) -> Result<Option<Box<dyn ByteSource>>, BucketFailure>;

    /// The objects whose names begin with `prefix`, by name.
    ///
    /// # Errors
    /// [`BucketFailure`]; `PermissionMissing` where the key may not list.
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectFacts>, BucketFailure>;
}
