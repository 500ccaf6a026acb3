//! The vault of Cloud KMS keeps the vault's contract, by two rights of two callers, through rotation and bad lines.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use google_cloud_auth::credentials::mds;
use spillway::{
    adapters::{
        kms::{KmsOptions, KmsVault},
        system_clock::SystemClock,
    },
    domain::{AccountId, BucketId, SealedKey},
    ports::{KeyVault, ServiceAccountKey, VaultError},
};
use spillway_tests::{
    contract,
    fakes::{FakeKms, Issuer, KmsFault, Metadata, Right},
};

const ACCOUNT: AccountId = AccountId(1);

fn bucket() -> BucketId {
    BucketId("main".to_owned())
}

async fn vault_of(kms: &FakeKms, email: &str, rights: &[Right]) -> KmsVault {
    let issuer = Issuer::start("https://accounts.google.com").await;
    let machine = Metadata::start("p", email, issuer, Arc::new(SystemClock)).await;
    let credentials = mds::Builder::default().with_endpoint(format!("http://{}", machine.host())).build();
    for right in rights {
        kms.grant(email, *right);
    }
    let options = KmsOptions { key_name: kms.key_name.clone(), endpoint: Some(kms.endpoint()) };
    KmsVault::connect_as(options, credentials.unwrap()).await.unwrap()
}

async fn both(kms: &FakeKms) -> KmsVault {
    vault_of(kms, "all@p.iam.gserviceaccount.com", &[Right::Encrypt, Right::Decrypt]).await
}

async fn seal(vault: &KmsVault, key: &str) -> Result<SealedKey, VaultError> {
    vault.seal(ACCOUNT, &bucket(), &ServiceAccountKey::new(key.to_owned())).await
}

async fn open(vault: &KmsVault, sealed: &SealedKey) -> Result<String, VaultError> {
    Ok(vault.open(ACCOUNT, &bucket(), sealed).await?.expose().to_owned())
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let kms = FakeKms::start().await;
    contract::vault::keeps_its_contract(&both(&kms).await).await;
}

/// The seal inside is bound to both too, so that opening alone would not tell whether the key's service is told of them.
#[tokio::test]
async fn the_key_s_service_is_told_whose_key_it_is_and_of_which_bucket() {
    let kms = FakeKms::start().await;
    let vault = both(&kms).await;
    let mut told = Vec::new();
    for (account, bucket) in [(1, "main"), (1, "other"), (2, "main"), (770, "main")] {
        let (id, key) = (BucketId(bucket.to_owned()), ServiceAccountKey::new("key".to_owned()));
        let before = kms.purposes().len();
        let sealed = vault.seal(AccountId(account), &id, &key).await.unwrap();
        vault.open(AccountId(account), &id, &sealed).await.unwrap();
        let purposes = kms.purposes().split_off(before);
        assert!(purposes.len() == 2 && purposes[0] == purposes[1], "sealed and opened under the same");
        assert!(purposes[0].ends_with(bucket.as_bytes()), "{purposes:?}");
        assert!(purposes[0].windows(8).any(|bytes| bytes == account.to_be_bytes()), "{purposes:?}");
        told.push(purposes[0].clone());
    }
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 4, "no two are told the same");
}

#[tokio::test]
async fn whoever_takes_keys_in_may_only_encrypt_and_needs_no_more() {
    let kms = FakeKms::start().await;
    let dashboard = vault_of(&kms, "dashboard@p.iam.gserviceaccount.com", &[Right::Encrypt]).await;
    let encoder = vault_of(&kms, "encoder@p.iam.gserviceaccount.com", &[Right::Decrypt]).await;
    let sealed = seal(&dashboard, "key").await.unwrap();
    assert_eq!((kms.calls("encrypt"), kms.calls("decrypt")), (1, 0));
    assert_eq!(open(&encoder, &sealed).await.unwrap(), "key");
    assert_eq!((kms.calls("encrypt"), kms.calls("decrypt")), (1, 1));
    // A permission that is missing is ours to mend: the customer's key is not lost.
    assert!(matches!(open(&dashboard, &sealed).await.unwrap_err(), VaultError::Unavailable(_)));
    let error = seal(&encoder, "key").await.unwrap_err();
    assert!(matches!(&error, VaultError::Unavailable(text) if text.contains("Permission denied")), "{error}");
}

#[tokio::test]
async fn old_seals_open_after_rotation_unless_their_version_is_disabled() {
    let kms = FakeKms::start().await;
    let vault = both(&kms).await;
    let old = seal(&vault, "old").await.unwrap();
    kms.rotate();
    let new = seal(&vault, "new").await.unwrap();
    assert_eq!(open(&vault, &old).await.unwrap(), "old");
    assert_eq!(open(&vault, &new).await.unwrap(), "new");
    // It can be enabled again, so nobody has to give a key again.
    kms.disable(1);
    assert!(matches!(open(&vault, &old).await.unwrap_err(), VaultError::Unavailable(_)));
    assert_eq!(open(&vault, &new).await.unwrap(), "new");
}

#[tokio::test]
async fn what_is_damaged_on_the_way_is_asked_for_again() {
    let kms = FakeKms::start().await;
    let vault = both(&kms).await;
    let sealed = seal(&vault, "key").await.unwrap();
    for fault in [KmsFault::DamagedRequest, KmsFault::DamagedAnswer, KmsFault::LostChecksums] {
        kms.fail_next(&[fault, fault]);
        let again = seal(&vault, "key").await.unwrap();
        assert_eq!(open(&vault, &again).await.unwrap(), "key", "{fault:?}");
        kms.fail_next(&[fault; 3]);
        let error = seal(&vault, "key").await.unwrap_err();
        assert!(matches!(&error, VaultError::Unavailable(text) if text.contains("damaged")), "{error}");
    }
    for fault in [KmsFault::DamagedRequest, KmsFault::DamagedAnswer] {
        kms.fail_next(&[fault, fault]);
        assert_eq!(open(&vault, &sealed).await.unwrap(), "key", "{fault:?}");
        kms.fail_next(&[fault; 3]);
        // Above all not Unreadable: that would block the customer's bucket.
        let error = open(&vault, &sealed).await.unwrap_err();
        assert!(matches!(&error, VaultError::Unavailable(text) if text.contains("damaged")), "{error}");
    }
}

#[tokio::test]
async fn an_outage_is_waited_out() {
    let kms = FakeKms::start().await;
    let vault = both(&kms).await;
    kms.fail_next(&[KmsFault::Outage]);
    let sealed = seal(&vault, "key").await.unwrap();
    assert_eq!(kms.calls("encrypt"), 2);
    kms.fail_next(&[KmsFault::Outage]);
    assert_eq!(open(&vault, &sealed).await.unwrap(), "key");
    assert_eq!(kms.calls("decrypt"), 2);
}

#[tokio::test]
async fn another_key_opens_nothing() {
    let (ours, foreign) = (FakeKms::start().await, FakeKms::start().await);
    let sealed = seal(&both(&ours).await, "key").await.unwrap();
    let error = open(&both(&foreign).await, &sealed).await.unwrap_err();
    assert!(matches!(error, VaultError::Unreadable { .. }), "{error}");
}
