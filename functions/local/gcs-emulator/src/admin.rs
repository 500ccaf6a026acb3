//! Managing the emulator from Rust: buckets, keys, roles, holds, faults. All of it is stored in the folder, but
//! for the faults. These calls block shortly on files.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    Emulator, Role,
    api::preconditions::Preconditions,
    error::{ApiError, Error, Result},
    faults::Faults,
    iam::Policy,
    state::{
        buckets::{BucketOptions, BucketRecord},
        keys, names,
    },
};

impl Emulator {
    /// The folder.
    pub fn root(&self) -> &Path {
        self.store.root()
    }

    /// Where an object lies, or would lie, as a file.
    pub fn object_path(&self, bucket: &str, object: &str) -> PathBuf {
        self.store.bucket_folder(bucket).join(names::file_name(object))
    }

    /// Makes an empty bucket on which nobody has a role.
    ///
    /// # Errors
    /// `BucketName`, `BucketExists`, or the folder cannot be written.
    pub fn create_bucket(&self, name: &str, options: BucketOptions) -> Result<()> {
        self.store.create_bucket(name, options, Policy::default()).map(drop)
    }

    /// Makes a bucket together with its roles, in one piece; one on which nobody has a role yet, as a process that
    /// was killed may have left it, gets them.
    ///
    /// # Errors
    /// `BucketName`, or the folder cannot be written.
    pub fn create_bucket_with(
        &self,
        name: &str,
        options: BucketOptions,
        grants: &[(&str, Role)],
    ) -> Result<()> {
        let mut policy = Policy::default();
        grants.iter().for_each(|(who, role)| policy.grant(who, *role));
        match self.store.create_bucket(name, options, policy.clone()) {
            Err(Error::BucketExists(_)) => {}
            made => return made.map(drop),
        }
        let adopt = |record: &mut BucketRecord| {
            if record.policy == Policy::default() {
                record.policy = policy;
            }
            Ok::<_, Error>(())
        };
        self.store.update_bucket(name, adopt).map(drop)
    }

    /// Whether the bucket is there and somebody has a role on it.
    ///
    /// # Errors
    /// If its record cannot be read.
    pub fn has_grants(&self, name: &str) -> Result<bool> {
        Ok(self.store.bucket(name)?.is_some_and(|bucket| bucket.policy != Policy::default()))
    }

    /// Whether a bucket may be called so.
    ///
    /// # Errors
    /// `BucketName`.
    pub fn check_bucket_name(&self, name: &str) -> Result<()> {
        if names::is_bucket_name(name) { Ok(()) } else { Err(Error::BucketName(name.to_owned())) }
    }

    /// Whether the bucket is there.
    ///
    /// # Errors
    /// If its record cannot be read.
    pub fn bucket_exists(&self, name: &str) -> Result<bool> {
        Ok(self.store.bucket(name)?.is_some())
    }

    /// The names of all buckets.
    ///
    /// # Errors
    /// If a record cannot be read.
    pub fn bucket_names(&self) -> Result<Vec<String>> {
        Ok(self.store.buckets()?.into_iter().map(|bucket| bucket.name).collect())
    }

    /// Deletes a bucket; `false` if it still holds files.
    ///
    /// # Errors
    /// `NoBucket`, or the folder cannot be written.
    pub fn delete_bucket(&self, name: &str) -> Result<bool> {
        self.store.delete_bucket(name)
    }

    /// Makes and registers a key for a service account: the JSON as Google's console would download it. Only
    /// its public half is kept here. The account has no role yet: [`Self::grant`] one.
    ///
    /// # Errors
    /// `Key` if the system can make none, or the folder cannot be written.
    pub fn create_service_account_key(&self, project: &str, email: &str) -> Result<Value> {
        let key = keys::generate(project, email)?;
        self.store.register_key(&key)?;
        Ok(key)
    }

    /// Makes a service account key that was made elsewhere known; returns its account's e-mail.
    ///
    /// # Errors
    /// `Key` if the JSON is not a service account key with a PKCS#8 RSA key.
    pub fn register_key(&self, key: &Value) -> Result<String> {
        Ok(self.store.register_key(key)?.client_email)
    }

    /// From now on requests with this key (`private_key_id`) get 401.
    ///
    /// # Errors
    /// `NoKey`, or the folder cannot be written.
    pub fn revoke_key(&self, key_id: &str) -> Result<()> {
        self.store.revoke_key(key_id)
    }

    /// Gives `who` (a service account's e-mail, `allUsers` or `allAuthenticatedUsers`) a role on the bucket.
    ///
    /// # Errors
    /// `NoBucket`, or the folder cannot be written.
    pub fn grant(&self, bucket: &str, who: &str, role: Role) -> Result<()> {
        self.store
            .update_bucket(bucket, |record| {
                record.policy.grant(who, role);
                Ok::<_, Error>(())
            })
            .map(drop)
    }

    /// Takes a role back.
    ///
    /// # Errors
    /// `NoBucket`, or the folder cannot be written.
    pub fn revoke_role(&self, bucket: &str, who: &str, role: Role) -> Result<()> {
        self.store
            .update_bucket(bucket, |record| {
                record.policy.revoke(who, role);
                Ok::<_, Error>(())
            })
            .map(drop)
    }

    /// Puts a temporary hold on an object, or lifts it.
    ///
    /// # Errors
    /// `NoBucket`, `NoObject`, or the folder cannot be written.
    pub fn set_hold(&self, bucket: &str, object: &str, held: bool) -> Result<()> {
        // So that a missing bucket or object keeps its own error.
        self.store.object(bucket, object)?;
        let change = |fields| Ok(crate::state::objects::Fields { temporary_hold: held, ..fields });
        self.store.update_object(bucket, object, &Preconditions::default(), change).map(drop).map_err(
            |ApiError { message, .. }| Error::Io {
                path: self.object_path(bucket, object),
                source: std::io::Error::other(message),
            },
        )
    }

    /// The switchboard of faults. Only the process that runs the emulator reaches it.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The faults and clocks aside, what the API works on.
    pub(crate) fn store(&self) -> &crate::state::Store {
        &self.store
    }
}
