//! The vault of a key file keeps the vault's contract, and its key.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::Barrier,
    thread,
};

use spillway::{
    adapters::key_file::{KeyFileError, KeyFileVault},
    domain::{AccountId, BucketId},
    ports::{KeyVault, ServiceAccountKey},
};
use spillway_tests::contract;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.key");
    (folder, path)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Whether what one seals the other opens.
async fn share_a_key(one: &KeyFileVault, two: &KeyFileVault) -> bool {
    let (account, bucket) = (AccountId(1), BucketId("main".to_owned()));
    let sealed = one.seal(account, &bucket, &ServiceAccountKey::new("key".to_owned())).await.unwrap();
    two.open(account, &bucket, &sealed).await.is_ok()
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let (_folder, path) = folder();
    contract::vault::keeps_its_contract(&KeyFileVault::open(&path).unwrap()).await;
}

#[tokio::test]
async fn a_new_key_is_its_owners_only_and_stays() {
    let (folder, path) = folder();
    let vault = KeyFileVault::open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays behind");
    assert!(share_a_key(&vault, &KeyFileVault::open(&path).unwrap()).await);
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(share_a_key(&vault, &KeyFileVault::open(&link).unwrap()).await);
    let other = KeyFileVault::open(&folder.path().join("other.key")).unwrap();
    assert!(!share_a_key(&vault, &other).await);
}

#[tokio::test]
async fn processes_that_begin_at_once_share_the_key() {
    let (folder, path) = folder();
    let barrier = Barrier::new(8);
    let vaults: Vec<KeyFileVault> = thread::scope(|scope| {
        let open = || {
            barrier.wait();
            KeyFileVault::open(&path).unwrap()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for vault in &vaults {
        assert!(share_a_key(&vaults[0], vault).await);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let (_folder, path) = folder();
    drop(KeyFileVault::open(&path).unwrap());
    for mode in [0o644, 0o640, 0o604, 0o660, 0o601] {
        set_mode(&path, mode);
        let error = KeyFileVault::open(&path).err().unwrap();
        assert!(matches!(error, KeyFileError::OpenToOthers { mode: told, .. } if told == mode));
        let sentence = error.to_string();
        assert!(sentence.contains(&format!("chmod 600 '{}'", path.display())), "{sentence}");
    }
    set_mode(&path, 0o400);
    drop(KeyFileVault::open(&path).unwrap());
}

#[test]
fn what_is_no_key_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    drop(KeyFileVault::open(&path).unwrap());
    let good = fs::read(&path).unwrap();
    let texts = [b"".as_slice(), b"hello", &good[..good.len() - 6], &good[1..], &[0xff; 2_000], b"{}"];
    for text in texts {
        fs::write(&path, text).unwrap();
        let error = KeyFileVault::open(&path).err().unwrap();
        assert!(matches!(error, KeyFileError::NotAKey { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), text);
    }
    fs::write(&path, good.trim_ascii_end()).unwrap();
    drop(KeyFileVault::open(&path).unwrap());
    let nowhere = path.with_file_name("no folder").join("vault.key");
    assert!(matches!(KeyFileVault::open(&nowhere).err().unwrap(), KeyFileError::Io { .. }));
}
