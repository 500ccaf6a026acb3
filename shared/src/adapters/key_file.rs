//! The key vault of a laptop: a file that holds the vault's key, for its owner only.
//!
//! A seal is `v1:` and, in base64, what the `envelope` makes under that key.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use aws_lc_rs::rand;
use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::envelope::{KEY_BYTES, SealingKey, purpose};
use crate::{
    domain::{AccountId, BucketId, SealedKey},
    ports::{KeyVault, ServiceAccountKey, VaultError},
};

/// What a key file begins with; the key follows in base64.
const FILE_PREFIX: &str = "spillway-vault-key-1:";
/// More than a key file can have, in bytes.
const FILE_MAX_BYTES: u64 = 1_000;
/// What a seal begins with.
const SEAL_PREFIX: &str = "v1:";

/// Why the vault cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Others than its owner may read it.
    #[error(
        "the key file `{}` is open to others (mode {mode:04o}); if nobody else can have read it, close it with \
         `chmod 600 '{}'`, otherwise have all service account keys replaced",
        path.display(), path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else.
    #[error(
        "`{}` is no key file of Spillway; name another file, or bring the right one back from a backup: the \
         sealed service account keys open with no other",
        path.display()
    )]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// It is not there any more.
    #[error(
        "the key file `{}` is gone, and with it what opens the sealed service account keys; bring it back from a backup",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It can be neither read nor made.
    #[error("the key file `{}` cannot be used: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// A vault whose key lies in a file.
pub struct KeyFileVault {
    key: SealingKey,
}

impl KeyFileVault {
    /// Opens the vault of a key file; makes a new key, readable by the owner only, where there is no file.
    ///
    /// # Errors
    /// [`KeyFileError`]
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        match Self::open_existing(path) {
            Err(KeyFileError::Missing { .. }) => {
                create(path).map_err(|error| KeyFileError::Io { path: path.to_owned(), error })?;
                Self::open_existing(path)
            }
            opened => opened,
        }
    }

    /// Opens the vault of a key file that was made before: a new key would open nothing of what is sealed already.
    ///
    /// # Errors
    /// [`KeyFileError`]; [`KeyFileError::Missing`] where there is no file.
    pub fn open_existing(path: &Path) -> Result<Self, KeyFileError> {
        let fault = |error| KeyFileError::Io { path: path.to_owned(), error };
        let mut file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => KeyFileError::Missing { path: path.to_owned() },
            _ => fault(error),
        })?;
        // Of the open file, not of the path, which may come to mean another file.
        let facts = file.metadata().map_err(fault)?;
        let mode = facts.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::OpenToOthers { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::with_capacity(FILE_MAX_BYTES as usize));
        match Read::by_ref(&mut file).take(FILE_MAX_BYTES).read_to_string(&mut text) {
            Err(error) if error.kind() != ErrorKind::InvalidData => return Err(fault(error)),
            _ => {}
        }
        let key = parse(&text).ok_or_else(|| KeyFileError::NotAKey { path: path.to_owned() })?;
        Ok(Self { key })
    }
}

fn parse(text: &str) -> Option<SealingKey> {
    let encoded = text.trim_end().strip_prefix(FILE_PREFIX)?;
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(encoded).ok()?);
    // Checks the length too.
    SealingKey::new(&bytes)
}

/// Makes a key file that is there whole or not at all: it is written under a name of its own and then linked to its
/// place, which fails where another process was first. Then that one's key counts.
fn create(path: &Path) -> io::Result<()> {
    let mut bits = [0; 8];
    rand::fill(&mut bits).map_err(|_| no_random_bits())?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.new", u64::from_ne_bytes(bits)));
    let draft = path.with_file_name(name);
    let made = write_new(&draft).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    });
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => made.and(Err(error)),
        _ => made,
    }
}

fn write_new(path: &Path) -> io::Result<()> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    rand::fill(key.as_mut()).map_err(|_| no_random_bits())?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(FILE_PREFIX.as_bytes())?;
    file.write_all(Zeroizing::new(BASE64_STANDARD.encode(key.as_slice())).as_bytes())?;
    file.write_all(b"\n")?;
    // A key that is lost with the power would take every seal with it.
    file.sync_all()
}

fn no_random_bits() -> io::Error {
    io::Error::other("the system gives no random bits")
}

#[async_trait]
impl KeyVault for KeyFileVault {
    async fn seal(
        &self,
        account: AccountId,
        bucket: &BucketId,
        key: &ServiceAccountKey,
    ) -> Result<SealedKey, VaultError> {
        let sealed = self.key.seal(&purpose(account, bucket), key);
        let sealed = sealed.ok_or_else(|| VaultError::Unavailable("sealing failed".to_owned()))?;
        Ok(SealedKey(format!("{SEAL_PREFIX}{}", BASE64_STANDARD.encode(sealed))))
    }

    async fn open(
        &self,
        account: AccountId,
        bucket: &BucketId,
        sealed: &SealedKey,
    ) -> Result<ServiceAccountKey, VaultError> {
        let encoded = sealed.0.strip_prefix(SEAL_PREFIX);
        let sealed = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        let opened = sealed.and_then(|sealed| self.key.open(&purpose(account, bucket), &sealed));
        opened.ok_or_else(|| VaultError::Unreadable { bucket: bucket.clone() })
    }
}
